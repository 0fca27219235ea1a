/*
 * A path is compared as text, which jansson writes in one form.
 */
#include "app/sim_gateway.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct wrapping {
    const char *topic, *wrapped, *before, *member, *after;
} wrappings[] = {
    {"attributes", "sub_attributes", "[{\"device\":", "attributes", "}]"}, /* the flat form */
    {"event_report", "sub_event_report", "{\"device\":", "event", "}"},
    {"command_reply", "sub_command_reply", "{\"device\":", "command", "}"},
};

const char *sim_gateway_wrap(const char *topic, const char *path, struct slice payload,
                             struct buffer *out)
{
    for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++) {
        const struct wrapping *w = &wrappings[i];

        if (strcmp(w->topic, topic) != 0)
            continue;
        buffer_printf(out, "%s%s,\"%s\":", w->before, path, w->member);
        buffer_append_slice(out, payload);
        buffer_append_text(out, w->after);
        return w->wrapped;
    }
    return NULL;
}

void sim_gateway_append_connect(const char *path, struct buffer *out)
{
    buffer_printf(out, "{\"device\":%s}", path);
}

static void append_json(const json_t *value, struct buffer *out)
{
    char *text = json_dumps(value, JSON_COMPACT);

    buffer_append_text(out, text);
    free(text);
}

enum status sim_gateway_unwrap(struct slice payload, struct buffer *path, struct buffer *inner)
{
    json_t *message = json_loadb((const char *)payload.data, payload.len, 0, NULL);
    json_t *device = json_object_get(message, "device"), *steps = NULL;
    const json_t *content = json_object_get(message, "attributes");
    bool is_good;

    if (content == NULL)
        content = json_object_get(message, "command");
    if (json_is_string(device)) /* a path of one step */
        steps = json_pack("[O]", device);
    else if (json_is_array(device))
        steps = json_incref(device);
    is_good = steps != NULL && json_is_object(content);
    if (is_good) {
        append_json(steps, path);
        append_json(content, inner);
    }
    json_decref(steps);
    json_decref(message);
    return is_good ? ST_OK : ST_MALFORMED;
}
