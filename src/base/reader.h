/*
 * A bounded cursor over bytes from outside, with a sticky status.
 *
 * The first failure stays: later reads give zero (or the empty slice), so straight-line code
 * checks once at the end. It never reads past its bounds. Pure value, no thread of its own.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct reader {
    const uint8_t *next;
    const uint8_t *end;
    enum status status;
};

/** A reader over borrowed bytes. */
static inline struct reader reader_of(struct slice s)
{
    return (struct reader){s.data, s.len == 0 ? s.data : s.data + s.len, ST_OK};
}

/** How many bytes are left; 0 after a failure. */
static inline size_t reader_left(const struct reader *r)
{
    return r->status == ST_OK ? (size_t)(r->end - r->next) : 0;
}

/** Records the first failure (not ST_OK); gives 0 so that readers of numbers can return it. */
uint32_t reader_fail(struct reader *r, enum status st) __attribute__((cold));

/** One byte. Errors: ST_MALFORMED when none is left. */
static inline uint8_t reader_u8(struct reader *r)
{
    if (__builtin_expect(reader_left(r) < 1, 0))
        return (uint8_t)reader_fail(r, ST_MALFORMED);
    return *r->next++;
}

/** A big-endian number of two bytes. Errors: ST_MALFORMED when cut off. */
static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = r->next;

    if (__builtin_expect(reader_left(r) < 2, 0))
        return (uint16_t)reader_fail(r, ST_MALFORMED);
    r->next += 2;
    return (uint16_t)(p[0] << 8 | p[1]);
}

/** A big-endian number of four bytes. Errors: ST_MALFORMED when cut off. */
static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = r->next;

    if (__builtin_expect(reader_left(r) < 4, 0))
        return reader_fail(r, ST_MALFORMED);
    r->next += 4;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/** A big-endian number of eight bytes. Errors: ST_MALFORMED when cut off. */
static inline uint64_t reader_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);

    return high << 32 | reader_u32(r);
}

/**
 * Reads a variable byte integer.
 *
 * @return   0 to 268,435,455; 0 when it fails, and then r->status tells
 * Errors:   ST_MALFORMED if cut off, longer than four bytes, or longer than needed
 * Source:   MQTT 5.0 section 1.5.5, [MQTT-1.5.5-1]
 */
uint32_t reader_varint(struct reader *r);

/** The next `len` bytes, borrowed. Errors: ST_MALFORMED when fewer are left. */
static inline struct slice reader_bytes(struct reader *r, size_t len)
{
    struct slice s = {r->next, len};

    if (__builtin_expect(r->status != ST_OK || reader_left(r) < len, 0)) {
        reader_fail(r, ST_MALFORMED);
        return (struct slice){NULL, 0};
    }
    if (len > 0)
        r->next += len;
    return s;
}

/** Bytes behind a two-byte length (MQTT binary data), borrowed. Errors: ST_MALFORMED when cut off.
 */
static inline struct slice reader_prefixed(struct reader *r)
{
    return reader_bytes(r, reader_u16(r));
}

/**
 * As reader_prefixed, and well-formed UTF-8 without U+0000.
 *
 * Errors:   ST_MALFORMED
 * Source:   [MQTT-1.5.4-1], [MQTT-1.5.4-2]
 */
struct slice reader_text(struct reader *r);
