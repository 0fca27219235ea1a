/*
 * A bounded cursor that writes bytes, with a sticky status.
 *
 * The memory is the caller's. When it does not fit, the writer fails once with ST_FULL and writes
 * no more; its length stays what fitted. Pure value, no thread of its own.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct writer {
    uint8_t *start;
    uint8_t *next;
    uint8_t *end;
    enum status status;
};

/** A writer over borrowed memory. */
static inline struct writer writer_of(void *data, size_t capacity)
{
    uint8_t *start = data;

    return (struct writer){start, start, capacity == 0 ? start : start + capacity, ST_OK};
}

/** How many bytes are written. */
static inline size_t writer_len(const struct writer *w)
{
    return (size_t)(w->next - w->start);
}

/** Records the first failure (not ST_OK). */
void writer_fail(struct writer *w, enum status st) __attribute__((cold));

/** Where `len` bytes that the caller fills now go, or NULL. Errors: ST_FULL. */
static inline uint8_t *writer_take(struct writer *w, size_t len)
{
    uint8_t *p = w->next;

    if (__builtin_expect(w->status != ST_OK || (size_t)(w->end - p) < len, 0)) {
        writer_fail(w, ST_FULL);
        return NULL;
    }
    if (len > 0)
        w->next = p + len;
    return p;
}

/** One byte. Errors: ST_FULL. */
static inline void writer_u8(struct writer *w, uint8_t value)
{
    uint8_t *p = writer_take(w, 1);

    if (p != NULL)
        p[0] = value;
}

/** A big-endian number of two bytes. Errors: ST_FULL. */
static inline void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t *p = writer_take(w, 2);

    if (p == NULL)
        return;
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/** A big-endian number of four bytes. Errors: ST_FULL. */
static inline void writer_u32(struct writer *w, uint32_t value)
{
    uint8_t *p = writer_take(w, 4);

    if (p == NULL)
        return;
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

/** A big-endian number of eight bytes, whole or half. Errors: ST_FULL. */
static inline void writer_u64(struct writer *w, uint64_t value)
{
    writer_u32(w, (uint32_t)(value >> 32));
    writer_u32(w, (uint32_t)value);
}

/** A run of bytes, whole or not at all. Errors: ST_FULL. */
static inline void writer_bytes(struct writer *w, struct slice s)
{
    uint8_t *p = writer_take(w, s.len);

    if (p != NULL && s.len > 0)
        memcpy(p, s.data, s.len);
}

/** A two-byte length and the bytes, both or neither. Errors: ST_FULL, ST_TOO_LARGE above 65,535
 *  bytes. */
void writer_prefixed(struct writer *w, struct slice s);

enum { WRITER_VARINT_MAX = 268435455 };

/** How many bytes writer_varint takes for a value up to WRITER_VARINT_MAX: 1 to 4. */
static inline unsigned writer_varint_len(uint32_t value)
{
    return 1u + (value > 0x7fu) + (value > 0x3fffu) + (value > 0x1fffffu);
}

/**
 * A variable byte integer in its shortest form.
 *
 * Errors:   ST_FULL; ST_TOO_LARGE above WRITER_VARINT_MAX
 * Source:   MQTT 5.0 section 1.5.5, [MQTT-1.5.5-1]
 */
void writer_varint(struct writer *w, uint32_t value);
