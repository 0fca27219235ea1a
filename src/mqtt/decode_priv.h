/*
 * What the decoders share: packet identifiers, and properties, of which most packets carry none.
 * Inline, since they stand on the way of every message. Pure functions, any thread.
 */
#pragma once

#include "mqtt/decode.h"
#include "mqtt/property.h"

/**
 * Reads a packet identifier. Errors: MALFORMED_PACKET cut off, PROTOCOL_ERROR 0. Source:
 * [MQTT-2.2.1-3]
 */
static inline enum reason decode_packet_id(struct reader *r, uint16_t *packet_id)
{
    if (reader_left(r) < 2)
        return REASON_MALFORMED_PACKET;
    *packet_id = (uint16_t)(r->next[0] << 8 | r->next[1]);
    r->next += 2;
    return *packet_id != 0 ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
}

/** Properties in 5.0; none in 3.1.1. Of an empty set only `present` and `raw` are written. */
static inline enum reason decode_properties(struct reader *r, enum mqtt_version version,
                                            unsigned packet, struct property_set *out)
{
    if (version == MQTT_5) {
        if (reader_left(r) == 0 || *r->next != 0)
            return property_read(r, packet, out);
        r->next++;
    }
    out->present = 0;
    out->raw = slice_make(r->next, 0);
    return REASON_SUCCESS;
}
