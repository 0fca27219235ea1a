/*
 * A simulated device: publishes numbered messages of all kinds and QoS, and sends again what was
 * not acknowledged, as the standard asks. It is also the record of what it sent, against which the
 * applications check what they get.
 *
 * A *message* is what the device means, a *transmission* each PUBLISH of it. Both numbers stand in
 * the payload, though the payload of a repetition should be the same: no server compares them, and
 * so it shows which of the transmissions was carried out.
 */
#pragma once

#include "player.h"

enum {
    REPORTER_MESSAGES_MAX = 512,
    REPORTER_TRANSMISSIONS_MAX = 1024,
    REPORTER_FLIGHTS_MAX = 32,
    REPORTER_STREAMS = 2,
    REPORTER_PAYLOAD_MAX = 128 /* without filler */
};

enum report_kind { REPORT_ATTRIBUTES, REPORT_EVENT, REPORT_DATA, REPORT_KIND_COUNT };

struct report {
    enum report_kind kind;
    uint8_t stream, qos;
    bool is_acked;
    uint32_t filler; /* bytes */
    uint32_t first;  /* transmission */
};

struct transmission {
    uint32_t message;
    uint64_t step; /* of the world, when it left */
    uint64_t link;
    bool is_acked;
};

enum flight_state { FLIGHT_PUBACK, FLIGHT_PUBREC, FLIGHT_PUBCOMP };

/** A message that is not acknowledged to its end. */
struct flight {
    uint32_t message, transmission;
    uint16_t packet_id;
    enum flight_state state;
    bool is_repeated; /* its PUBREL left on an earlier connection */
};

struct reporter {
    struct player player;
    unsigned index; /* of its device in the world */
    uint32_t heavy_percent;
    unsigned client_number;                            /* part of its client identifier */
    struct report messages[REPORTER_MESSAGES_MAX + 1]; /* from 1 */
    uint32_t message_count;
    struct transmission transmissions[REPORTER_TRANSMISSIONS_MAX + 1]; /* from 1 */
    uint32_t transmission_count;
    struct flight flights[REPORTER_FLIGHTS_MAX]; /* in order of sending */
    uint32_t flight_count, flight_max;
    uint16_t last_packet_id;
};

void reporter_init(struct reporter *r, struct world *w, unsigned index, uint32_t flight_max,
                   uint32_t heavy_percent);
void reporter_deinit(struct reporter *r);

/** Comes, sometimes under another client identifier. */
void reporter_connect(struct reporter *r, bool allow_clean);

/** True when it may publish with this QoS now. */
bool reporter_can_publish(const struct reporter *r, uint8_t qos);
void reporter_publish(struct reporter *r, enum report_kind kind, uint8_t qos);

/** Nothing waits for an acknowledgement. */
static inline bool reporter_is_idle(const struct reporter *r)
{
    return r->flight_count == 0 && player_is_idle(&r->player);
}

/** The payload of a transmission. */
void reporter_payload(const struct reporter *r, uint32_t transmission, struct buffer *out);

/** The server has certainly accepted this transmission, or one of the same message before it. */
bool reporter_is_certain(const struct reporter *r, uint32_t transmission);
