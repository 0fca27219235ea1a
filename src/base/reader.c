/*
 * What of the reader is too large or too rare to be inline. Pure functions on a value.
 */
#include "base/reader.h"

#include "base/invariant.h"
#include "base/utf8.h"

uint32_t reader_fail(struct reader *r, enum status st)
{
    invariant(st != ST_OK);
    if (r->status == ST_OK)
        r->status = st;
    return 0;
}

uint32_t reader_varint(struct reader *r)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift <= 21; shift += 7) {
        uint8_t byte = reader_u8(r); /* at the end: fails and gives 0 */

        value |= (uint32_t)(byte & 0x7fu) << shift;
        if ((byte & 0x80u) != 0)
            continue;
        if (byte == 0 && shift > 0)
            break; /* cut off, or longer than needed */
        return value;
    }
    return reader_fail(r, ST_MALFORMED);
}

struct slice reader_text(struct reader *r)
{
    struct slice s = reader_prefixed(r);

    if (utf8_is_text(s))
        return s;
    reader_fail(r, ST_MALFORMED);
    return (struct slice){NULL, 0};
}
