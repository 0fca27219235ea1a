/*
 * Ranges of IP addresses, as operators write them: `192.0.2.0/24`, `2001:db8::/32`, or one address.
 *
 * An IPv4 address and the IPv6 address that it is mapped to are the same. Pure functions, any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum { ADDRESS_LEN = 16 };

/** An address as IPv6 writes it; IPv4 is mapped (::ffff:0:0/96). */
struct address {
    uint8_t bytes[ADDRESS_LEN];
};

struct address_range {
    struct address first;
    uint8_t bits; /* that an address must have in common with it, 0 to 128 */
};

/** Reads an address. Errors: ST_INVALID. */
enum status address_parse(struct slice text, struct address *out) MUST_CHECK;

/** Reads a range. Bits behind its length must be zero: `192.0.2.1/24` is a mistake more often than
 * not. Errors: ST_INVALID. */
enum status address_range_parse(struct slice text, struct address_range *out) MUST_CHECK;

bool address_range_has(const struct address_range *r, const struct address *a);
