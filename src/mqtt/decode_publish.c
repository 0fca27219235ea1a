/*
 * PUBLISH: the packet that everything is about, so its usual form (ASCII topic, no properties) is
 * decoded without a call.
 *
 * Pure functions, any thread. Whether the payload is what the payload format says is not checked:
 * the standard leaves that to the receiver of the message.
 */
#include "mqtt/decode_priv.h"

#include "base/utf8.h"
#include "mqtt/topic.h"

enum { WORD_LEN = 8 };

/* The byte, eight times. */
#define WORD_OF(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * True when one of eight bytes needs a closer look: above ASCII, zero, or a wildcard.
 *
 * `+` (2B) and `#` (23) differ in one bit (08) alone, so setting it makes both `+`. A byte of `x`
 * is zero exactly when (x - 01) & ~x has its highest bit set in it; the borrow of a subtraction can
 * only say so falsely above a byte that truly is zero, so "some byte" is exact.
 */
static inline bool word_is_suspect(uint64_t word)
{
    uint64_t wildcard = (word | WORD_OF(0x08)) ^ WORD_OF('+');

    return ((word | ((word - WORD_OF(1)) & ~word) | ((wildcard - WORD_OF(1)) & ~wildcard)) &
            WORD_OF(0x80)) != 0;
}

static inline uint64_t word_at(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

/*
 * True for a topic whose every byte is harmless; false says only that it must be looked at closely.
 */
static inline bool topic_is_plain(struct slice topic)
{
    if (topic.len < WORD_LEN)
        return false;
    for (size_t i = 0; i + WORD_LEN < topic.len; i += WORD_LEN)
        if (word_is_suspect(word_at(topic.data + i)))
            return false;
    return !word_is_suspect(word_at(topic.data + topic.len - WORD_LEN));
}

/* Source: [MQTT-3.3.2-1], [MQTT-3.3.2-2]; an empty topic needs an alias: section 3.3.2.1 */
static __attribute__((noinline)) enum reason check_topic(const struct packet_publish *p)
{
    if (p->topic.len == 0)
        return property_has(&p->properties, PROPERTY_TOPIC_ALIAS) ? REASON_SUCCESS
                                                                  : REASON_PROTOCOL_ERROR;
    if (!utf8_is_text(p->topic))
        return REASON_MALFORMED_PACKET;
    return topic_is_name(p->topic) ? REASON_SUCCESS : REASON_TOPIC_INVALID;
}

/*
 * What the general table lets a PUBLISH carry, but not one from a client. Source: [MQTT-3.3.4-6],
 * [MQTT-3.3.2-14]
 */
static enum reason check_properties(const struct property_set *properties)
{
    if (property_has(properties, PROPERTY_SUBSCRIPTION_ID))
        return REASON_PROTOCOL_ERROR;
    if (property_has(properties, PROPERTY_RESPONSE_TOPIC) &&
        !topic_is_name(properties->response_topic))
        return REASON_TOPIC_INVALID;
    return REASON_SUCCESS;
}

enum reason decode_publish(enum mqtt_version version, uint8_t flags, struct slice body,
                           struct packet_publish *out)
{
    struct reader r = reader_of(body);
    enum reason reason;
    size_t topic_len;

    out->qos = flags >> 1 & 3;
    out->retain = (flags & 1) != 0;
    /* A client that sets DUP with QoS 0 does no harm by it: read as 0. Source: [MQTT-3.3.1-2] */
    out->dup = (flags & 8) != 0 && out->qos != 0;
    out->packet_id = 0;
    if (out->qos > 2 || body.len < 2)
        return REASON_MALFORMED_PACKET;
    topic_len = (size_t)(r.next[0] << 8 | r.next[1]);
    r.next += 2;
    if (topic_len > reader_left(&r))
        return REASON_MALFORMED_PACKET;
    out->topic = slice_make(r.next, topic_len);
    r.next += topic_len;
    if (out->qos > 0) {
        reason = decode_packet_id(&r, &out->packet_id);
        if (reason != REASON_SUCCESS)
            return reason;
    }
    reason = decode_properties(&r, version, PACKET_PUBLISH, &out->properties);
    if (reason != REASON_SUCCESS)
        return reason;
    if (!topic_is_plain(out->topic)) {
        reason = check_topic(out);
        if (reason != REASON_SUCCESS)
            return reason;
    }
    if (out->properties.present != 0) {
        reason = check_properties(&out->properties);
        if (reason != REASON_SUCCESS)
            return reason;
    }
    out->payload = slice_make(r.next, reader_left(&r));
    return REASON_SUCCESS;
}
