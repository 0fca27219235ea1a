/*
 * Properties of MQTT 5.0, both ways, checked against property.def: form, allowed packets,
 * repetition, value ranges. Pure functions, any thread.
 */
#pragma once

#include "base/writer.h"
#include "mqtt/packet.h"

/** Where properties stand; wills have their own column in the standard's table. */
enum { PROPERTY_IN_WILL = 16 };

/**
 * Reads a property length and the properties behind it.
 *
 * @param packet  an enum packet_type or PROPERTY_IN_WILL
 * Errors: MALFORMED_PACKET (unknown id, cut off, bad UTF-8, length past the packet), PROTOCOL_ERROR
 * (not in this packet, twice, value outside its range); TOPIC_ALIAS_INVALID for alias 0 Source:
 * MQTT 5.0 section 2.2.2
 */
enum reason property_read(struct reader *r, unsigned packet, struct property_set *out);

/** Walks the user properties of a read set in their order: start with a reader over `raw`; false at
 * the end. */
bool property_next_user(struct reader *raw, struct slice *key, struct slice *value);

/** Appends one property of the given form. Errors stick in the writer. */
void property_write_u8(struct writer *w, enum property property, uint8_t value);
void property_write_u16(struct writer *w, enum property property, uint16_t value);
void property_write_u32(struct writer *w, enum property property, uint32_t value);
void property_write_varint(struct writer *w, enum property property, uint32_t value);
void property_write_text(struct writer *w, enum property property, struct slice value);
void property_write_user(struct writer *w, struct slice key, struct slice value);

/** Appends what a server forwards unchanged from a PUBLISH or will: payload format, content type,
 * response topic, correlation data, user properties in their order; not expiry, alias, subscription
 * identifiers, will delay. Source: [MQTT-3.3.2-4], -15 to -18, -20 */
void property_write_forwarded(struct buffer *b, const struct property_set *p);
