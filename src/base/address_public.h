/*
 * Whether an IP address is one of the public Internet.
 *
 * For programs that connect to where somebody else tells them: an address of this host, of its
 * network or of no network at all is not to be reached that way. Pure, any thread. Source: the IANA
 * special-purpose address registries (RFC 6890)
 */
#pragma once

#include "base/address_range.h"

/** False for loopback, link-local, private, shared, multicast, documentation and reserved
 * addresses, and for what leads to IPv4 addresses by a detour (6to4, Teredo, NAT64). */
bool address_is_public(const struct address *a);
