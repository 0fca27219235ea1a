/*
 * The part of MQTT 3.1.1 and 5.0 that a load maker needs, both ways. Lengths from the server are
 * checked before they are used; anything else about its packets is judged by their readers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load_buffer.h"

enum load_mqtt_type {
    LOAD_MQTT_CONNECT = 1,
    LOAD_MQTT_CONNACK = 2,
    LOAD_MQTT_PUBLISH = 3,
    LOAD_MQTT_PUBACK = 4,
    LOAD_MQTT_PUBREC = 5,
    LOAD_MQTT_PUBREL = 6,
    LOAD_MQTT_PUBCOMP = 7,
    LOAD_MQTT_SUBSCRIBE = 8,
    LOAD_MQTT_SUBACK = 9,
    LOAD_MQTT_DISCONNECT = 14,
};

enum { LOAD_MQTT_V311 = 4, LOAD_MQTT_V5 = 5 };

/** Reason codes from here on (5.0, and the refused SUBACK of 3.1.1) are refusals. */
#define LOAD_MQTT_REFUSED 0x80u

/** Who connects; all texts are borrowed. */
struct load_mqtt_identity {
    const char *client_id;
    const char *username;
    const char *password;
    bool is_persistent;
};

/** One packet as it lies in a buffer. */
struct load_mqtt_packet {
    enum load_mqtt_type type;
    uint8_t flags;
    const uint8_t *body; /* borrowed */
    size_t len;
};

/** A received PUBLISH; slices of the packet. */
struct load_mqtt_publish {
    const uint8_t *topic;
    size_t topic_len;
    const uint8_t *payload;
    size_t payload_len;
    uint16_t packet_id; /* 0 at QoS 0 */
    uint8_t qos;
};

/** A PUBLISH that is written again and again; only its number and its payload change. */
struct load_mqtt_template {
    uint8_t *bytes; /* owned */
    size_t len;
    size_t packet_id_at; /* 0 at QoS 0 */
    size_t payload_at;
};

/** Writes a CONNECT: keep alive longer than any run, and so the expiry of a persistent session. */
void load_mqtt_put_connect(struct load_buffer *out, uint32_t protocol,
                           const struct load_mqtt_identity *identity);

/** Writes a SUBSCRIBE with one filter. */
void load_mqtt_put_subscribe(struct load_buffer *out, uint32_t protocol, uint16_t packet_id,
                             const char *filter, uint32_t qos);

/** Writes PUBACK, PUBREC, PUBREL or PUBCOMP, in the short form that both versions know. */
void load_mqtt_put_ack(struct load_buffer *out, enum load_mqtt_type type, uint16_t packet_id);

/** Writes a DISCONNECT. */
void load_mqtt_put_disconnect(struct load_buffer *out);

/** Makes a template with a payload of `payload_len` bytes that the caller fills in. */
void load_mqtt_template_init(struct load_mqtt_template *template, uint32_t protocol, uint32_t qos,
                             const char *topic, size_t payload_len);

/** Sets the packet identifier (1 to 65,535) of a template that is not for QoS 0. */
void load_mqtt_template_set_id(struct load_mqtt_template *template, uint16_t packet_id);

/** Frees what the template holds; accepts a zeroed one. */
void load_mqtt_template_deinit(struct load_mqtt_template *template);

/**
 * Looks for one whole packet at the front of `len` bytes.
 *
 * @return bytes that it takes, 0 when some are still missing, -1 when its length is malformed
 */
ptrdiff_t load_mqtt_next(const uint8_t *bytes, size_t len, struct load_mqtt_packet *packet);

/** Reads a PUBLISH; false when it is malformed. */
bool load_mqtt_read_publish(const struct load_mqtt_packet *packet, uint32_t protocol,
                            struct load_mqtt_publish *publish);

/**
 * Reads the packet identifier and the reason code (0 where there is none) of PUBACK, PUBREC,
 * PUBREL, PUBCOMP or SUBACK (its first code); false when it is malformed.
 */
bool load_mqtt_read_ack(const struct load_mqtt_packet *packet, uint32_t protocol,
                        uint16_t *packet_id, uint8_t *reason);

/** Reads session present and the return or reason code of a CONNACK; false when it is malformed. */
bool load_mqtt_read_connack(const struct load_mqtt_packet *packet, bool *session_present,
                            uint8_t *reason);
