/* Ranges of addresses: what is read as one, and what lies inside. */
#include "base/address_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct range_case {
    const char *range, *address;
    bool is_inside;
} range_cases[] = {
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
    {"192.0.2.0/24", "2001:db8::c000:207", false},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"10.0.0.0/8", "10.255.1.2", true},
    {"10.0.0.0/7", "11.0.0.0", true},
    {"10.0.0.0/7", "12.0.0.0", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "::1", false},
    {"192.0.2.9", "192.0.2.9", true},
    {"192.0.2.9", "192.0.2.8", false},
    {"192.0.2.9/32", "192.0.2.9", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::", false},
    {"::/0", "fe80::1", true},
    {"::/0", "192.0.2.1", true}, /* every address is one of IPv6, mapped */
    {"::1", "::1", true},
    {"::1/128", "::2", false},
    {"2001:db8:8000::/33", "2001:db8:7fff::", false},
    {"2001:db8:8000::/33", "2001:db8:8000::", true},
    {"::ffff:192.0.2.0/120", "192.0.2.77", true},
};

static void what_lies_inside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(range_cases) / sizeof(range_cases[0]); i++) {
        const struct range_case *c = &range_cases[i];
        struct address_range range;
        struct address address;

        assert_int_equal(address_range_parse(slice_of(c->range), &range), ST_OK);
        assert_int_equal(address_parse(slice_of(c->address), &address), ST_OK);
        if (address_range_has(&range, &address) != c->is_inside)
            fail_msg("%s in %s", c->address, c->range);
    }
}

static void mistakes(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "/24",
        "192.0.2",
        "192.0.2.0/",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/+8",
        "1.2.3.4/08",
        "1.2.3.4/24",
        "1.2.3.4/8 ",
        " 1.2.3.4",
        "1.2.3.4/8/8",
        "256.0.0.1",
        "01.2.3.4",
        "::1/129",
        "2001:db8::/8",
        "2001:db8::1/64",
        "fe80::1%eth0",
        "localhost",
        "1.2.3.4/0",
        "1.2.3.4/1000",
        "0123456789012345678901234567890123456789012345678901234567",
    };
    struct address_range range;
    struct address address;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (address_range_parse(slice_of(texts[i]), &range) != ST_INVALID)
            fail_msg("%s", texts[i]);
    }
    assert_int_equal(address_range_parse(slice_make("1.2.3.4\0", 8), &range), ST_INVALID);
    assert_int_equal(address_parse(slice_of("1.2.3.4/32"), &address), ST_INVALID);
    assert_int_equal(address_parse(slice_of("memory"), &address), ST_INVALID);
    assert_int_equal(address_parse(slice_make(NULL, 0), &address), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_inside),
        cmocka_unit_test(mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
