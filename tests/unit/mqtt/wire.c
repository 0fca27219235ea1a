/* Bytes for tests of the codec: a tiny notation, and comparisons that say what differs. */
#include "wire.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"

enum { SHOWN_MAX = 64 };

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

    return at == NULL ? -1 : (int)(at - digits);
}

/* Puts the length of what stands behind `start` before it. */
static void insert_len(struct buffer *b, size_t start, unsigned len_bytes)
{
    size_t len = b->len - start;

    assert_true(len < (len_bytes == 1 ? 0x80u : 0x10000u));
    buffer_reserve(b, len_bytes);
    memmove(b->data + start + len_bytes, b->data + start, len);
    for (unsigned i = 0; i < len_bytes; i++)
        b->data[start + i] = (uint8_t)(len >> (8 * (len_bytes - 1 - i)));
    b->len += len_bytes;
}

/* Characters up to `end`. */
static const char *append_until(struct buffer *b, const char *text, char end)
{
    const char *stop = strchr(text, end);

    assert_non_null(stop);
    buffer_append(b, text, (size_t)(stop - text));
    return stop + 1;
}

/* Parses up to `end` (a closing bracket, or the zero at the end) and gives what stands behind it.
 */
static const char *append_wire(struct buffer *b, const char *text, char end)
{
    while (*text != end) {
        size_t start = b->len;
        char c = *text++;

        if (isspace((unsigned char)c))
            continue;
        if (c == '\'') {
            text = append_until(b, text, '\'');
        } else if (c == '<') {
            text = append_until(b, text, '>');
            insert_len(b, start, 2);
        } else if (c == '[') {
            text = append_wire(b, text, ']');
            insert_len(b, start, 2);
        } else if (c == '{') {
            text = append_wire(b, text, '}');
            insert_len(b, start, 1);
        } else {
            int high = hex_digit(c), low = high < 0 ? -1 : hex_digit(*text);

            if (low < 0)
                fail_msg("bad notation before: %s", text);
            buffer_append_u8(b, (uint8_t)(high << 4 | low));
            text++;
        }
    }
    return text + 1;
}

struct slice wire_copy(struct slice s)
{
    uint8_t *data = mem_alloc(MEM_TEST, s.len);

    if (s.len > 0)
        memcpy(data, s.data, s.len);
    return slice_make(data, s.len);
}

struct slice wire_new(const char *text)
{
    struct buffer b = {NULL, 0, 0};
    struct slice s;

    append_wire(&b, text, '\0');
    s = wire_copy(buffer_slice(&b));
    buffer_deinit(&b);
    return s;
}

void wire_free(struct slice s)
{
    mem_free((void *)(uintptr_t)s.data);
}

static const char *shown(struct slice s, char out[3 * SHOWN_MAX + 32])
{
    size_t n = 0;

    for (size_t i = 0; i < s.len && i < SHOWN_MAX; i++)
        n += (size_t)snprintf(out + n, 4, "%02X ", s.data[i]);
    snprintf(out + n, 32, "(%zu bytes)", s.len);
    return out;
}

void wire_expect_same(const char *name, struct slice got, struct slice want)
{
    char got_text[3 * SHOWN_MAX + 32], want_text[3 * SHOWN_MAX + 32];

    if (!slice_equal(got, want))
        fail_msg("%s: got %s, want %s", name, shown(got, got_text), shown(want, want_text));
}

void wire_expect(const char *name, struct slice got, const char *want)
{
    struct slice bytes = wire_new(want);

    wire_expect_same(name, got, bytes);
    wire_free(bytes);
}

void wire_expect_reason(const char *name, enum reason got, enum reason want)
{
    if (got != want)
        fail_msg("%s: 0x%02X (%s), not 0x%02X (%s)", name, (unsigned)got, reason_text(got),
                 (unsigned)want, reason_text(want));
}

void wire_expect_true(const char *name, const char *what, bool holds)
{
    if (!holds)
        fail_msg("%s: not %s", name, what);
}

int wire_nothing_left(void **state)
{
    (void)state;
    return mem_bytes_used_total() == 0 ? 0 : -1;
}
