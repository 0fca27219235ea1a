/*
 * From bytes to packet structs. Each decoder checks everything that the standards ask of its packet
 * alone; what depends on the connection's state is checked in mqtt/input. Pure functions, any
 * thread; nothing is allocated or copied.
 *
 * Every decoder gives REASON_SUCCESS or the reason code for the DISCONNECT (CONNACK) of MQTT 5.0:
 * MALFORMED_PACKET (0x81), PROTOCOL_ERROR (0x82), … With 3.1.1 any other value closes the
 * connection. decode_connect.c, decode_publish.c, decode_subscribe.c, decode_ack.c hold a family
 * each.
 */
#pragma once

#include "mqtt/packet.h"

/** A fixed header. */
struct decode_header {
    enum packet_type type;
    uint8_t flags;
    uint32_t remaining_len;
    uint8_t header_len; /* 2 to 5 */
};

/**
 * Reads a fixed header and checks type, direction and flags by the table.
 *
 * @param max_packet_len  the largest whole packet accepted
 * Errors: REASON_SUCCESS with header_len 0: more bytes are needed. MALFORMED_PACKET: type 0, bad
 * flags, overlong length; PROTOCOL_ERROR: a packet that only a server sends; PACKET_TOO_LARGE as
 * soon as the length is known. Source: [MQTT-2.1.3-1], [MQTT-1.5.5-1], [MQTT-3.2.2-15]
 */
enum reason decode_header(struct slice bytes, uint32_t max_packet_len, struct decode_header *out);

/**
 * A CONNECT's body. UNSUPPORTED_PROTOCOL_VERSION (0x84) for an unknown name or level;
 * *version_known tells whether the rest was understood as 3.1.1 or 5 (so that the answer has the
 * right form). A password without user name is malformed in 3.1.1 only. Source: MQTT 5.0
 * section 3.1
 */
enum reason decode_connect(struct slice body, struct packet_connect *out, bool *version_known);

/** A PUBLISH's body; flags from the fixed header. Wildcards in the topic, an empty topic without
 * alias, packet identifier 0, QoS 3, alias 0, a subscription identifier are refused here; DUP at
 * QoS 0 is read as false. Source: MQTT 5.0 section 3.3 */
enum reason decode_publish(enum mqtt_version version, uint8_t flags, struct slice body,
                           struct packet_publish *out);

/** PUBACK, PUBREC, PUBREL, PUBCOMP: bodies of 2, 3 and more bytes (3.1.1: 2 exactly). */
enum reason decode_ack(enum mqtt_version version, enum packet_type type, struct slice body,
                       struct packet_ack *out);

/** SUBSCRIBE: at least one filter, every string and option byte checked; the filters' syntax is not
 * (each gets its own code). */
enum reason decode_subscribe(enum mqtt_version version, struct slice body,
                             struct packet_subscribe *out);

/** The next filter of a checked list; false at the end. */
bool decode_subscribe_next(struct reader *filters, enum mqtt_version version,
                           struct subscribe_filter *out);

enum reason decode_unsubscribe(enum mqtt_version version, struct slice body,
                               struct packet_unsubscribe *out);
bool decode_unsubscribe_next(struct reader *filters, struct slice *filter);

/** DISCONNECT: bodies of 0, 1 and more bytes (3.1.1: 0 exactly); reason codes that a client may not
 * send are PROTOCOL_ERROR. */
enum reason decode_disconnect(enum mqtt_version version, struct slice body,
                              struct packet_disconnect *out);

/** AUTH is checked as bytes and then always a PROTOCOL_ERROR, since no CONNECT with a method is
 * accepted. Source: [MQTT-4.12.0-7] */
enum reason decode_auth(struct slice body);
