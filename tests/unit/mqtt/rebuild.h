/*
 * A client's packets from the structs that the decoders fill: the way back, for round trips in unit
 * tests and fuzz targets (tests/fuzz includes it too, hence all inline).
 *
 * Properties are written in the order of property.def, user properties in their own.
 */
#pragma once

#include "mqtt/decode.h"
#include "mqtt/property.h"

static inline void rebuild_users(struct writer *w, const struct property_set *p)
{
    struct reader raw = reader_of(p->raw);
    struct slice key, value;

    while (property_next_user(&raw, &key, &value))
        property_write_user(w, key, value);
}

#define REBUILD_BIT(name, member)          property_write_u8(w, PROPERTY_##name, p->member)
#define REBUILD_U16(name, member)          property_write_u16(w, PROPERTY_##name, p->member)
#define REBUILD_U16_NOT_0(name, member)    property_write_u16(w, PROPERTY_##name, p->member)
#define REBUILD_U32(name, member)          property_write_u32(w, PROPERTY_##name, p->member)
#define REBUILD_U32_NOT_0(name, member)    property_write_u32(w, PROPERTY_##name, p->member)
#define REBUILD_VARINT_NOT_0(name, member) property_write_varint(w, PROPERTY_##name, p->member)
#define REBUILD_TEXT(name, member)         property_write_text(w, PROPERTY_##name, p->member)
#define REBUILD_BINARY(name, member)       property_write_text(w, PROPERTY_##name, p->member)
#define REBUILD_PAIR(name, member)         rebuild_users(w, p)

static inline void rebuild_values(struct writer *w, const struct property_set *p)
{
#define PROPERTY(name, id, form, member, packets) \
    if (property_has(p, PROPERTY_##name))         \
        REBUILD_##form(name, member);
#include "mqtt/property.def"
#undef PROPERTY
}

static inline void rebuild_properties(struct writer *w, enum mqtt_version version,
                                      const struct property_set *p)
{
    struct writer measure = writer_of(w->next, (size_t)(w->end - w->next));

    if (version != MQTT_5)
        return;
    rebuild_values(&measure, p);
    writer_varint(w, (uint32_t)writer_len(&measure));
    rebuild_values(w, p);
}

static inline void rebuild_connect(struct writer *w, const struct packet_connect *c)
{
    const struct packet_will *will = &c->will;

    writer_prefixed(w, slice_of("MQTT"));
    writer_u8(w, (uint8_t)c->version);
    writer_u8(w, (uint8_t)(c->has_username << 7 | c->has_password << 6 | will->retain << 5 |
                           will->qos << 3 | c->has_will << 2 | c->clean_start << 1));
    writer_u16(w, c->keep_alive_s);
    rebuild_properties(w, c->version, &c->properties);
    writer_prefixed(w, c->client_id);
    if (c->has_will) {
        rebuild_properties(w, c->version, &will->properties);
        writer_prefixed(w, will->topic);
        writer_prefixed(w, will->payload);
    }
    if (c->has_username)
        writer_prefixed(w, c->username);
    if (c->has_password)
        writer_prefixed(w, c->password);
}

static inline uint8_t rebuild_publish_flags(const struct packet_publish *p)
{
    return (uint8_t)(p->dup << 3 | p->qos << 1 | p->retain);
}

static inline void rebuild_publish(struct writer *w, enum mqtt_version version,
                                   const struct packet_publish *p)
{
    writer_prefixed(w, p->topic);
    if (p->qos > 0)
        writer_u16(w, p->packet_id);
    rebuild_properties(w, version, &p->properties);
    writer_bytes(w, p->payload);
}

/** The shortest form. */
static inline void rebuild_ending(struct writer *w, enum reason reason,
                                  const struct property_set *properties)
{
    if (reason != REASON_SUCCESS || properties->present != 0)
        writer_u8(w, (uint8_t)reason);
    if (properties->present != 0)
        rebuild_properties(w, MQTT_5, properties);
}

static inline void rebuild_ack(struct writer *w, const struct packet_ack *a)
{
    writer_u16(w, a->packet_id);
    rebuild_ending(w, a->reason, &a->properties);
}

static inline void rebuild_disconnect(struct writer *w, const struct packet_disconnect *d)
{
    rebuild_ending(w, d->reason, &d->properties);
}

static inline void rebuild_subscribe(struct writer *w, enum mqtt_version version,
                                     const struct packet_subscribe *s)
{
    struct reader filters = reader_of(s->filters);
    struct subscribe_filter f;

    writer_u16(w, s->packet_id);
    rebuild_properties(w, version, &s->properties);
    while (decode_subscribe_next(&filters, version, &f)) {
        writer_prefixed(w, f.filter);
        writer_u8(w, (uint8_t)(f.retain_handling << 4 | f.retain_as_published << 3 |
                               f.no_local << 2 | f.qos));
    }
}

static inline void rebuild_unsubscribe(struct writer *w, enum mqtt_version version,
                                       const struct packet_unsubscribe *u)
{
    struct reader filters = reader_of(u->filters);
    struct slice filter;

    writer_u16(w, u->packet_id);
    rebuild_properties(w, version, &u->properties);
    while (decode_unsubscribe_next(&filters, &filter))
        writer_prefixed(w, filter);
}
