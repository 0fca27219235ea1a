/*
 * Secrets unseal with their key, in their place, untouched, and not otherwise.
 */
#include "store/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "temp_data.h"

#define CONTEXT "device/1/password"

static struct secret_key *open_key(void **state)
{
    struct secret_key *key = NULL;

    assert_int_equal(secret_key_open(*state, &key), ST_OK);
    assert_non_null(key);
    return key;
}

static enum status unseal(const struct secret_key *key, const char *context, struct slice sealed,
                          struct buffer *plain)
{
    plain->len = 0;
    return secret_unseal(key, slice_of(context), sealed, plain);
}

static void the_key_is_made_once(void **state)
{
    struct buffer sealed = {0};
    struct buffer plain = {0};
    struct secret_key *key;

    assert_false(secret_key_exists(*state));
    key = open_key(state);
    assert_true(secret_key_exists(*state));
    assert_int_equal(temp_data_mode(state, "secret.key"), 0600);
    secret_seal(key, slice_of(CONTEXT), slice_of("hidden"), &sealed);
    secret_key_close(&key);
    assert_null(key);
    secret_key_close(&key);

    key = open_key(state);
    assert_int_equal(unseal(key, CONTEXT, buffer_slice(&sealed), &plain), ST_OK);
    assert_true(slice_is(buffer_slice(&plain), "hidden"));
    secret_key_close(&key);
    buffer_deinit(&sealed);
    buffer_deinit(&plain);
}

static void a_bad_key_file_is_refused(void **state)
{
    static const uint8_t bytes[33];
    static const struct key_case {
        const char *name;
        size_t len;
        unsigned mode;
        enum status want;
    } cases[] = {
        {"good", 32, 0600, ST_OK},       {"empty", 0, 0600, ST_CORRUPT},
        {"short", 31, 0600, ST_CORRUPT}, {"long", 33, 0600, ST_CORRUPT},
        {"group", 32, 0640, ST_CORRUPT}, {"others", 32, 0604, ST_CORRUPT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct secret_key *key = NULL;

        temp_data_write(state, "secret.key", bytes, cases[i].len, cases[i].mode);
        if (secret_key_open(*state, &key) != cases[i].want)
            fail_msg("%s", cases[i].name);
        assert_int_equal(key != NULL, cases[i].want == ST_OK);
        secret_key_close(&key);
    }
}

static void no_directory_no_key(void **state)
{
    struct secret_key *key = NULL;

    assert_int_equal(secret_key_open(temp_data_path(state, "none"), &key), ST_IO);
    assert_null(key);
}

static void any_bytes_come_back(void **state)
{
    struct secret_key *key = open_key(state);
    uint8_t bytes[256];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof(bytes); len += 32) {
        struct buffer sealed = {0};
        struct buffer plain = {0};

        secret_seal(key, slice_of(CONTEXT), slice_make(bytes, len), &sealed);
        assert_int_equal(sealed.len, len + SECRET_SEALED_OVERHEAD);
        assert_int_equal(unseal(key, CONTEXT, buffer_slice(&sealed), &plain), ST_OK);
        assert_true(slice_equal(buffer_slice(&plain), slice_make(bytes, len)));
        buffer_deinit(&sealed);
        buffer_deinit(&plain);
    }
    secret_key_close(&key);
}

static void sealing_appends_and_never_repeats(void **state)
{
    struct secret_key *key = open_key(state);
    struct buffer both = {0};
    size_t half;

    secret_seal(key, slice_of(CONTEXT), slice_of("same"), &both);
    half = both.len;
    secret_seal(key, slice_of(CONTEXT), slice_of("same"), &both);
    assert_int_equal(both.len, 2 * half);
    assert_memory_not_equal(both.data, both.data + half, half);
    buffer_deinit(&both);
    secret_key_close(&key);
}

static void each_changed_byte_is_noticed(void **state)
{
    struct secret_key *key = open_key(state);
    struct buffer sealed = {0};
    struct buffer plain = {0};

    secret_seal(key, slice_of(CONTEXT), slice_of("hidden"), &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(unseal(key, CONTEXT, buffer_slice(&sealed), &plain), ST_CORRUPT);
        assert_int_equal(plain.len, 0);
        sealed.data[i] ^= 1;
        assert_int_equal(unseal(key, CONTEXT, slice_make(sealed.data, i), &plain), ST_CORRUPT);
    }
    assert_int_equal(unseal(key, CONTEXT, buffer_slice(&sealed), &plain), ST_OK);
    buffer_deinit(&sealed);
    buffer_deinit(&plain);
    secret_key_close(&key);
}

static void another_place_or_key_does_not_unseal(void **state)
{
    struct secret_key *key = open_key(state);
    struct buffer sealed = {0};
    struct buffer plain = {0};

    secret_seal(key, slice_of(CONTEXT), slice_of("hidden"), &sealed);
    assert_int_equal(unseal(key, "device/2/password", buffer_slice(&sealed), &plain), ST_CORRUPT);
    assert_int_equal(unseal(key, "", buffer_slice(&sealed), &plain), ST_CORRUPT);
    secret_key_close(&key);

    assert_int_equal(unlink(temp_data_path(state, "secret.key")), 0);
    key = open_key(state);
    assert_int_equal(unseal(key, CONTEXT, buffer_slice(&sealed), &plain), ST_CORRUPT);
    secret_key_close(&key);
    buffer_deinit(&sealed);
    buffer_deinit(&plain);
}

static void digests_tell_texts_apart(void **state)
{
    struct secret_digest a = secret_digest_of(slice_of("0123456789"));
    struct secret_digest same = secret_digest_of(slice_of("0123456789"));
    struct secret_digest longer = secret_digest_of(slice_of("01234567890"));
    struct secret_digest empty = secret_digest_of(slice_of(""));

    (void)state;
    assert_true(secret_digest_equal(&a, &same));
    assert_false(secret_digest_equal(&a, &longer));
    assert_false(secret_digest_equal(&a, &empty));
    for (size_t i = 0; i < SECRET_DIGEST_LEN; i++) {
        same.bytes[i] ^= 0x80;
        assert_false(secret_digest_equal(&a, &same));
        same.bytes[i] ^= 0x80;
    }
    /* Preparing again must not make the digests of this process worthless. */
    assert_int_equal(secret_init(), ST_OK);
    same = secret_digest_of(slice_of("0123456789"));
    assert_true(secret_digest_equal(&a, &same));
}

static void wipe_overwrites(void **state)
{
    char text[] = "password";

    (void)state;
    secret_wipe(text, sizeof(text) - 1);
    for (size_t i = 0; i < sizeof(text); i++)
        assert_int_equal(text[i], 0);
    secret_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(the_key_is_made_once),
        TEMP_DATA_TEST(a_bad_key_file_is_refused),
        TEMP_DATA_TEST(no_directory_no_key),
        TEMP_DATA_TEST(any_bytes_come_back),
        TEMP_DATA_TEST(sealing_appends_and_never_repeats),
        TEMP_DATA_TEST(each_changed_byte_is_noticed),
        TEMP_DATA_TEST(another_place_or_key_does_not_unseal),
        TEMP_DATA_TEST(digests_tell_texts_apart),
        TEMP_DATA_TEST(wipe_overwrites),
    };

    return secret_init() == ST_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
