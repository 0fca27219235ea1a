/*
 * Where a peer comes from: as text for logs, and as the source that limits are counted for.
 *
 * An IPv4 address that came over an IPv6 socket is the IPv4 address. Pure functions, any thread.
 */
#pragma once

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PEER_ADDRESS_TEXT = INET6_ADDRSTRLEN + 10 /* bytes with port and zero */ };

/**
 * Writes "192.0.2.1:49152".
 *
 * @param peer  NULL: the peer is in this process ("memory:0")
 * @return how many bytes of it are the address
 */
size_t peer_address_format(const struct sockaddr_storage *peer, char out[PEER_ADDRESS_TEXT]);

/** The source: one IPv4 address, or the 64 bits of an IPv6 network, of which one host may have all
 * addresses. No IPv4 source equals an IPv6 one that is routed. */
uint64_t peer_address_source(const struct sockaddr_storage *peer);
