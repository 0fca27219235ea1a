/* Rows of wills: what a program of ours has written, and what it cannot have. */
#include "service/will_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "leftover.h"

enum { DEVICE = 1, APPLICATION = 0, HEAD_LEN = 1 + 1 + 4 + 4 + 8 + 8 };

static const char version[] = "0123456789012345678901234567890123456789012";
_Static_assert(sizeof(version) - 1 == SECRET_MAC_TEXT_LEN, "as long as a real one");

static void append_short(struct buffer *b, const char *text)
{
    buffer_append_u16(b, (uint16_t)strlen(text));
    buffer_append_text(b, text);
}

/* The row of a will, up to its payload. */
static void write_row(struct buffer *b, uint64_t device_id, uint8_t flags)
{
    buffer_append_u8(b, 1);
    buffer_append_u8(b, flags);
    buffer_append_u32(b, 0);
    buffer_append_u32(b, 10);
    buffer_append_u64(b, 0);
    buffer_append_u64(b, device_id);
    if (device_id == APPLICATION) {
        append_short(b, "client");
        append_short(b, "main");
        append_short(b, version);
    }
    append_short(b, "topic");
    buffer_append_u32(b, 2);
    buffer_append_text(b, "pp");
}

static bool is_sound(uint64_t number, struct slice value)
{
    struct buffer key = {0};
    bool result;

    buffer_append_u64(&key, number);
    result = will_store_row_is_sound(buffer_slice(&key), value) &&
             !will_store_row_is_sound(slice_make(key.data, key.len - 1), value);
    buffer_deinit(&key);
    return result;
}

static void a_row_is_whole(void **state)
{
    const uint64_t authors[] = {DEVICE, APPLICATION};

    (void)state;
    for (size_t i = 0; i < sizeof(authors) / sizeof(authors[0]); i++) {
        struct buffer row = {0};

        write_row(&row, authors[i], 2);
        for (size_t len = 0; len < row.len; len++)
            assert_false(is_sound(1, slice_make(row.data, len)));
        assert_true(is_sound(1, buffer_slice(&row))); /* with an empty payload */
        buffer_append_text(&row, "payload");
        assert_true(is_sound(1, buffer_slice(&row)));
        assert_false(is_sound(0, buffer_slice(&row)));
        row.data[0]++;
        assert_false(is_sound(1, buffer_slice(&row)));
        buffer_deinit(&row);
    }
}

static void there_is_no_qos_3(void **state)
{
    struct buffer row = {0};

    (void)state;
    write_row(&row, DEVICE, 3);
    assert_false(is_sound(1, buffer_slice(&row)));
    buffer_deinit(&row);
}

/* An application has a name, and a secret of that length. */
static void an_author_is_named(void **state)
{
    struct buffer row = {0};

    (void)state;
    write_row(&row, APPLICATION, 0);
    row.data[HEAD_LEN + 1]--; /* of the identifier's length: all behind it is displaced */
    assert_false(is_sound(1, buffer_slice(&row)));
    buffer_deinit(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_row_is_whole),
        LEFTOVER_TEST(there_is_no_qos_3),
        LEFTOVER_TEST(an_author_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
