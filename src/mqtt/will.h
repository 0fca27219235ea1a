/* A will: kept with the session until it is published or dropped. Immutable but for its number.
 * Source: MQTT 5.0 section 3.1.2.5 */
#pragma once

#include "mqtt/packet.h"

struct will {
    uint8_t qos;
    bool retain;
    uint32_t delay_s;
    bool has_expiry;
    uint32_t expiry_s;
    uint64_t number;         /* the service's: names it in the journal; 0: it is not there */
    struct slice topic;      /* inside the block, as the next two */
    struct slice properties; /* to forward, encoded */
    struct slice payload;    /* JSON_PADDING readable bytes stand behind it */
};

/** A copy of a CONNECT's will; the caller owns it. */
struct will *will_new(const struct packet_will *w);
/** A copy of one whose topic, properties and payload are anywhere; the caller owns it. */
struct will *will_copy(const struct will *w);
void will_free(struct will **w);
