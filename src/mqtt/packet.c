/*
 * What is known of packet types and reason codes, looked up in the standards' tables.
 *
 * Constant arrays made from packet.def and reason.def. Any thread.
 */
#include "mqtt/packet.h"

static const struct reason_rule {
    uint32_t packets; /* 0: no such code */
    const char *text;
} reason_rules[256] = {
#define REASON(name, code, packets, text) [code] = {packets, text},
#include "mqtt/reason.def"
#undef REASON
};

bool reason_is_for(uint8_t code, unsigned packet)
{
    return (reason_rules[code].packets >> packet & 1u) != 0;
}

const char *reason_text(enum reason reason)
{
    const char *text = (unsigned)reason < 256 ? reason_rules[reason].text : NULL;

    return text != NULL ? text : "unknown reason";
}

uint8_t reason_connack_3_1_1(enum reason reason)
{
    switch (reason) {
    case REASON_UNSUPPORTED_PROTOCOL_VERSION:
        return 1;
    case REASON_CLIENT_ID_INVALID:
        return 2;
    case REASON_SERVER_UNAVAILABLE:
    case REASON_SERVER_BUSY:
    case REASON_QUOTA_EXCEEDED:
    case REASON_CONNECTION_RATE_EXCEEDED:
        return 3;
    case REASON_BAD_CREDENTIALS:
        return 4;
    default:
        return 5;
    }
}

const char *packet_name(enum packet_type type)
{
    static const char *const names[16] = {
#define PACKET(name, type, flags, from_client) [type] = #name,
#include "mqtt/packet.def"
#undef PACKET
    };
    const char *name = (unsigned)type < 16 ? names[type] : NULL;

    return name != NULL ? name : "RESERVED";
}
