/*
 * The packets of MQTT 3.1.1 and 5.0 as structs, and the tables behind them.
 *
 * What the decoders fill points into the packet's bytes (borrowed: valid while these stand). Pure
 * values, any thread. packet.def, property.def and reason.def are the standards' tables; everything
 * else derives from them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/reader.h"

enum mqtt_version { MQTT_3_1_1 = 4, MQTT_5 = 5 };

/* PACKET(NAME, type, fixed-header flags demanded (-1: any), a client may send it) */
enum packet_type {
#define PACKET(name, type, flags, from_client) PACKET_##name = (type),
#include "mqtt/packet.def"
#undef PACKET
};

/* REASON(NAME, code, packets that may carry it (bits of packet types), text) */
enum reason {
#define REASON(name, code, packets, text) REASON_##name = (code),
#include "mqtt/reason.def"
#undef REASON
};

/* PROPERTY(NAME, id, FORM, member, packets that may carry it): NAME gives the bit in `present` */
enum property {
#define PROPERTY(name, id, form, member, packets) PROPERTY_##name,
#include "mqtt/property.def"
#undef PROPERTY
    PROPERTY_COUNT
};

/** The properties of one packet; only members whose bit is in `present` mean anything. */
struct property_set {
    uint64_t present; /* 1 << enum property */
    struct slice raw; /* the whole block without its length: user properties are walked in it */
    uint8_t payload_format;
    uint32_t message_expiry_s;
    struct slice content_type;
    struct slice response_topic;
    struct slice correlation_data;
    uint32_t subscription_id;
    uint32_t session_expiry_s;
    struct slice assigned_client_id;
    uint16_t server_keep_alive_s;
    struct slice auth_method;
    struct slice auth_data;
    uint8_t request_problem;
    uint32_t will_delay_s;
    uint8_t request_response;
    struct slice response_information;
    struct slice server_reference;
    struct slice reason_string;
    uint16_t receive_maximum;
    uint16_t topic_alias_maximum;
    uint16_t topic_alias;
    uint8_t maximum_qos;
    uint8_t retain_available;
    uint32_t maximum_packet_size;
    uint8_t wildcard_available;
    uint8_t subscription_id_available;
    uint8_t shared_available;
};

static inline bool property_has(const struct property_set *p, enum property property)
{
    return (p->present >> property & 1u) != 0;
}

struct packet_will {
    struct slice topic;
    struct slice payload;
    uint8_t qos;
    bool retain;
    struct property_set properties;
};

struct packet_connect {
    enum mqtt_version version;
    bool clean_start; /* 3.1.1: clean session */
    uint16_t keep_alive_s;
    struct slice client_id;
    bool has_will, has_username, has_password;
    struct packet_will will;
    struct slice username;
    struct slice password;
    struct property_set properties;
};

struct packet_publish {
    bool dup, retain;
    uint8_t qos;
    struct slice topic;
    uint16_t packet_id; /* 0 with QoS 0 */
    struct property_set properties;
    struct slice payload;
};

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
struct packet_ack {
    uint16_t packet_id;
    enum reason reason;
    struct property_set properties;
};

struct packet_subscribe {
    uint16_t packet_id;
    struct property_set properties;
    uint32_t filter_count;
    struct slice filters; /* checked; walked with decode_subscribe_next */
};

struct subscribe_filter {
    struct slice filter;
    const struct property_set *properties; /* of the SUBSCRIBE (v5), or NULL; borrowed */
    uint8_t qos;
    bool no_local, retain_as_published;
    uint8_t retain_handling;
};

struct packet_unsubscribe {
    uint16_t packet_id;
    struct property_set properties;
    uint32_t filter_count;
    struct slice filters; /* checked; walked with decode_unsubscribe_next */
};

struct packet_disconnect {
    enum reason reason;
    struct property_set properties;
};

/** Where reason codes stand; in a DISCONNECT a client may say less than a server. */
enum { REASON_IN_CLIENT_DISCONNECT = 16 };

/**
 * True when the standard's table lets a packet carry the code.
 *
 * @param code    any byte
 * @param packet  an enum packet_type or REASON_IN_CLIENT_DISCONNECT
 * Source: MQTT 5.0 section 2.4
 */
bool reason_is_for(uint8_t code, unsigned packet);

/** The text of a reason code for reason strings and logs; never NULL. */
const char *reason_text(enum reason reason);

/** The 3.1.1 CONNACK return code that says the same (1 to 5). Source: [MQTT-3.2.2-6] of 3.1.1 */
uint8_t reason_connack_3_1_1(enum reason reason);

/** "PUBLISH" and so on, for logs; never NULL. */
const char *packet_name(enum packet_type type);
