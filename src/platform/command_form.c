/*
 * Checks the members of commands, replies and events, and writes a command with the identifier that
 * the platform gave it. Pure functions, any thread.
 */
#include "platform/command_form.h"

#include "base/invariant.h"

enum status command_form_check(enum command_form_kind kind, const struct json_member *members,
                               size_t count, struct command_form *out, const char **why)
{
    const struct json_member *method = json_find(members, count, "method");
    struct command_id id;

    out->params = json_find(members, count, "params");
    out->id = kind == COMMAND_FORM_EVENT ? NULL : json_find(members, count, "id");
    out->method_len = 0;
    out->method[0] = '\0';
    *why = NULL;
    if (method == NULL)
        *why = "the member \"method\" is missing";
    else if (json_text(method, out->method, COMMAND_METHOD_MAX, &out->method_len) != ST_OK ||
             out->method_len == 0)
        *why = "\"method\" must be a string of 1 to 256 bytes";
    else if (out->id != NULL && !command_id_read(out->id, &id))
        *why = "\"id\" must be an integer of 64 bits or a string of 1 to 64 bytes";
    return *why == NULL ? ST_OK : ST_INVALID;
}

/* How long `text` is without the white space at its end. */
static size_t trimmed(struct slice text, size_t len)
{
    while (len > 0 && text.data[len - 1] <= ' ')
        len--;
    return len;
}

void command_form_append_id(struct slice payload, const struct command_id *id, struct buffer *out)
{
    size_t end = trimmed(payload, payload.len);
    size_t body;

    invariant(end >= 2 && payload.data[end - 1] == '}');
    body = trimmed(payload, end - 1); /* up to the last value, or the brace that opens */
    invariant(body >= 1);
    buffer_append(out, payload.data, body);
    buffer_append_text(out, payload.data[body - 1] == '{' ? "\"id\": " : ", \"id\": ");
    command_id_append(id, out);
    buffer_append_slice(out, slice_from(payload, body));
}
