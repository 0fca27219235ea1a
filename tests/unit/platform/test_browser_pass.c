/* Browser passes: made and read to the byte, genuine for one secret of one project only. */
#include "platform/browser_pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define KEY    "PR_0123456789"
#define SECRET "0123456789abcdefghijABCDEFGHIJ0123456789"

/* Computed with Python's hmac and base64. */
static const struct known {
    const char *pass, *name;
    uint8_t scopes;
    int64_t expires_s;
} known[] = {
    {"p1.main.spc.1893456000.oGXMmRMQNrqM6mRu_KAZnvi5CJR_lcJegEUa93l5oI8", "main", SCOPES_ALL,
     1893456000},
    {"p1.line-2.s.1.TSQDhBjQGCCD0zAgieJvmScpOJ_LnzvhuBvTtlhcHoY", "line-2",
     SCOPE_BIT(SCOPE_SUBSCRIBE), 1},
};

static void known_passes(void **state)
{
    struct secret_mac_key key = secret_mac_key_of(slice_of(SECRET));
    struct secret_mac_key other = secret_mac_key_of(slice_of("another"));
    char made[BROWSER_PASS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct known *k = &known[i];
        struct browser_pass p;

        assert_true(browser_pass_parse(slice_of(k->pass), &p));
        assert_true(slice_is(p.name, k->name));
        assert_int_equal(p.scopes, k->scopes);
        assert_true(p.expires_ms == k->expires_s * 1000);
        assert_true(browser_pass_is_genuine(&p, slice_of(KEY), &key));
        assert_false(browser_pass_is_genuine(&p, slice_of("PR_0123456780"), &key));
        assert_false(browser_pass_is_genuine(&p, slice_of(KEY), &other));
        browser_pass_write(slice_of(KEY), k->name, k->scopes, k->expires_s, &key, made);
        assert_string_equal(made, k->pass);
    }
}

/* Another claim, or the mac written in another way, is not genuine. */
static void no_byte_may_change(void **state)
{
    static const char pass[] = "p1.main.spc.1893456000.oGXMmRMQNrqM6mRu_KAZnvi5CJR_lcJegEUa93l5oI8";
    struct secret_mac_key key = secret_mac_key_of(slice_of(SECRET));

    (void)state;
    for (size_t at = 0; at < sizeof(pass) - 1; at++) {
        for (unsigned byte = 1; byte < 256; byte++) {
            char changed[sizeof(pass)];
            struct browser_pass p;

            memcpy(changed, pass, sizeof(pass));
            changed[at] = (char)byte;
            if (changed[at] != pass[at] && browser_pass_parse(slice_of(changed), &p))
                assert_false(browser_pass_is_genuine(&p, slice_of(KEY), &key));
        }
    }
}

#define MAC     "oGXMmRMQNrqM6mRu_KAZnvi5CJR_lcJegEUa93l5oI8"
#define LONGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct form {
    const char *pass;
    bool is_one;
} forms[] = {
    {"p1.main.spc.1893456000." MAC, true},
    {"p1.main.cps.1893456000." MAC, true},
    {"p1.main.p.9999999999." MAC, true},
    {"p1." LONGEST ".c.1." MAC, true},
    {"p1." LONGEST "a.c.1." MAC, false},
    {"", false},
    {".", false},
    {"p1", false},
    {"p1....", false},
    {"p1.main.s.1.", false},
    {"p2.main.s.1." MAC, false},
    {"P1.main.s.1." MAC, false},
    {" p1.main.s.1." MAC, false},
    {"p1..s.1." MAC, false},
    {"p1.ma/in.s.1." MAC, false},
    {"p1.main..1." MAC, false},
    {"p1.main.ss.1." MAC, false},
    {"p1.main.sx.1." MAC, false},
    {"p1.main.S.1." MAC, false},
    {"p1.main.s.." MAC, false},
    {"p1.main.s.0." MAC, false},
    {"p1.main.s.01." MAC, false},
    {"p1.main.s.-1." MAC, false},
    {"p1.main.s.+1." MAC, false},
    {"p1.main.s.1e9." MAC, false},
    {"p1.main.s.1893456000000." MAC, false}, /* milliseconds */
    {"p1.main.s.1893456000.5." MAC, false},
    {"p1.main.s.1." MAC "=", false},
    {"p1.main.s.1." MAC ".", false},
    {"p1.main.s.1.oGXMmRMQNrqM6mRu", false},
};

static void the_form_is_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct browser_pass p;

        if (browser_pass_parse(slice_of(forms[i].pass), &p) != forms[i].is_one)
            fail_msg("%s", forms[i].pass);
    }
}

static void the_longest_has_room(void **state)
{
    struct secret_mac_key key = secret_mac_key_of(slice_of(SECRET));
    char made[BROWSER_PASS_MAX + 1];

    (void)state;
    browser_pass_write(slice_of(KEY), LONGEST, SCOPES_ALL, 9999999999, &key, made);
    assert_int_equal(strlen(made), BROWSER_PASS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_passes),
        cmocka_unit_test(no_byte_may_change),
        cmocka_unit_test(the_form_is_strict),
        cmocka_unit_test(the_longest_has_room),
    };

    if (secret_init() != ST_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
