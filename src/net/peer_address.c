/* Peers' addresses out of the socket's structures. */
#include "net/peer_address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where the 32 bits of an IPv4 address stand; NULL: it is none. */
static const void *v4_of(const struct sockaddr_storage *peer)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

    if (peer->ss_family == AF_INET)
        return &((const struct sockaddr_in *)peer)->sin_addr;
    if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return &in6->sin6_addr.s6_addr[12];
    return NULL;
}

size_t peer_address_format(const struct sockaddr_storage *peer, char out[PEER_ADDRESS_TEXT])
{
    char address[INET6_ADDRSTRLEN] = "memory";
    unsigned port = 0;

    if (peer != NULL) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
        const void *v4 = v4_of(peer);

        if (v4 != NULL)
            inet_ntop(AF_INET, v4, address, sizeof(address));
        else if (peer->ss_family == AF_INET6)
            inet_ntop(AF_INET6, &in6->sin6_addr, address, sizeof(address));
        /* the port stands at the same place in both families */
        port = ntohs(in6->sin6_port);
    }
    (void)snprintf(out, PEER_ADDRESS_TEXT, "%s:%u", address, port);
    return strlen(address);
}

uint64_t peer_address_source(const struct sockaddr_storage *peer)
{
    const void *v4 = v4_of(peer);
    uint64_t source = 0;
    uint32_t address;

    if (v4 != NULL) {
        memcpy(&address, v4, sizeof(address));
        return UINT64_C(0xFFFF) << 32 | address;
    }
    if (peer->ss_family == AF_INET6)
        memcpy(&source, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof(source));
    return source;
}
