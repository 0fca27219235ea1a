/* Peers' addresses: as text, and which of them are one source. */
#include "net/peer_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static struct sockaddr_storage address_of(const char *text, uint16_t port)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return a;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    return a;
}

static const struct text_case {
    const char *address, *text;
    size_t address_len;
} text_cases[] = {
    {"192.0.2.1", "192.0.2.1:49152", 9},
    {"::ffff:192.0.2.1", "192.0.2.1:49152", 9},
    {"2001:db8::1", "2001:db8::1:49152", 11},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:49152",
     39},
};

static void as_text(void **state)
{
    char text[PEER_ADDRESS_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
        const struct text_case *t = &text_cases[i];
        struct sockaddr_storage peer = address_of(t->address, 49152);

        assert_int_equal(peer_address_format(&peer, text), t->address_len);
        assert_string_equal(text, t->text);
    }
    assert_int_equal(peer_address_format(NULL, text), 6);
    assert_string_equal(text, "memory:0");
}

static const struct source_case {
    const char *name, *a, *b;
    bool is_same;
} source_cases[] = {
    {"one IPv4 address", "192.0.2.1", "192.0.2.1", true},
    {"two of one network", "192.0.2.1", "192.0.2.2", false},
    {"over an IPv6 socket", "192.0.2.1", "::ffff:192.0.2.1", true},
    {"one host's IPv6 addresses", "2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true},
    {"two IPv6 networks", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
    {"IPv4 and IPv6", "0.0.0.1", "::1", false},
};

static void sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(source_cases) / sizeof(source_cases[0]); i++) {
        const struct source_case *s = &source_cases[i];
        struct sockaddr_storage a = address_of(s->a, 1), b = address_of(s->b, 2);

        print_message("  %s\n", s->name);
        assert_int_equal(peer_address_source(&a) == peer_address_source(&b), s->is_same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_text),
        cmocka_unit_test(sources),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
