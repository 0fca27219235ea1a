/* Secrets: what is read from a definition, what counts as a change, from where they may be used. */
#include "platform/project_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "leftover.h"

static struct project_secret *read_secret(const char *name, const char *text,
                                          const char *definition)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *s;

    assert_int_equal(project_secret_parse(name, slice_of(text), slice_of(definition), &s, error),
                     ST_OK);
    assert_string_equal(error, "");
    return s;
}

static void what_is_left_out_limits_nothing(void **state)
{
    struct project_secret *s = read_secret("main", "text", "{}");

    (void)state;
    assert_string_equal(s->name, "main");
    assert_int_equal(s->scopes, SCOPES_ALL);
    assert_int_equal(s->expires_ms, 0);
    assert_true(project_secret_allows_address(s, slice_of("192.0.2.1")));
    assert_true(project_secret_allows_address(s, slice_of("memory")));
    assert_true(project_secret_allows_device(s, 1, 0));
    assert_null(project_secret_limits(s));
    project_secret_unref(&s);
    assert_null(s);
    project_secret_unref(&s);
}

static void all_members(void **state)
{
    struct project_secret *s =
        read_secret("a", "text",
                    "{\"scopes\": [\"command\", \"push\"], \"expires_ms\": 1893456000000, "
                    "\"addresses\": [\"192.0.2.0/24\", \"::1\"]}");

    (void)state;
    assert_int_equal(s->scopes, SCOPE_BIT(SCOPE_COMMAND) | SCOPE_BIT(SCOPE_PUSH));
    assert_true(s->expires_ms == INT64_C(1893456000000));
    assert_true(project_secret_allows_address(s, slice_of("192.0.2.1")));
    assert_true(project_secret_allows_address(s, slice_of("::1")));
    assert_false(project_secret_allows_address(s, slice_of("::2")));
    assert_false(project_secret_allows_address(s, slice_of("memory")));
    project_secret_unref(&s);
}

static void devices_and_types(void **state)
{
    uint64_t a = ident_parse(IDENT_DEVICE, slice_of("DU_00000000zz"));
    uint64_t b = ident_parse(IDENT_DEVICE, slice_of("DU_0000000001"));
    uint64_t c = ident_parse(IDENT_DEVICE, slice_of("DU_0000000002"));
    uint64_t type = ident_parse(IDENT_TYPE, slice_of("PK_4fT2x"));
    struct project_secret *named =
        read_secret("a", "text", "{\"devices\": [\"DU_00000000zz\", \"DU_0000000001\"]}");
    struct project_secret *typed = read_secret("a", "text", "{\"types\": [\"PK_4fT2x\"]}");
    struct project_secret *both =
        read_secret("a", "text", "{\"types\": [\"PK_4fT2x\"], \"devices\": [\"DU_0000000001\"]}");

    (void)state;
    assert_ptr_equal(project_secret_limits(named), named);
    assert_true(project_secret_allows_device(named, a, 0));
    assert_true(project_secret_allows_device(named, b, type));
    assert_false(project_secret_allows_device(named, c, type));
    assert_false(project_secret_allows_device(typed, a, 0));
    assert_false(project_secret_allows_device(typed, a, type + 1));
    assert_true(project_secret_allows_device(typed, a, type));
    assert_true(project_secret_allows_device(both, b, 0)); /* one of the two is enough */
    assert_true(project_secret_allows_device(both, c, type));
    assert_false(project_secret_allows_device(both, c, 0));
    project_secret_unref(&named);
    project_secret_unref(&typed);
    project_secret_unref(&both);
}

static void whatever_changes_is_a_change(void **state)
{
    struct project_secret *s = read_secret("a", "text", "{}");
    struct project_secret *others[] = {
        read_secret("a", "text", "{}"), read_secret("b", "text", "{}"),
        read_secret("a", "Text", "{}"), read_secret("a", "text", "{\"scopes\": [\"push\"]}")};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(project_secret_is_like(s, others[i]), i == 0);
        project_secret_unref(&others[i]);
    }
    project_secret_unref(&s);
}

/* What became of the text is there; the text is not, nor the key that HMAC makes of it. */
static void the_text_is_not_kept(void **state)
{
    static const char text[] = "0123456789abcdefghijABCDEFGHIJ0123456789";
    struct project_secret *s = read_secret("a", text, "{}");
    char padded[2][sizeof(text)];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        padded[0][i] = (char)(text[i] ^ 0x36);
        padded[1][i] = (char)(text[i] ^ 0x5c);
    }
    assert_null(memmem(s, sizeof(*s), text, 8));
    assert_null(memmem(s, sizeof(*s), padded[0], 8));
    assert_null(memmem(s, sizeof(*s), padded[1], 8));
    project_secret_unref(&s);
}

static const struct mistake {
    const char *definition, *words;
} mistakes[] = {
    {"[]", "a JSON object"},
    {"{", "line 1"},
    {"{\"scope\": [\"push\"]}", "\"scope\""},
    {"{\"scopes\": []}", "\"scopes\" is empty"},
    {"{\"scopes\": \"push\"}", "\"scopes\""},
    {"{\"scopes\": [\"publish\"]}", "subscribe, push and command"},
    {"{\"scopes\": [1]}", "subscribe, push and command"},
    {"{\"scopes\": [\"push\", \"push\", \"push\", \"push\"]}", "\"scopes\""},
    {"{\"expires_ms\": \"soon\"}", "\"expires_ms\""},
    {"{\"expires_ms\": -1}", "\"expires_ms\""},
    {"{\"expires_ms\": 99999999999999}", "\"expires_ms\""},
    {"{\"addresses\": []}", "\"addresses\" is empty"},
    {"{\"addresses\": [\"192.0.2.1/24\"]}", "\"192.0.2.1/24\" is no range"},
    {"{\"addresses\": [7]}", "\"\" is no range"},
    {"{\"devices\": []}", "\"devices\" is empty"},
    {"{\"devices\": [\"DU_1\"]}", "list of user names"},
    {"{\"devices\": \"DU_0000000001\"}", "\"devices\""},
    {"{\"types\": [\"DU_0000000001\"]}", "list of product keys"},
    {"{\"types\": [null]}", "list of product keys"},
};

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char error[PROJECT_SECRET_ERROR_MAX];
        struct project_secret *s;

        assert_int_not_equal(project_secret_parse("a", slice_of("text"),
                                                  slice_of(mistakes[i].definition), &s, error),
                             ST_OK);
        assert_null(s);
        if (strstr(error, mistakes[i].words) == NULL)
            fail_msg("%s: %s", mistakes[i].definition, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(what_is_left_out_limits_nothing),
        LEFTOVER_TEST(all_members),
        LEFTOVER_TEST(devices_and_types),
        LEFTOVER_TEST(whatever_changes_is_a_change),
        LEFTOVER_TEST(the_text_is_not_kept),
        LEFTOVER_TEST(what_is_wrong_is_told),
    };

    if (secret_init() != ST_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
