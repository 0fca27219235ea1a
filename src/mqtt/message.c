/*
 * Makes publications; everything else about them is inline in the header.
 *
 * One block, filled once: the outer struct zeroed up to its end, the bytes copied behind it. What
 * the peer can influence (topic, properties, payload) was limited by the decoder.
 */
#include "mqtt/message.h"

enum { TOPIC_LEN_BYTES = 2, TOPIC_LEN_MAX = 65535 };

static uint8_t *put(uint8_t *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.data, s.len);
    return at + s.len;
}

struct message *message_new(size_t outer_size, struct slice topic, struct slice properties,
                            struct slice payload)
{
    struct message *m;
    uint8_t *at;

    invariant(outer_size >= sizeof(struct message));
    invariant(topic.len > 0 && topic.len <= TOPIC_LEN_MAX);
    invariant(properties.len <= UINT32_MAX && payload.len <= UINT32_MAX);

    m = mem_alloc(MEM_MESSAGE,
                  outer_size + TOPIC_LEN_BYTES + topic.len + properties.len + payload.len);
    memset(m, 0, outer_size);
    at = (uint8_t *)m + outer_size;
    m->magic = MESSAGE_MAGIC;
    atomic_init(&m->refs, 1);
    m->topic_len = (uint16_t)topic.len;
    m->properties_len = (uint32_t)properties.len;
    m->payload_len = (uint32_t)payload.len;
    m->bytes = at;

    *at++ = (uint8_t)(topic.len >> 8);
    *at++ = (uint8_t)topic.len;
    at = put(at, topic);
    at = put(at, properties);
    (void)put(at, payload);
    return m;
}
