/* Addresses: read from payloads, written into ours. */
#include "service/sub_topic.h"

#include <stdio.h>

#include "base/json_walk.h"
#include "base/utf8.h"

_Static_assert(DEVICE_TOPIC_COUNT == DEVICE_TOPIC_SUB_CONNECT + 2 * SUB_TOPIC_COUNT,
               "the dialects are the last rows, and as long as each other");

static const char no_step[] = "a step of \"device\" is a text of 1 to 128 bytes";

static const struct dialect {
    bool has_paths; /* lists of steps; otherwise `device` is one text */
    const char *no_path;
} dialects[SUB_DIALECT_COUNT] = {
    [SUB_DIALECT_SUB] = {true, "\"device\" must be a list of 1 to 16 texts, or one text"},
    [SUB_DIALECT_GATEWAY] = {false, "\"device\" must be a text"},
};

static bool read_step(const struct json_member *m, struct sub_path *out)
{
    char *text = out->text[out->count];
    size_t len;

    if (json_text(m, text, SUB_ADDRESS_MAX, &len) != ST_OK || len == 0)
        return false;
    out->steps[out->count++] = slice_make(text, len);
    return true;
}

static const char *read_list(const struct dialect *x, const struct json_parser *json,
                             const struct json_member *value, struct sub_path *out)
{
    struct json_walk w;
    struct json_member m;

    json_walk_start(&w, json, value->value);
    while (json_walk_next(&w, &m)) {
        if (m.type != JSON_TYPE_STRING || out->count == SUB_LEVELS_MAX)
            return x->no_path;
        if (!read_step(&m, out))
            return no_step;
    }
    return out->count == 0 ? x->no_path : NULL;
}

const char *sub_path_read(enum sub_dialect dialect, const struct json_parser *json,
                          const struct json_member *value, struct sub_path *out)
{
    const struct dialect *x = &dialects[dialect];

    out->count = 0;
    if (value->type == JSON_TYPE_STRING)
        return read_step(value, out) ? NULL : no_step;
    if (value->type != JSON_TYPE_ARRAY || !x->has_paths)
        return x->no_path;
    return read_list(x, json, value, out);
}

void sub_path_of(const struct device *d, struct sub_path *out)
{
    out->count = sub_device_path(d, out->steps);
}

struct device *sub_path_find(struct device *root, const struct sub_path *path,
                             struct device **nearest, unsigned *depth)
{
    struct device *d = root;
    unsigned i = 0;

    while (i < path->count) {
        struct device *next = sub_device_find(d, path->steps[i]);

        if (next == NULL)
            break;
        d = next;
        i++;
    }
    if (nearest != NULL) {
        *nearest = d;
        *depth = i;
    }
    return i == path->count ? d : NULL;
}

enum { TOLD_ADDRESS_MAX = 64 };

static bool can_be_told(struct slice address)
{
    if (address.len > TOLD_ADDRESS_MAX || !utf8_is_text(address))
        return false;
    for (size_t i = 0; i < address.len; i++) {
        if (address.data[i] < ' ' || address.data[i] == 0x7f)
            return false;
    }
    return true;
}

void sub_path_tell_unknown(struct slice address, char why[SUB_PATH_WHY_MAX])
{
    if (can_be_told(address))
        (void)snprintf(why, SUB_PATH_WHY_MAX, "no sub-device has the address %.*s below it",
                       (int)address.len, (const char *)address.data);
    else
        (void)snprintf(why, SUB_PATH_WHY_MAX, "no sub-device has this address below it");
}

/* These two give a path of one step as a text, the others always as a list. */
static bool is_short(enum device_topic topic)
{
    return topic == DEVICE_TOPIC_SUB_COMMAND_SEND || topic == DEVICE_TOPIC_SUB_EVENT_RESPONSE;
}

void sub_path_append(enum sub_dialect dialect, enum device_topic topic, const struct sub_path *path,
                     struct buffer *out)
{
    bool is_text = !dialects[dialect].has_paths || (is_short(topic) && path->count == 1);

    buffer_append_text(out, is_text ? "\"device\": " : "\"device\": [");
    for (unsigned i = 0; i < path->count; i++) {
        if (i > 0)
            buffer_append_text(out, ", ");
        json_append_string(out, path->steps[i]);
    }
    buffer_append_text(out, is_text ? ", " : "], ");
}
