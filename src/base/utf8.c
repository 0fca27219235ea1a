/*
 * UTF-8 by the table of RFC 3629 section 4. Pure functions, any thread.
 */
#include "base/utf8.h"

size_t utf8_char_len(struct slice s)
{
    uint8_t first;
    uint8_t low = 0x80; /* bounds of the second byte, narrower behind four of the first bytes */
    uint8_t high = 0xbf;
    size_t len;

    if (s.len == 0)
        return 0;
    first = s.data[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (s.len < len)
        return 0;
    switch (first) {
    case 0xe0: /* below: overlong */
        low = 0xa0;
        break;
    case 0xed: /* above: surrogates */
        high = 0x9f;
        break;
    case 0xf0: /* below: overlong */
        low = 0x90;
        break;
    case 0xf4: /* above: beyond U+10FFFF */
        high = 0x8f;
        break;
    default:
        break;
    }
    if (s.data[1] < low || s.data[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((s.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

/* True when each of the eight bytes is 0x01 to 0x7f. */
static bool is_ascii_word(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    /* Taking 1 from a byte sets its highest bit only if it was 0 (or had it set already, or the
     * byte below was 0: then it is no such word either). */
    return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_text(struct slice s)
{
    size_t i = 0;

    while (i < s.len) {
        size_t len;

        if (s.len - i >= 8 && is_ascii_word(s.data + i)) {
            i += 8;
            continue;
        }
        len = utf8_char_len(slice_from(s, i));
        if (len == 0 || s.data[i] == 0)
            return false;
        i += len;
    }
    return true;
}

struct slice utf8_truncate(struct slice s, size_t max)
{
    size_t len = max;

    if (s.len <= max)
        return s;
    for (unsigned back = 0; back < 3 && len > 0 && (s.data[len] & 0xc0) == 0x80; back++)
        len--;
    return (struct slice){s.data, len};
}
