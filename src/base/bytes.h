/*
 * Slices (borrowed bytes) and growing buffers (owned bytes). No thread of its own: each object
 * belongs to whoever holds it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Borrowed bytes; not ended by zero. A value: copied freely, valid as long as the owner says. */
struct slice {
    const uint8_t *data;
    size_t len;
};

/** A slice over a C string; borrowed. NULL gives the empty slice. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

/** A slice over any bytes; borrowed. */
static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){(const uint8_t *)data, len};
}

/** True when both hold the same bytes. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** True when the slice holds exactly the C string. */
static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

/** True when `a` begins with `prefix`. */
static inline bool slice_starts_with(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.data, prefix.data, prefix.len) == 0);
}

/** The part from `from` on; `from` must not exceed the length. */
static inline struct slice slice_from(struct slice a, size_t from)
{
    return from == 0 ? a : (struct slice){a.data + from, a.len - from};
}

/** Cuts off and gives the part before the next `separator`; the rest without it stays in `*rest`.
 *  When there is none the whole is given and `*rest` becomes empty with data NULL. */
struct slice slice_cut(struct slice *rest, char separator);

/** A new zero-ended copy (purpose MEM_BASE); the caller owns it, mem_free. */
char *slice_to_string(struct slice a);

/** A growing run of bytes. Owned by whoever holds it; a zeroed one is empty and ready. */
struct buffer {
    uint8_t *data; /* owned */
    size_t len;
    size_t capacity;
};

/** Frees what it holds and makes it empty; a zeroed one is accepted. Its memory counts as MEM_BASE.
 */
void buffer_deinit(struct buffer *b);

/** Room for at least `more` bytes behind the last one; gives where they begin. */
uint8_t *buffer_reserve(struct buffer *b, size_t more);

/** Appends bytes from elsewhere (not from the buffer itself). */
void buffer_append(struct buffer *b, const void *data, size_t len);

/** Appends the bytes of a slice. */
void buffer_append_slice(struct buffer *b, struct slice s);

/** Appends a C string without its zero. */
void buffer_append_text(struct buffer *b, const char *text);

/** Appends one byte. */
void buffer_append_u8(struct buffer *b, uint8_t byte);
/** Appends a number, big end first. */
void buffer_append_u16(struct buffer *b, uint16_t value);
void buffer_append_u32(struct buffer *b, uint32_t value);
void buffer_append_u64(struct buffer *b, uint64_t value);

/** Appends formatted text. */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Removes `len` bytes (at most its length) at the front; what remains moves down. */
void buffer_consume(struct buffer *b, size_t len);

/** What it holds; borrowed until the next change. */
static inline struct slice buffer_slice(const struct buffer *b)
{
    return (struct slice){b->data, b->len};
}
