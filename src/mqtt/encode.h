/*
 * From structs to bytes, appended to a caller's buffer. What the table of the receiver's version
 * does not know is left out, and so are reason strings that the receiver does not want or that
 * would exceed its maximum packet size. Pure functions, any thread. PUBLISH is encoded in
 * mqtt/message (it is the hot path).
 *
 * What exceeds the limit even without its reason string is not appended. A reason code that its
 * packet may not carry by the standard's table (reason_is_for) is our own bug and ends the process.
 */
#pragma once

#include "mqtt/packet.h"

/** What an encoder must know of the receiver. */
struct encode_target {
    enum mqtt_version version;
    uint32_t maximum_packet_size; /* 0: no limit */
    bool problem_information;     /* [MQTT-3.1.2-29] */
};

/** What a CONNACK of success announces (v5); members at 0 or empty are left out where the
 * standard's default says the same. */
struct encode_connack {
    bool session_present;
    enum reason reason;
    struct slice reason_string;
    bool has_session_expiry;
    uint32_t session_expiry_s;
    uint16_t receive_maximum;     /* 0 or 65,535: left out */
    uint32_t maximum_packet_size; /* 0: left out */
    struct slice assigned_client_id;
    uint16_t topic_alias_maximum; /* 0: left out */
    bool has_server_keep_alive;
    uint16_t server_keep_alive_s;
    struct slice server_reference;
};

/** CONNACK in the receiver's version; with 3.1.1 the reason becomes a return code. False (nothing
 * appended) when it exceeds the receiver's limit even without strings. Source: MQTT 5.0 section 3.2
 */
bool encode_connack(struct buffer *b, const struct encode_target *to,
                    const struct encode_connack *c);

/** PUBACK, PUBREC, PUBREL, PUBCOMP in the shortest form. `reason_string` may be empty. With 3.1.1
 * the reason is left out. */
void encode_ack(struct buffer *b, const struct encode_target *to, enum packet_type type,
                uint16_t packet_id, enum reason reason, struct slice reason_string);

/** SUBACK; codes in filter order (3.1.1: failures become 0x80). `reason_string` may be empty. */
void encode_suback(struct buffer *b, const struct encode_target *to, uint16_t packet_id,
                   const uint8_t *codes, size_t count, struct slice reason_string);

/** UNSUBACK; with 3.1.1 without codes. */
void encode_unsuback(struct buffer *b, const struct encode_target *to, uint16_t packet_id,
                     const uint8_t *codes, size_t count);

void encode_pingresp(struct buffer *b);

/** DISCONNECT from the server (v5 only; with 3.1.1 nothing is appended). */
void encode_disconnect(struct buffer *b, const struct encode_target *to, enum reason reason,
                       struct slice reason_string);
