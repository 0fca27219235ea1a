/*
 * Of IPv4 everything is public but what is listed; of IPv6 nothing is but 2000::/3, less what is
 * listed.
 */
#include "base/address_public.h"

#include "base/invariant.h"

static const char *const special[] = {
    "0.0.0.0/8",       /* this network */
    "10.0.0.0/8",      /* private */
    "100.64.0.0/10",   /* shared, behind carriers */
    "127.0.0.0/8",     /* loopback */
    "169.254.0.0/16",  /* link-local; the metadata of clouds */
    "172.16.0.0/12",   /* private */
    "192.0.0.0/24",    /* protocol assignments */
    "192.0.2.0/24",    /* documentation */
    "192.88.99.0/24",  /* 6to4 relays */
    "192.168.0.0/16",  /* private */
    "198.18.0.0/15",   /* benchmarks */
    "198.51.100.0/24", /* documentation */
    "203.0.113.0/24",  /* documentation */
    "224.0.0.0/3",     /* multicast, reserved, broadcast */
    "2001::/23",       /* protocol assignments, Teredo among them */
    "2001:db8::/32",   /* documentation */
    "2002::/16",       /* 6to4 */
    "3fff::/20",       /* documentation */
};

static bool is_in(const char *text, const struct address *a)
{
    struct address_range range;

    invariant(address_range_parse(slice_of(text), &range) == ST_OK);
    return address_range_has(&range, a);
}

bool address_is_public(const struct address *a)
{
    if (!is_in("::ffff:0:0/96", a) && !is_in("2000::/3", a))
        return false;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (is_in(special[i], a))
            return false;
    }
    return true;
}
