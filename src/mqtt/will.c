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

struct will *will_new(const struct packet_will *w)
{
    struct buffer properties = {0};
    struct will *will;
    uint8_t *next;

    property_write_forwarded(&properties, &w->properties);
    will = mem_new(MEM_SESSION,
                   sizeof(*will) + w->topic.len + properties.len + w->payload.len + JSON_PADDING);
    next = (uint8_t *)(will + 1);
    will->qos = w->qos;
    will->retain = w->retain;
    will->delay_s =
        property_has(&w->properties, PROPERTY_WILL_DELAY) ? w->properties.will_delay_s : 0;
    will->has_expiry = property_has(&w->properties, PROPERTY_MESSAGE_EXPIRY);
    will->expiry_s = will->has_expiry ? w->properties.message_expiry_s : 0;
    will->topic = place(&next, w->topic);
    will->properties = place(&next, buffer_slice(&properties));
    will->payload = place(&next, w->payload);
    buffer_deinit(&properties);
    return will;
}

void will_free(struct will **w)
{
    mem_free(*w);
    *w = NULL;
}
