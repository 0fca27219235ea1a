/* The announced length of a ClientHello, however its bytes are cut. */
#include "net/tls_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define BYTES(text)                               \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct hello_case {
    const char *name;
    struct slice bytes;
    bool is_fine;
} hello_cases[] = {
    {"a usual one", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), true},
    {"the longest", BYTES("\x16\x03\x01\x40\x00\x01\x00\x40\x00"), true},
    {"one byte more", BYTES("\x16\x03\x01\x40\x00\x01\x00\x40\x01"), false},
    {"as long as can be told", BYTES("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), false},
    {"what OpenSSL would take", BYTES("\x16\x03\x01\x00\x04\x01\x02\x00\x00"), false},
    {"in records of one byte",
     BYTES("\x16\x03\x01\x00\x01\x01"
           "\x16\x03\x01\x00\x01\x01"
           "\x16\x03\x01\x00\x01\x00"
           "\x16\x03\x01\x00\x01\x00"),
     false},
    {"in two records, fine",
     BYTES("\x16\x03\x01\x00\x02\x01\x00"
           "\x16\x03\x01\x00\x05\x01\xfc\x03\x03\xff\xff"),
     true},
    {"behind an empty record", BYTES("\x16\x03\x01\x00\x00\x16\x03\x01\x00\x04\x01\x02\x00\x00"),
     false},
    {"cut off before its length", BYTES("\x16\x03\x01\x02\x00\x01\xff\xff"), true},
    {"what comes behind it is not looked at",
     BYTES("\x16\x03\x01\x00\x04\x01\x00\x00\x00\x16\x03\x01\x00\x04\x01\xff\xff\xff"), true},
};

static void hellos(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hello_cases) / sizeof(hello_cases[0]); i++) {
        const struct hello_case *c = &hello_cases[i];

        print_message("  %s\n", c->name);
        for (size_t step = 1; step <= c->bytes.len; step++) {
            struct tls_hello h = {0};
            bool is_fine = true;

            for (size_t at = 0; at < c->bytes.len; at += step) {
                size_t left = c->bytes.len - at;
                struct slice part = slice_make(c->bytes.data + at, left < step ? left : step);

                is_fine = is_fine && tls_hello_feed(&h, part);
            }
            assert_int_equal(is_fine, c->is_fine);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellos),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
