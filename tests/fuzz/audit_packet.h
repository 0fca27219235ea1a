/*
 * Packets from the server, taken apart more strictly than a client would: each field, flag,
 * property and reason code must be one that the standard lets a server send there. A failure ends
 * the process. Pure functions.
 */
#pragma once

#include "mqtt/packet.h"

struct audit_packet {
    enum packet_type type;
    bool session_present;
    uint8_t qos;
    uint8_t reason;
    uint16_t packet_id;
    uint16_t topic_alias;           /* 0: none */
    struct slice topic, payload;    /* PUBLISH */
    struct slice codes;             /* SUBACK, UNSUBACK */
    struct property_set properties; /* but those of PUBLISH */
};

/** Reads one packet of a server; gives its length, 0: it is not whole. Slices are borrowed. */
size_t audit_packet_read(struct slice bytes, enum mqtt_version version, struct audit_packet *out);
