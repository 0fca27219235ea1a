/*
 * The certificates of the first start: that they verify, and what later starts leave alone.
 */
#include "net/tls_local_ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tls_folder.h"

static const int64_t day_ms = (int64_t)24 * 60 * 60 * 1000;
static const int64_t now_ms = INT64_C(1900000000000); /* 2030 */

static char error[512];

static enum status ensure(const char *public_host)
{
    error[0] = '\0';
    return tls_local_ca_ensure(tls_folder_path("tls"), public_host, error, sizeof(error));
}

static void ensure_ok(const char *public_host)
{
    enum status st = ensure(public_host);

    if (st != ST_OK)
        fail_msg("%s", error);
    assert_string_equal(error, "");
}

static void ensure_fails(const char *public_host, enum status want, const char *file)
{
    assert_string_equal(status_text(ensure(public_host)), status_text(want));
    assert_non_null(strstr(error, file));
    assert_null(strchr(error, '\n'));
}

/* The certificate at the beginning of a file; the caller frees it. */
static X509 *certificate(const char *name)
{
    FILE *file = fopen(tls_folder_path(name), "re");
    X509 *cert;

    assert_non_null(file);
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(cert);
    (void)fclose(file);
    return cert;
}

/* True when a strict client that knows the CA alone takes server.pem for this host at this time. */
static bool verifies(const char *host, int64_t at_ms)
{
    X509 *ca = certificate("tls/ca.pem");
    X509 *server = certificate("tls/server.pem");
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    bool is;

    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, server, NULL), 1);
    param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(param, (time_t)(at_ms / 1000));
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER), 1);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
        assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    is = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(server);
    X509_free(ca);
    return is;
}

/* The key in a file; the caller frees it. */
static EVP_PKEY *private_key(const char *name)
{
    FILE *file = fopen(tls_folder_path(name), "re");
    EVP_PKEY *key;

    assert_non_null(file);
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    assert_non_null(key);
    (void)fclose(file);
    return key;
}

static bool key_fits(const char *cert_name, const char *key_name)
{
    X509 *cert = certificate(cert_name);
    EVP_PKEY *key = private_key(key_name);
    bool fits;

    fits = X509_check_private_key(cert, key) == 1;
    EVP_PKEY_free(key);
    X509_free(cert);
    return fits;
}

static void the_first_start_makes_all(void **state)
{
    char host[256];
    int64_t at = clock_unix_ms();

    (void)state;
    ensure_ok(NULL);
    assert_int_equal(tls_folder_mode("tls"), 0700);
    assert_int_equal(tls_folder_mode("tls/ca.key"), 0600);
    assert_int_equal(tls_folder_mode("tls/server.key"), 0600);
    assert_true(key_fits("tls/ca.pem", "tls/ca.key"));
    assert_true(key_fits("tls/server.pem", "tls/server.key"));
    assert_true(verifies("localhost", at));
    assert_true(verifies("127.0.0.1", at));
    assert_true(verifies("::1", at));
    assert_int_equal(gethostname(host, sizeof(host)), 0);
    assert_true(verifies(host, at));
    assert_false(verifies("other.example", at));
    assert_false(verifies("127.0.0.2", at));
}

static void server_pem_holds_the_ca_too(void **state)
{
    FILE *file;
    X509 *ca;
    X509 *second;

    (void)state;
    ensure_ok(NULL);
    file = fopen(tls_folder_path("tls/server.pem"), "re");
    assert_non_null(file);
    X509_free(PEM_read_X509(file, NULL, NULL, NULL));
    second = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    ca = certificate("tls/ca.pem");
    assert_int_equal(X509_cmp(ca, second), 0);
    X509_free(second);
    X509_free(ca);
}

static void check_days(const char *name, int want)
{
    X509 *cert = certificate(name);
    int days;
    int seconds;

    assert_int_equal(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), X509_get0_notAfter(cert)), 1);
    assert_int_equal(days, want);
    assert_int_equal(seconds, 0);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_in_range(ASN1_STRING_length(X509_get0_serialNumber(cert)), 16, 20);
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(cert)), V_ASN1_INTEGER);
    X509_free(cert);
}

static void certificates_last_as_long_as_said(void **state)
{
    (void)state;
    ensure_ok(NULL);
    check_days("tls/ca.pem", 3650);
    check_days("tls/server.pem", 397);
}

static void the_ca_may_only_sign_servers(void **state)
{
    X509 *ca;
    X509 *server;

    (void)state;
    ensure_ok(NULL);
    ca = certificate("tls/ca.pem");
    server = certificate("tls/server.pem");
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_get_key_usage(server), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(server), XKU_SSL_SERVER);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(ca), X509_get0_authority_key_id(server)), 0);
    assert_non_null(X509_get0_subject_key_id(server));
    X509_free(server);
    X509_free(ca);
}

/* All four files as they are; compared later. */
struct snapshot {
    struct buffer files[4];
};

static const char *const names[] = {"tls/ca.pem", "tls/ca.key", "tls/server.pem", "tls/server.key"};

static struct snapshot snapshot(void)
{
    struct snapshot s;

    for (unsigned i = 0; i < 4; i++)
        s.files[i] = tls_folder_read(names[i]);
    return s;
}

/* Compares and frees; `changed` is the one that must be another now, NULL for none. */
static void check_snapshot(struct snapshot *s, const char *changed)
{
    for (unsigned i = 0; i < 4; i++) {
        bool may_not = changed == NULL || strcmp(changed, names[i]) != 0;

        assert_int_equal(tls_folder_is(names[i], &s->files[i]), may_not);
        buffer_deinit(&s->files[i]);
    }
}

static void a_second_start_changes_nothing(void **state)
{
    struct snapshot s;

    (void)state;
    ensure_ok("device.example");
    s = snapshot();
    ensure_ok("device.example");
    ensure_ok(NULL);
    ensure_ok("");
    ensure_ok("localhost");
    ensure_ok("::1");
    check_snapshot(&s, NULL);
}

static void a_new_public_host_gets_into_the_certificate(void **state)
{
    static const char *const hosts[] = {"cloud.example.com", "203.0.113.7", "2001:db8::7",
                                        "UPPER.example", "under_score.example"};
    int64_t at = clock_unix_ms();

    (void)state;
    ensure_ok(NULL);
    for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct snapshot s = snapshot();

        assert_false(verifies(hosts[i], at));
        ensure_ok(hosts[i]);
        assert_true(verifies(hosts[i], at));
        assert_true(verifies("localhost", at));
        assert_true(key_fits("tls/server.pem", "tls/server.key"));
        check_snapshot(&s, "tls/server.pem");
    }
}

static void a_public_host_that_is_none_is_refused(void **state)
{
    static const char *const hosts[] = {
        "https://a.example", "a.example:7884", "[::1]", "a b",  "a,DNS:b", "a.example.", "-a",
        "\xc3\xa9.example",  ".example",       "*",     "a\nb", "1::2::3",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        ensure_fails(hosts[i], ST_INVALID, "public host");
    assert_false(tls_folder_has("tls"));
}

static void a_certificate_about_to_end_is_renewed(void **state)
{
    struct snapshot s;

    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    assert_true(verifies("localhost", now_ms + 396 * day_ms));
    assert_false(verifies("localhost", now_ms + 397 * day_ms));
    s = snapshot();
    clock_hold(0, now_ms + 366 * day_ms);
    ensure_ok(NULL);
    check_snapshot(&s, NULL);
    s = snapshot();
    clock_hold(0, now_ms + 367 * day_ms);
    ensure_ok(NULL);
    check_snapshot(&s, "tls/server.pem");
    assert_true(key_fits("tls/server.pem", "tls/server.key"));
    assert_true(verifies("localhost", now_ms + 760 * day_ms));
}

static void a_certificate_does_not_outlive_its_ca(void **state)
{
    X509 *ca;
    X509 *server;

    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    clock_hold(0, now_ms + 3600 * day_ms);
    ensure_ok(NULL);
    assert_true(verifies("localhost", now_ms + 3649 * day_ms));
    ca = certificate("tls/ca.pem");
    server = certificate("tls/server.pem");
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(ca), X509_get0_notAfter(server)), 0);
    X509_free(server);
    X509_free(ca);
}

static void without_a_ca_that_can_sign_nothing_is_renewed(void **state)
{
    struct buffer server;

    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    server = tls_folder_read("tls/server.pem");
    clock_hold(0, now_ms + 3651 * day_ms);
    ensure_ok("new.example");
    clock_hold(0, now_ms);
    tls_folder_remove("tls/ca.key");
    ensure_ok("new.example");
    tls_folder_remove("tls/ca.pem");
    ensure_ok("new.example");
    assert_true(tls_folder_is("tls/server.pem", &server));
    assert_false(tls_folder_has("tls/ca.pem"));
    buffer_deinit(&server);
}

static void an_ended_ca_makes_no_certificate(void **state)
{
    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    tls_folder_remove("tls/server.pem");
    clock_hold(0, now_ms + 3651 * day_ms);
    ensure_fails(NULL, ST_INVALID, "/tls/ca.pem");
}

/* A certificate and key of the operator, from another CA, about to end. */
static void an_operators_certificate_stays(void **state)
{
    struct buffer cert;
    struct buffer key;

    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    cert = tls_folder_read("tls/server.pem");
    key = tls_folder_read("tls/server.key");
    for (unsigned i = 0; i < 4; i++)
        tls_folder_remove(names[i]);
    ensure_ok(NULL);
    tls_folder_write("tls/server.pem", buffer_slice(&cert));
    tls_folder_write("tls/server.key", buffer_slice(&key));
    clock_hold(0, now_ms + 396 * day_ms);
    ensure_ok("new.example");
    assert_true(tls_folder_is("tls/server.pem", &cert));
    assert_true(tls_folder_is("tls/server.key", &key));
    buffer_deinit(&cert);
    buffer_deinit(&key);
}

/* Somebody has signed a certificate with our CA by other means; it is about to end. */
static void a_certificate_under_our_ca_that_we_have_not_made_stays(void **state)
{
    EVP_PKEY *ca_key;
    X509 *cert;
    X509_NAME *subject;
    FILE *file;
    struct buffer before;

    (void)state;
    clock_hold(0, now_ms);
    ensure_ok(NULL);
    ca_key = private_key("tls/ca.key");
    cert = certificate("tls/server.pem");
    subject = X509_get_subject_name(cert);
    X509_NAME_ENTRY_free(
        X509_NAME_delete_entry(subject, X509_NAME_get_index_by_NID(subject, NID_commonName, -1)));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"mine", -1, -1, 0),
                     1);
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    file = fopen(tls_folder_path("tls/server.pem"), "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(cert);
    EVP_PKEY_free(ca_key);
    before = tls_folder_read("tls/server.pem");
    clock_hold(0, now_ms + 396 * day_ms);
    ensure_ok("new.example");
    assert_true(tls_folder_is("tls/server.pem", &before));
    buffer_deinit(&before);
}

/* Whatever subset of files a cut-off start has left, in the order in which they are written. */
static void a_start_that_was_cut_off_goes_on(void **state)
{
    static const char *const order[] = {"tls/ca.key", "tls/ca.pem", "tls/server.key",
                                        "tls/server.pem"};
    int64_t at = clock_unix_ms();

    (void)state;
    ensure_ok(NULL);
    for (unsigned left = 0; left < 4; left++) {
        struct buffer kept[4] = {0};

        for (unsigned i = 0; i < 4; i++) {
            if (i < left)
                kept[i] = tls_folder_read(order[i]);
            else
                tls_folder_remove(order[i]);
        }
        tls_folder_write("tls/server.pem.new", slice_of("half a certif"));
        ensure_ok(NULL);
        assert_true(verifies("localhost", at));
        assert_true(key_fits("tls/server.pem", "tls/server.key"));
        assert_false(tls_folder_has("tls/server.pem.new"));
        for (unsigned i = 0; i < left; i++) {
            assert_true(tls_folder_is(order[i], &kept[i]));
            buffer_deinit(&kept[i]);
        }
    }
}

static void what_cannot_be_used_is_named(void **state)
{
    (void)state;
    ensure_ok(NULL);
    for (unsigned i = 0; i < 4; i++) {
        struct buffer good = tls_folder_read(names[i]);

        tls_folder_write(names[i], slice_of("no PEM\n"));
        ensure_fails(NULL, ST_INVALID, names[i]);
        tls_folder_write(names[i], buffer_slice(&good));
        buffer_deinit(&good);
    }
    tls_folder_remove("tls/server.key");
    ensure_fails(NULL, ST_NOT_FOUND, "/tls/server.key");
    tls_folder_remove("tls/server.pem");
    tls_folder_remove("tls/ca.key");
    ensure_fails(NULL, ST_NOT_FOUND, "/tls/ca.key");
    tls_folder_make("tls/ca.key");
    ensure_fails(NULL, ST_INVALID, "/tls/ca.key");
}

static void keys_that_do_not_fit_are_named(void **state)
{
    (void)state;
    ensure_ok(NULL);
    tls_folder_copy("tls/server.key", "tls/ca.key");
    ensure_ok("new.example");
    tls_folder_remove("tls/server.pem");
    ensure_fails(NULL, ST_INVALID, "/tls/ca.key");
}

static void a_key_with_a_passphrase_is_refused_without_asking(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file;

    (void)state;
    tls_folder_make("tls");
    file = fopen(tls_folder_path("tls/ca.key"), "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(),
                                          (const unsigned char *)"secret", 6, NULL, NULL),
                     1);
    (void)fclose(file);
    EVP_PKEY_free(key);
    ensure_fails(NULL, ST_INVALID, "/tls/ca.key");
}

static void a_folder_that_cannot_be_is_named(void **state)
{
    (void)state;
    assert_int_equal(tls_local_ca_ensure(tls_folder_path("none/tls"), NULL, error, sizeof(error)),
                     ST_IO);
    assert_non_null(strstr(error, "/none/tls"));
    tls_folder_write("tls", slice_of("a file"));
    ensure_fails(NULL, ST_IO, "/tls/ca.pem");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_FOLDER_TEST(the_first_start_makes_all),
        TLS_FOLDER_TEST(server_pem_holds_the_ca_too),
        TLS_FOLDER_TEST(certificates_last_as_long_as_said),
        TLS_FOLDER_TEST(the_ca_may_only_sign_servers),
        TLS_FOLDER_TEST(a_second_start_changes_nothing),
        TLS_FOLDER_TEST(a_new_public_host_gets_into_the_certificate),
        TLS_FOLDER_TEST(a_public_host_that_is_none_is_refused),
        TLS_FOLDER_TEST(a_certificate_about_to_end_is_renewed),
        TLS_FOLDER_TEST(a_certificate_does_not_outlive_its_ca),
        TLS_FOLDER_TEST(without_a_ca_that_can_sign_nothing_is_renewed),
        TLS_FOLDER_TEST(an_ended_ca_makes_no_certificate),
        TLS_FOLDER_TEST(an_operators_certificate_stays),
        TLS_FOLDER_TEST(a_certificate_under_our_ca_that_we_have_not_made_stays),
        TLS_FOLDER_TEST(a_start_that_was_cut_off_goes_on),
        TLS_FOLDER_TEST(what_cannot_be_used_is_named),
        TLS_FOLDER_TEST(keys_that_do_not_fit_are_named),
        TLS_FOLDER_TEST(a_key_with_a_passphrase_is_refused_without_asking),
        TLS_FOLDER_TEST(a_folder_that_cannot_be_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
