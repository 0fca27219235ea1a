/* Ranges of addresses: texts to bytes with the C library, compared bit by bit. */
#include "base/address_range.h"

#include <arpa/inet.h>

enum {
    V4_AT = 12, /* where the four bytes of an IPv4 address stand in the mapped one */
    V4_BITS = 32,
    ALL_BITS = ADDRESS_LEN * 8,
    PREFIX_DIGITS_MAX = 3
};

static const uint8_t mapped[V4_AT] = {[10] = 0xFF, [11] = 0xFF};

/* Gives the bits of the form that the text has, IPv4 or IPv6; 0: it is no address. */
static unsigned read_address(struct slice text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.len >= sizeof(copy) || memchr(text.data, '\0', text.len) != NULL)
        return 0;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET6, copy, out->bytes) == 1)
        return ALL_BITS;
    memcpy(out->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, copy, out->bytes + V4_AT) == 1 ? V4_BITS : 0;
}

enum status address_parse(struct slice text, struct address *out)
{
    return text.len > 0 && read_address(text, out) != 0 ? ST_OK : ST_INVALID;
}

/* Reads the number of bits behind the slash; false: it is none from 0 to `max`. */
static bool read_bits(struct slice text, unsigned max, unsigned *out)
{
    if (text.len == 0 || text.len > PREFIX_DIGITS_MAX || (text.len > 1 && text.data[0] == '0'))
        return false;
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (text.data[i] - '0');
    }
    return *out <= max;
}

static bool bit_of(const struct address *a, unsigned bit)
{
    return (a->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

enum status address_range_parse(struct slice text, struct address_range *out)
{
    struct slice rest = text;
    struct slice address = slice_cut(&rest, '/');
    unsigned form = address.len == 0 ? 0 : read_address(address, &out->first);
    unsigned bits = form;

    if (form == 0 || (rest.data != NULL && !read_bits(rest, form, &bits)))
        return ST_INVALID;
    bits += ALL_BITS - form;
    for (unsigned i = bits; i < ALL_BITS; i++) {
        if (bit_of(&out->first, i))
            return ST_INVALID;
    }
    out->bits = (uint8_t)bits;
    return ST_OK;
}

bool address_range_has(const struct address_range *r, const struct address *a)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;

    if (memcmp(r->first.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || (r->first.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}
