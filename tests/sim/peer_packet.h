/*
 * A client's side of MQTT 3.1.1 and 5.0, small and of its own: nothing of the server's codec is in
 * it, so that a mistake there is not made twice. Writes what the simulated clients send and reads
 * what the server sends; what it does not know it calls a fault. Pure functions.
 */
#pragma once

#include "base/bytes.h"

enum peer_type {
    PEER_CONNACK = 2,
    PEER_PUBLISH = 3,
    PEER_PUBACK = 4,
    PEER_PUBREC = 5,
    PEER_PUBREL = 6,
    PEER_PUBCOMP = 7,
    PEER_SUBACK = 9,
    PEER_UNSUBACK = 11,
    PEER_DISCONNECT = 14
};

enum { PEER_IDS_MAX = 16 };

struct peer_connect {
    bool is_v5, is_clean;
    const char *client_id, *username, *password;
    uint16_t keep_alive_s;
    /* 5.0 */
    uint32_t session_expiry_s;
    uint16_t receive_maximum;     /* 0: left out */
    uint16_t topic_alias_maximum; /* 0: left out */
    uint32_t maximum_packet_size; /* 0: left out */
};

/** What the server sent; slices are borrowed from the bytes read. */
struct peer_packet {
    enum peer_type type;
    bool dup, retain, session_present;
    uint8_t qos;
    uint8_t reason; /* of the packet; the first one of SUBACK and UNSUBACK */
    uint16_t packet_id;
    uint16_t topic_alias;     /* 0: none */
    uint16_t receive_maximum; /* 0: none */
    uint64_t seq;             /* user property, 0: none */
    uint32_t ids[PEER_IDS_MAX];
    unsigned id_count;
    struct slice topic, payload;
};

void peer_write_connect(struct buffer *b, const struct peer_connect *c);
void peer_write_publish(struct buffer *b, bool is_v5, struct slice topic, struct slice payload,
                        uint8_t qos, bool dup, uint16_t packet_id);
/** PUBACK, PUBREC, PUBREL, PUBCOMP of success. */
void peer_write_ack(struct buffer *b, enum peer_type type, uint16_t packet_id);
void peer_write_subscribe(struct buffer *b, bool is_v5, uint16_t packet_id, const char *filter,
                          uint8_t qos, uint32_t identifier);
void peer_write_unsubscribe(struct buffer *b, bool is_v5, uint16_t packet_id, const char *filter);
void peer_write_disconnect(struct buffer *b);

/** Reads one packet; gives its length, or 0 when more bytes are needed. *fault: what is wrong with
 * it, or NULL. */
size_t peer_read(struct slice bytes, bool is_v5, struct peer_packet *out, const char **fault);
