/*
 * Session tickets: taken up again across certificates, reloads and rotations, and not for ever.
 */
#include "net/tls_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "tls_folder.h"
#include "tls_peer.h"

/* Connects with the session of `*session`, which becomes the newest one; true when it was taken up
 * again. */
static bool resumes(struct tls_context *c, const char *server_name, int version,
                    SSL_SESSION **session)
{
    const struct tls_peer_offer o = {
        .server_name = server_name, .max_version = version, .session = *session};
    struct tls_peer p;
    bool was;

    assert_true(tls_peer_connect(&p, c, &o));
    was = SSL_session_reused(p.client) == 1;
    assert_int_equal(SSL_session_reused(p.server), was);
    tls_peer_talk(&p);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(p.client);
    tls_peer_deinit(&p);
    return was;
}

static void check_tickets(const char *server_name, int version)
{
    const uint64_t hour_ms = 60 * 60 * 1000;
    const int64_t unix_ms = clock_unix_ms();
    SSL_SESSION *session = NULL;
    struct tls_context *c;
    struct tls_context *other;

    clock_hold(1000, unix_ms);
    c = tls_peer_open();
    other = tls_peer_open();
    assert_false(resumes(c, server_name, version, &session));
    assert_true(SSL_SESSION_has_ticket(session));
    assert_true(resumes(c, server_name, version, &session));
    tls_peer_reload(c);
    assert_true(resumes(c, server_name, version, &session));
    clock_advance(11 * hour_ms);
    assert_true(resumes(c, server_name, version, &session));
    clock_advance(11 * hour_ms); /* under the key before the present one */
    assert_true(resumes(c, server_name, version, &session));
    clock_advance(13 * hour_ms); /* which is gone now: the ticket was renewed then */
    assert_true(resumes(c, server_name, version, &session));
    clock_advance(25 * hour_ms);
    assert_false(resumes(c, server_name, version, &session));
    assert_true(resumes(c, server_name, version, &session));
    assert_false(resumes(other, server_name, version, &session));
    SSL_SESSION_free(session);
    tls_context_close(&c);
    tls_context_close(&other);
}

static void tickets_take_sessions_up_again(void **state)
{
    (void)state;
    tls_peer_make_ec_certificate("server", 1, NULL);
    tls_folder_make("sni");
    tls_peer_make_ec_certificate("sni/a", 2, "DNS:one.example");
    check_tickets("localhost", TLS1_3_VERSION);
    check_tickets("one.example", TLS1_3_VERSION);
    check_tickets("localhost", TLS1_2_VERSION);
    check_tickets("one.example", TLS1_2_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_FOLDER_TEST(tickets_take_sessions_up_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
