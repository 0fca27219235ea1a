/* Names of device topics, those of the type's mapping included. */
#include "service/topic_map.h"

#include <stdio.h>

#include "store/registry.h"

_Static_assert((int)TOPIC_TEMPLATE_MAX + (int)REGISTRY_SN_MAX <= (int)TOPIC_MAP_NAME_MAX,
               "a mapped topic fits");

static const struct topic_template *template_of(const struct type_stream *s,
                                                enum device_direction direction)
{
    return direction == DEVICE_UP ? &s->publish_topic : &s->subscribe_topic;
}

static enum status find_mapped(const struct device *d, struct slice topic,
                               enum device_direction direction, struct device_topic_parts *out)
{
    const struct device_type *t = device_type_of(d);
    struct slice sn = slice_of(d->sn);

    for (size_t i = 0; t != NULL && sn.len > 0 && i < t->stream_count; i++) {
        const struct topic_template *mapped = template_of(&t->streams[i], direction);

        if (topic_template_is_set(mapped) && topic_template_matches(mapped, sn, topic)) {
            out->topic = direction == DEVICE_UP ? DEVICE_TOPIC_DATA : DEVICE_TOPIC_DATA_SET;
            out->stream = t->streams[i].id;
            out->is_mapped = true;
            return ST_OK;
        }
    }
    return ST_NOT_FOUND;
}

enum status topic_map_find(const struct device *d, struct slice topic,
                           enum device_direction direction, struct device_topic_parts *out)
{
    if (device_topic_parse(d, topic, out) == ST_OK &&
        device_topic_direction(out->topic) == direction)
        return ST_OK;
    return find_mapped(d, topic, direction, out);
}

static size_t write_mapped(const struct device *d, struct slice stream, char *out)
{
    const struct device_type *t = device_type_of(d);
    const struct type_stream *s = t == NULL ? NULL : device_type_find_stream(t, stream);
    struct slice sn = slice_of(d->sn);

    if (s == NULL || sn.len == 0 || !topic_template_is_set(&s->subscribe_topic))
        return 0;
    return topic_template_write(&s->subscribe_topic, sn, out);
}

size_t topic_map_write(const struct device *d, const struct device_topic_parts *parts,
                       char out[TOPIC_MAP_NAME_MAX])
{
    struct slice stream = parts->stream;

    if (parts->is_mapped)
        return write_mapped(d, stream, out);
    return (size_t)snprintf(out, TOPIC_MAP_NAME_MAX, "%s/%s%s%.*s", device_topic_word(parts->topic),
                            d->text, stream.len > 0 ? "/" : "", (int)stream.len,
                            stream.len > 0 ? (const char *)stream.data : "");
}
