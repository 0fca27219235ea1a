/*
 * Well-formed packets with fuzzed fields: operands choose among what is likely to mean something to
 * the server, and among what is likely to be refused. Pure functions.
 */
#pragma once

#include "base/reader.h"
#include "script.h"

enum {
    SCRIPT_CONNECT_ACKNOWLEDGES = 0x80, /* in the flags of CONNECT, beside what is the packet's */
    SCRIPT_NAME_ROOM = 160              /* for a topic or filter, zero-ended */
};

/** Writes a topic or filter: `form` with the device in the place of its `@`, behind the group. */
void script_name(char out[SCRIPT_NAME_ROOM], const char *group, const char *form,
                 const char *device);

/** The next operand; 0 behind the last. */
static inline uint8_t script_operand(struct reader *operands)
{
    return reader_left(operands) > 0 ? reader_u8(operands) : 0;
}

/** Sizes of payloads, from a byte to more than a frame with a short length holds. */
size_t script_size(uint8_t operand);

/** Appends the CONNECT; `flags` is its first operand, read already. */
void script_write_connect(struct buffer *b, enum script_face face, uint8_t flags,
                          struct reader *operands);
void script_write_subscribe(struct buffer *b, enum script_face face, bool is_v5,
                            struct reader *operands);
void script_write_unsubscribe(struct buffer *b, enum script_face face, bool is_v5,
                              struct reader *operands);
void script_write_publish(struct buffer *b, enum script_face face, bool is_v5,
                          struct reader *operands);

/** @param oldest  packet identifier of the oldest unacknowledged delivery */
void script_write_ack(struct buffer *b, bool is_v5, uint16_t oldest, struct reader *operands);
void script_write_disconnect(struct buffer *b, bool is_v5, struct reader *operands);
void script_write_packet(struct buffer *b, struct reader *operands);

/** The HTTP request of a WebSocket; variant 0 is in order. */
void script_write_upgrade(struct buffer *b, uint8_t variant);

/** A masked frame of a client: any first byte; the length in the shortest form. */
void script_write_frame(struct buffer *b, uint8_t first, struct slice payload);
