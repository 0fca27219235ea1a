/*
 * What of the writer is too large or too rare to be inline. Pure functions on a value.
 */
#include "base/writer.h"

#include "base/invariant.h"

void writer_fail(struct writer *w, enum status st)
{
    invariant(st != ST_OK);
    if (w->status == ST_OK)
        w->status = st;
}

void writer_prefixed(struct writer *w, struct slice s)
{
    uint8_t *p;

    if (s.len > UINT16_MAX) {
        writer_fail(w, ST_TOO_LARGE);
        return;
    }
    p = writer_take(w, 2 + s.len);
    if (p == NULL)
        return;
    p[0] = (uint8_t)(s.len >> 8);
    p[1] = (uint8_t)s.len;
    if (s.len > 0)
        memcpy(p + 2, s.data, s.len);
}

void writer_varint(struct writer *w, uint32_t value)
{
    uint8_t *p;

    if (value > WRITER_VARINT_MAX) {
        writer_fail(w, ST_TOO_LARGE);
        return;
    }
    p = writer_take(w, writer_varint_len(value));
    if (p == NULL)
        return;
    for (; value > 0x7fu; value >>= 7)
        *p++ = (uint8_t)(value | 0x80u);
    *p = (uint8_t)value;
}
