/*
 * SHA-1 in base64: the examples of FIPS 180-2 and RFC 6455.
 */
#include "net/tls_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

static void known_digests(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        {"abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "hJg+RBw70m66rkqh+VEp5eVGcPE="},
        {"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
         "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[TLS_DIGEST_SHA1_BASE64_LEN + 1];

        tls_digest_sha1_base64(slice_of(cases[i].text), out);
        assert_string_equal(out, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(known_digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
