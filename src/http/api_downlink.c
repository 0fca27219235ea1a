/*
 * What goes to a device and what is known of it: attributes pushed, commands and custom data sent,
 * cloud values read and written.
 *
 * A push or a command is the same as a publish over MQTT: the same checks, the same watchers. Its
 * body is read where it goes, and handed on byte for byte.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "http/api.h"
#include "http/device_ask.h"
#include "service/downlink_call.h"

enum { KEYS_MAX = 64 /* names in one question */ };

/* --- values ----------------------------------------------------------------------------------- */

void api_downlink_attributes(struct http_call *call)
{
    char text[ROUTE_PARAMETER_MAX + 1];
    struct slice names[KEYS_MAX], rest;
    struct buffer values = {0}, out = {0};
    char tag[HTTP_ETAG_MAX + 1];
    size_t count = 0;

    if (!http_call_query(call, "keys", text) && call->answer->status != 0)
        return;
    rest = slice_of(text);
    while (rest.len > 0 && count < KEYS_MAX) {
        struct slice name = slice_cut(&rest, ',');

        if (name.len > 0)
            names[count++] = name;
    }
    if (device_ask_values(call, call->device.device_id, names, count, &values)) {
        buffer_append_text(&out, "{\"attributes\":{");
        buffer_append_slice(&out, buffer_slice(&values));
        buffer_printf(&out, "},\"ts\":%" PRId64 "}", clock_unix_ms());
        http_answer_text(call, &out);
        http_response_format_tag(buffer_slice(&values), tag); /* without the time of the answer */
        http_response_header(call->answer, "ETag", tag);
    } else {
        http_fail_status(call, ST_NOT_FOUND, "the device");
    }
    buffer_deinit(&values);
    buffer_deinit(&out);
}

/* --- downlinks -------------------------------------------------------------------------------- */

static const struct verdict_row {
    enum problem problem; /* PROBLEM_COUNT: it went well */
    const char *detail;   /* in the place of an empty reason */
} verdicts[] = {
    [DOWNLINK_DELIVERED] = {PROBLEM_COUNT, "delivered to the device's session"},
    [DOWNLINK_NOT_TAKEN] = {PROBLEM_COUNT, "the device is offline or has not subscribed"},
    [DOWNLINK_NO_DEVICE] = {PROBLEM_not_found, "there is no such device in this project"},
    [DOWNLINK_MALFORMED] = {PROBLEM_malformed, "not a JSON object of the right form"},
    [DOWNLINK_REFUSED] = {PROBLEM_refused, "the device type refuses it"},
    [DOWNLINK_TOO_MANY] = {PROBLEM_too_many, "too many commands of this device are outstanding"},
    [DOWNLINK_TOO_LARGE] = {PROBLEM_too_large, "larger than a message may be"},
    [DOWNLINK_STALE] = {PROBLEM_gone_stale, "read them again: they are not what If-Match says"},
    [DOWNLINK_NOT_STORED] = {PROBLEM_unavailable, "it was accepted, but could not be stored yet"},
};

/* False: answered with a problem. */
static bool run_downlink(struct http_call *call, struct downlink_call *d,
                         struct downlink_call_answer *a)
{
    struct problem_place place = {0};
    const struct verdict_row *row;

    d->project_id = call->device.project_id;
    d->device_id = call->device.device_id;
    downlink_call(call->site->settings.workers, d, a);
    row = &verdicts[a->verdict];
    if (row->problem == PROBLEM_COUNT)
        return true;
    place.line = a->line;
    place.column = a->column;
    http_response_problem(call->answer, row->problem, &place,
                          a->why[0] != '\0' ? a->why : row->detail);
    return false;
}

static bool send_downlink(struct http_call *call, enum open_kind kind, struct slice payload,
                          struct downlink_call_answer *a)
{
    struct downlink_call d = {.kind = kind, .payload = payload};

    return run_downlink(call, &d, a);
}

static json_t *describe(const struct downlink_call_answer *a)
{
    return json_pack("{s:b, s:s}", "delivered", a->verdict == DOWNLINK_DELIVERED, "detail",
                     verdicts[a->verdict].detail);
}

void api_downlink_push(struct http_call *call)
{
    struct downlink_call_answer a;

    if (send_downlink(call, OPEN_KIND_ATTRIBUTES_PUSH, call->request->body, &a))
        http_answer(call, describe(&a));
}

void api_downlink_command(struct http_call *call)
{
    struct downlink_call_answer a;
    struct buffer id = {0};
    json_t *object;

    if (!send_downlink(call, OPEN_KIND_COMMAND_SEND, call->request->body, &a))
        return;
    object = describe(&a);
    if (a.has_id) {
        command_id_append(&a.id, &id);
        (void)json_object_set_new(object, "id",
                                  json_loadb((const char *)id.data, id.len, JSON_DECODE_ANY, NULL));
        buffer_deinit(&id);
    }
    http_answer(call, object);
}

void api_downlink_data(struct http_call *call)
{
    struct slice stream = slice_of(http_call_parameter(call, "stream"));
    struct downlink_call d = {
        .kind = OPEN_KIND_DATA, .stream = stream, .payload = call->request->body};
    struct downlink_call_answer a;

    if (!ident_is_member(stream))
        http_fail(call, PROBLEM_not_found, "a stream has 1 to 64 of A-Z a-z 0-9 _ -");
    else if (run_downlink(call, &d, &a))
        http_answer(call, describe(&a));
}

/* --- values of the cloud's own ---------------------------------------------------------------- */

/* On the device's home, so that nothing comes between the comparison and the change. */
static bool is_as_expected(struct worker *w, void *arg)
{
    const struct http_call *call = arg;
    const char *list = http_request_header(call->request, "If-Match");
    struct buffer values = {0};
    char tag[HTTP_ETAG_MAX + 1];
    bool is_known;

    if (list == NULL)
        return true;
    is_known = device_ask_all_values(w, call->device.device_id, &values);
    http_response_format_tag(buffer_slice(&values), tag);
    buffer_deinit(&values);
    return is_known && http_request_etag_matches(list, tag);
}

void api_downlink_write(struct http_call *call)
{
    struct downlink_call d = {.kind = OPEN_KIND_ATTRIBUTES,
                              .payload = call->request->body,
                              .guard = is_as_expected,
                              .guard_arg = call};
    struct downlink_call_answer a;

    if (run_downlink(call, &d, &a))
        http_answer_nothing(call);
}

/* --- as the hosted platform has it ------------------------------------------------------------ */

/* Its body is an object whose member is a JSON text of its own. */
void api_downlink_hosted_push(struct http_call *call)
{
    const json_t *attrs = json_object_get(call->body, "attrs");
    struct downlink_call_answer a;

    if (send_downlink(call, OPEN_KIND_ATTRIBUTES_PUSH,
                      slice_make(json_string_value(attrs), json_string_length(attrs)), &a))
        http_answer(call, json_pack("{s:i}", "result", 0));
}
