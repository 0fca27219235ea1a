/* The table of device topics: names to entries and back, and the handlers. */
#include "service/device_link.h"

static const struct topic_info {
    const char *word;
    uint8_t word_len;
    enum device_direction direction;
    bool has_stream;
    struct service_verdict (*handler)(const struct device_input *in);
} topics[DEVICE_TOPIC_COUNT] = {
#define DEVICE_TOPIC(name, word, direction, stream, handler) \
    [DEVICE_TOPIC_##name] = {word, sizeof(word) - 1, direction, stream, handler},
#include "service/device_topic.def"
#undef DEVICE_TOPIC
};

const char *device_topic_word(enum device_topic topic)
{
    return topics[topic].word;
}

enum device_direction device_topic_direction(enum device_topic topic)
{
    return topics[topic].direction;
}

struct service_verdict device_topic_handle(const struct device_input *in)
{
    return topics[in->kind].handler(in);
}

/* `rest` follows the word's slash: the device's user name, and a stream if the topic has one. */
static enum status parse_rest(const struct device *d, const struct topic_info *t, struct slice rest,
                              struct device_topic_parts *out)
{
    if (rest.len < IDENT_TEXT_LEN || memcmp(rest.data, d->text, IDENT_TEXT_LEN) != 0)
        return ST_NOT_FOUND;
    rest = slice_from(rest, IDENT_TEXT_LEN);
    if (!t->has_stream)
        return rest.len == 0 ? ST_OK : ST_NOT_FOUND;
    if (rest.len < 2 || rest.data[0] != '/')
        return ST_NOT_FOUND;
    out->stream = slice_from(rest, 1);
    return ident_is_member(out->stream) ? ST_OK : ST_NOT_FOUND;
}

enum status device_topic_parse(const struct device *d, struct slice topic,
                               struct device_topic_parts *out)
{
    for (unsigned i = 0; i < DEVICE_TOPIC_COUNT; i++) {
        const struct topic_info *t = &topics[i];

        if (topic.len <= t->word_len || topic.data[t->word_len] != '/' ||
            memcmp(topic.data, t->word, t->word_len) != 0)
            continue;
        *out = (struct device_topic_parts){.topic = (enum device_topic)i};
        return parse_rest(d, t, slice_from(topic, t->word_len + 1u), out);
    }
    return ST_NOT_FOUND;
}
