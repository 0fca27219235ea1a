/*
 * The fixed header: the first thing that is read of every packet, so it decides cheaply what cannot
 * be right.
 *
 * Pure functions, any thread. What the flags of a PUBLISH say is decode_publish's business.
 */
#include "mqtt/decode.h"

enum { REMAINING_LEN_BYTES = 4, FLAGS_ANY = -1 };

static const struct packet_rule {
    bool known;
    bool from_client;
    int8_t flags;
} rules[16] = {
#define PACKET(name, type, flags, from_client) [type] = {true, from_client, flags},
#include "mqtt/packet.def"
#undef PACKET
};

static enum reason check_first_byte(uint8_t byte)
{
    const struct packet_rule *rule = &rules[byte >> 4];

    if (!rule->known)
        return REASON_MALFORMED_PACKET;
    if (!rule->from_client)
        return REASON_PROTOCOL_ERROR;
    if (rule->flags != FLAGS_ANY && rule->flags != (byte & 0x0F))
        return REASON_MALFORMED_PACKET;
    return REASON_SUCCESS;
}

enum reason decode_header(struct slice bytes, uint32_t max_packet_len, struct decode_header *out)
{
    uint32_t len = 0;
    enum reason reason;

    out->header_len = 0;
    if (bytes.len == 0)
        return REASON_SUCCESS;
    reason = check_first_byte(bytes.data[0]);
    if (reason != REASON_SUCCESS)
        return reason;
    for (uint8_t i = 1; i < bytes.len; i++) {
        uint8_t byte = bytes.data[i];

        len |= (uint32_t)(byte & 0x7F) << (7 * (i - 1));
        if ((byte & 0x80) != 0) {
            if (i == REMAINING_LEN_BYTES)
                return REASON_MALFORMED_PACKET;
            continue;
        }
        if (byte == 0 && i > 1)
            return REASON_MALFORMED_PACKET; /* longer than needed */
        if (len + i + 1 > max_packet_len)
            return REASON_PACKET_TOO_LARGE;
        out->type = (enum packet_type)(bytes.data[0] >> 4);
        out->flags = bytes.data[0] & 0x0F;
        out->remaining_len = len;
        out->header_len = (uint8_t)(i + 1);
        return REASON_SUCCESS;
    }
    return REASON_SUCCESS;
}
