/*
 * PUBLISH towards a client: what all receivers share is copied from the message, what is this one's
 * own (identifier, alias, subscription identifiers, remaining expiry, seq) is written anew. The hot
 * path of the server: no allocation, four or five copies into the corked output.
 */
#include "base/writer.h"
#include "mqtt/client.h"
#include "mqtt/counters.h"
#include "mqtt/property.h"

#include <stdio.h>

enum { OWN_PROPERTIES_MAX = 1344 /* alias, expiry, seq and 256 subscription identifiers */ };

struct own_part {
    uint8_t bytes[OWN_PROPERTIES_MAX];
    size_t len;
    uint16_t alias; /* 0: none */
    bool leaves_topic_out;
};

static void write_seq(struct writer *w, uint64_t seq)
{
    char text[21];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)seq);

    property_write_user(w, slice_of("seq"), slice_make(text, (size_t)len));
}

/* The receiver's own properties (v5), the alias that was chosen first. */
static void write_own(const struct client *c, const struct delivery *d, struct own_part *own)
{
    const struct message *m = d->message;
    struct writer w = writer_of(own->bytes, sizeof(own->bytes));

    if (own->alias != 0)
        property_write_u16(&w, PROPERTY_TOPIC_ALIAS, own->alias);
    if (m->expires_ms != 0) {
        uint64_t now_ms = client_worker(c)->now_ms;
        uint64_t left_ms = m->expires_ms > now_ms ? m->expires_ms - now_ms : 0;

        property_write_u32(&w, PROPERTY_MESSAGE_EXPIRY, (uint32_t)((left_ms + 999) / 1000));
    }
    if (d->subscription_id != 0)
        property_write_varint(&w, PROPERTY_SUBSCRIPTION_ID, d->subscription_id);
    for (unsigned i = 0; i < d->more_id_count; i++)
        property_write_varint(&w, PROPERTY_SUBSCRIPTION_ID, d->more_ids[i]);
    if (d->told_seq != 0)
        write_seq(&w, d->told_seq);
    own->len = writer_len(&w);
}

static uint8_t first_byte(const struct delivery *d, bool dup)
{
    return (uint8_t)(PACKET_PUBLISH << 4 | (dup ? 8 : 0) | d->qos << 1 | (d->retain ? 1 : 0));
}

/* Fixed header, topic, packet identifier: what stands before properties and payload. */
static void append_front(struct out_buffer *o, const struct delivery *d, uint32_t remaining_len,
                         struct slice topic, uint16_t packet_id, bool dup)
{
    uint8_t header[5];
    struct writer w = writer_of(header, sizeof(header));

    writer_u8(&w, first_byte(d, dup));
    writer_varint(&w, remaining_len);
    out_buffer_begin_packet(o, writer_len(&w) + remaining_len);
    out_buffer_append(o, header, writer_len(&w));
    out_buffer_append(o, topic.data, topic.len);
    if (d->qos > 0) {
        uint8_t id[2] = {(uint8_t)(packet_id >> 8), (uint8_t)packet_id};

        out_buffer_append(o, id, sizeof(id));
    }
}

static bool fits(const struct client *c, size_t remaining_len)
{
    size_t whole = 1 + writer_varint_len((uint32_t)remaining_len) + remaining_len;

    return c->target.maximum_packet_size == 0 || whole <= c->target.maximum_packet_size;
}

static size_t remaining_len_v5(const struct delivery *d, const struct own_part *own)
{
    const struct message *m = d->message;
    size_t properties_len = own->len + m->properties_len;

    return 2u + (own->leaves_topic_out ? 0 : m->topic_len) + (d->qos > 0 ? 2 : 0) +
           writer_varint_len((uint32_t)properties_len) + properties_len + m->payload_len;
}

/* False: it is too large for the client, even without an alias, which is ours to leave out. */
static bool choose_own(struct client *c, const struct delivery *d, struct own_part *own)
{
    own->leaves_topic_out = false;
    own->alias = alias_out_use(&c->aliases_out, message_topic(d->message), &own->leaves_topic_out);
    write_own(c, d, own);
    if (fits(c, remaining_len_v5(d, own)))
        return true;
    if (own->alias == 0)
        return false;
    if (!own->leaves_topic_out)
        alias_out_forget(&c->aliases_out, own->alias);
    own->alias = 0;
    own->leaves_topic_out = false;
    write_own(c, d, own);
    return fits(c, remaining_len_v5(d, own));
}

static bool send_v5(struct client *c, const struct delivery *d, uint16_t packet_id, bool dup)
{
    static const uint8_t no_topic[2] = {0, 0};
    const struct message *m = d->message;
    struct own_part own;
    struct slice topic = slice_make(m->bytes, 2u + m->topic_len);
    uint8_t properties_len[4];
    struct writer w = writer_of(properties_len, sizeof(properties_len));
    struct out_buffer *o;

    if (!choose_own(c, d, &own))
        return false;
    if (own.leaves_topic_out)
        topic = slice_make(no_topic, sizeof(no_topic));
    writer_varint(&w, (uint32_t)(own.len + m->properties_len));
    o = conn_output(c->conn);
    append_front(o, d, (uint32_t)remaining_len_v5(d, &own), topic, packet_id, dup);
    out_buffer_append(o, properties_len, writer_len(&w));
    out_buffer_append(o, own.bytes, own.len);
    /* forwarded properties and payload stand side by side */
    out_buffer_append(o, message_properties(m).data, m->properties_len + m->payload_len);
    return true;
}

static bool send_3_1_1(struct client *c, const struct delivery *d, uint16_t packet_id, bool dup)
{
    const struct message *m = d->message;
    struct slice topic = slice_make(m->bytes, 2u + m->topic_len);
    struct slice payload = message_payload(m);
    struct out_buffer *o = conn_output(c->conn);

    append_front(o, d, (uint32_t)(topic.len + (d->qos > 0 ? 2 : 0) + payload.len), topic, packet_id,
                 dup);
    out_buffer_append(o, payload.data, payload.len);
    return true;
}

bool client_send_publish(struct client *c, const struct delivery *d, uint16_t packet_id, bool dup)
{
    bool is_sent = c->target.version == MQTT_5 ? send_v5(c, d, packet_id, dup)
                                               : send_3_1_1(c, d, packet_id, dup);

    if (is_sent)
        counter_inc(publishes_sent);
    return is_sent;
}
