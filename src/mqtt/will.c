/* A will is one block: struct, topic, properties, payload, padding. */
#include "mqtt/will.h"

#include "base/json.h"
#include "base/mem.h"
#include "mqtt/property.h"

static struct slice place(uint8_t **next, struct slice s)
{
    uint8_t *at = *next;

    if (s.len > 0)
        memcpy(at, s.data, s.len);
    *next += s.len;
    return slice_make(at, s.len);
}

struct will *will_copy(const struct will *w)
{
    struct will *copy = mem_new(MEM_SESSION, sizeof(*copy) + w->topic.len + w->properties.len +
                                                 w->payload.len + JSON_PADDING);
    uint8_t *next = (uint8_t *)(copy + 1);

    *copy = *w;
    copy->topic = place(&next, w->topic);
    copy->properties = place(&next, w->properties);
    copy->payload = place(&next, w->payload);
    return copy;
}

struct will *will_new(const struct packet_will *w)
{
    struct buffer properties = {0};
    struct will will = {
        .qos = w->qos, .retain = w->retain, .topic = w->topic, .payload = w->payload};
    struct will *copy;

    property_write_forwarded(&properties, &w->properties);
    will.properties = buffer_slice(&properties);
    if (property_has(&w->properties, PROPERTY_WILL_DELAY))
        will.delay_s = w->properties.will_delay_s;
    will.has_expiry = property_has(&w->properties, PROPERTY_MESSAGE_EXPIRY);
    if (will.has_expiry)
        will.expiry_s = w->properties.message_expiry_s;
    copy = will_copy(&will);
    buffer_deinit(&properties);
    return copy;
}

void will_free(struct will **w)
{
    mem_free(*w);
    *w = NULL;
}
