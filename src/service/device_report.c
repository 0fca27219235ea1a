/*
 * What devices publish: checked, kept, made into open messages, answered where the type wants it.
 * Every payload but custom data must be a JSON object; otherwise it is acknowledged, recorded, and
 * the device disconnected, so that it does not come back with the same message for ever. What the
 * type does not let through is left out. Source: open-api.md 3.2, 4, 5
 */
#include "service/device_report.h"

#include "base/invariant.h"
#include "mqtt/property.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/json_fault.h"
#include "service/device_check.h"
#include "service/sub_desk.h"
#include "service/sub_link.h"

static struct service_verdict accepted(bool is_later)
{
    return (struct service_verdict){.is_later = is_later, .reason = REASON_SUCCESS};
}

static const char no_object[] = "the payload is not a JSON object";

/* A payload that is an object, but not of the form that its topic asks for: recorded, not handed
 * on; the device stays. */
struct service_verdict device_report_form(const struct device_input *in, const char *why)
{
    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_REFUSED, why);
    return (struct service_verdict){.reason = REASON_PAYLOAD_FORMAT_INVALID, .why = slice_of(why)};
}

struct service_verdict device_report_no_json(const struct device_input *in)
{
    char text[JSON_FAULT_LEN_MAX];
    unsigned line, column;

    if (in->sub != NULL) /* it is JSON, since the message around it is */
        return device_report_form(in, "what it says must be an object");
    json_fault_describe(in->payload, text, sizeof(text), &line, &column);
    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_REFUSED, text);
    return (struct service_verdict){.reason = REASON_PAYLOAD_FORMAT_INVALID,
                                    .why = slice_of(no_object),
                                    .then_disconnect = REASON_PAYLOAD_FORMAT_INVALID,
                                    .then_why = slice_of(no_object)};
}

static bool parse(const struct device_input *in, const struct json_member **members, size_t *count)
{
    return json_parse_object(in->device->home->json, in->payload, members, count) == ST_OK;
}

/* --- answers --------------------------------------------------------------------------------- */

/* The answers of devices' own topics, and how those of sub-devices are called. */
static enum device_topic sub_answer_topic(enum device_topic own)
{
    switch (own) {
    case DEVICE_TOPIC_ATTRIBUTES_RESPONSE:
        return DEVICE_TOPIC_SUB_ATTRIBUTES_RESPONSE;
    case DEVICE_TOPIC_EVENT_RESPONSE:
        return DEVICE_TOPIC_SUB_EVENT_RESPONSE;
    default:
        return DEVICE_TOPIC_SUB_ATTRIBUTES_GET_RESPONSE;
    }
}

static void begin_answer(const struct device_input *in, enum device_topic topic, const char *error,
                         const char *no_error, struct buffer *out)
{
    if (in->sub != NULL && in->sub->path != NULL)
        sub_link_begin((enum sub_dialect)in->sub->dialect, sub_answer_topic(topic), in->sub->path,
                       out);
    else
        buffer_append_u8(out, '{');
    buffer_printf(out, "\"error_code\": %d, \"error_msg\": ", error == NULL ? 0 : -1);
    json_append_string(out, slice_of(error == NULL ? no_error : error));
}

/* A device that has not subscribed does not want it. */
static void send_answer(const struct device_input *in, enum device_topic topic, struct buffer *b)
{
    struct device_downlink m = {.topic = topic, .payload = buffer_slice(b)};

    if (in->sub != NULL)
        sub_link_answer(in->sub->root, (enum sub_dialect)in->sub->dialect, sub_answer_topic(topic),
                        m.payload);
    else
        (void)device_link_deliver(in->device, &m);
    buffer_deinit(b);
}

void device_report_answer(const struct device_input *in, enum device_topic topic, const char *error)
{
    const struct device_type *t = device_type_of(in->sub == NULL ? in->device : in->sub->root);
    struct buffer payload = {0};

    if (t == NULL || !t->cloud_response)
        return;
    begin_answer(in, topic, error, "OK", &payload);
    buffer_printf(&payload, ", \"ts\": %lld}", (long long)in->device->home->worker->unix_ms);
    send_answer(in, topic, &payload);
}

/* --- checked messages ------------------------------------------------------------------------ */

static struct service_verdict refuse_checked(const struct device_check *c)
{
    return (struct service_verdict){.reason = REASON_IMPLEMENTATION_ERROR, .why = slice_of(c->why)};
}

/* Hands on what the check has let through. */
static struct service_verdict publish_checked(const struct device_input *in, enum open_kind kind,
                                              const struct device_check *c)
{
    struct device_publication p = {
        .kind = kind, .stream = in->stream, .payload = c->payload, .source = OPEN_SOURCE_REPORT};

    return c->has_nothing ? refuse_checked(c)
                          : accepted(device_publish(in->device, &p, in->receipt));
}

/* Keeps what was reported as of an earlier time, unless there is something newer. Only what is kept
 * is news to the alarms. */
static void store_late(const struct device_input *in, const struct device_check *c)
{
    struct buffer *stored = &sub_desk_of(in->device->home)->stored;

    stored->len = 0;
    device_store_late(in->device, c->members, c->count, in->ts_ms, stored);
}

static void alarm(const struct device_input *in, const struct device_check *c)
{
    const struct buffer *stored;

    if (in->ts_ms == 0) {
        device_alarm_report(in->device, c->members, c->count);
        return;
    }
    stored = &sub_desk_of(in->device->home)->stored;
    if (stored->len > 0)
        device_alarm_report(in->device, (const struct json_member *)(const void *)stored->data,
                            stored->len / sizeof(struct json_member));
}

struct service_verdict device_report_attributes(const struct device_input *in)
{
    struct device *d = in->device;
    const struct json_member *members;
    struct service_verdict verdict;
    struct device_check check;
    size_t count;

    if (!parse(in, &members, &count))
        return device_report_no_json(in);
    device_check_attributes(in, members, count, &check);
    if (in->ts_ms == 0)
        device_store_values(d, check.members, check.count, d->home->worker->unix_ms);
    else
        store_late(in, &check);
    if (in->sub == NULL) /* else one answer for all that the message reports */
        device_report_answer(in, DEVICE_TOPIC_ATTRIBUTES_RESPONSE,
                             check.has_nothing ? check.why : NULL);
    verdict = publish_checked(in, OPEN_KIND_ATTRIBUTES, &check);
    alarm(in, &check);
    device_check_deinit(&check);
    return verdict;
}

struct service_verdict device_report_event(const struct device_input *in)
{
    const struct json_member *members;
    struct service_verdict verdict;
    struct device_check check;
    struct command_form form;
    const char *why;
    size_t count;

    if (!parse(in, &members, &count))
        return device_report_no_json(in);
    if (command_form_check(COMMAND_FORM_EVENT, members, count, &form, &why) != ST_OK) {
        device_report_answer(in, DEVICE_TOPIC_EVENT_RESPONSE, why);
        return device_report_form(in, why);
    }
    device_check_event(in, &form, &check);
    device_report_answer(in, DEVICE_TOPIC_EVENT_RESPONSE, check.has_nothing ? check.why : NULL);
    verdict = publish_checked(in, OPEN_KIND_EVENT_REPORT, &check);
    device_check_deinit(&check);
    return verdict;
}

struct service_verdict device_report_data(const struct device_input *in)
{
    struct device_check check;

    device_check_data(in, &check); /* it writes nothing anew */
    return publish_checked(in, OPEN_KIND_DATA, &check);
}

/* --- replies --------------------------------------------------------------------------------- */

static size_t write_reply_properties(const struct command *c, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);

    if (c->has_response_topic)
        property_write_text(&w, PROPERTY_RESPONSE_TOPIC, c->response_topic);
    if (c->has_correlation_data)
        property_write_text(&w, PROPERTY_CORRELATION_DATA, c->correlation_data);
    return w.status == ST_OK ? writer_len(&w) : 0;
}

static struct service_verdict publish_reply(const struct device_input *in, struct slice payload,
                                            const struct command *c)
{
    struct device_publication p = {
        .kind = OPEN_KIND_COMMAND_REPLY, .payload = payload, .source = OPEN_SOURCE_REPORT};
    struct buffer properties = {0};
    size_t room = c->response_topic.len + c->correlation_data.len + 6;
    bool is_later;

    buffer_reserve(&properties, room);
    p.properties = slice_make(properties.data, write_reply_properties(c, properties.data, room));
    is_later = device_publish(in->device, &p, in->receipt);
    buffer_deinit(&properties);
    return accepted(is_later);
}

struct service_verdict device_report_reply(const struct device_input *in)
{
    const struct json_member *members;
    struct service_verdict verdict;
    struct device_check check;
    struct command_form form;
    struct command *c;
    const char *why;
    size_t count;

    if (!parse(in, &members, &count))
        return device_report_no_json(in);
    if (command_form_check(COMMAND_FORM_REPLY, members, count, &form, &why) != ST_OK)
        return device_report_form(in, why);
    c = device_command_take(in->device, form.id, command_form_method(&form));
    if (c == NULL) {
        why = device_command_unmatched(in->device, form.id, command_form_method(&form));
        device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_RECORDED, why);
        return accepted(false);
    }
    device_check_reply(in, &form, &check);
    verdict = check.has_nothing ? refuse_checked(&check) : publish_reply(in, check.payload, c);
    device_command_replied(in->device, &c, check.why);
    device_check_deinit(&check);
    return verdict;
}

/* --- attributes_get -------------------------------------------------------------------------- */

enum { GET_KEYS_MAX = CLOUD_VALUES_MAX };

/* What is private is the cloud's. */
static bool is_for_device(struct slice name, const void *arg)
{
    const struct device_type *t = arg;
    const struct type_attribute *a = t == NULL ? NULL : device_type_find_attribute(t, name);

    return a == NULL || a->direction != ATTRIBUTE_PRIVATE;
}

static void append_values(const struct device *d, const struct json_member *keys, size_t count,
                          struct buffer *out)
{
    struct slice *names;
    size_t room = 0;
    char *text;

    if (count == 0) {
        cloud_values_append_object(&d->values, NULL, 0, is_for_device, device_type_of(d), out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        room += keys[i].value.len;
    names = mem_alloc(MEM_DEVICE, count * sizeof(*names));
    text = mem_alloc(MEM_DEVICE, room);
    room = 0;
    for (size_t i = 0; i < count; i++) {
        size_t max = keys[i].value.len - 1; /* without quotes, with a zero */

        invariant(json_text(&keys[i], text + room, max, &names[i].len) == ST_OK);
        names[i].data = (const uint8_t *)text + room;
        room += names[i].len;
    }
    cloud_values_append_object(&d->values, names, count, is_for_device, device_type_of(d), out);
    mem_free(text);
    mem_free(names);
}

static bool are_keys(const struct json_member *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].type != JSON_TYPE_STRING)
            return false;
    }
    return count <= GET_KEYS_MAX;
}

/* The answer to a request. Those of a device's own and those of sub-devices have their members in
 * another order. */
static void respond(const struct device_input *in, const char *error,
                    const struct json_member *keys, size_t count)
{
    struct buffer payload = {0};
    char ts[48];

    (void)snprintf(ts, sizeof(ts), ", \"ts\": %lld", (long long)in->device->home->worker->unix_ms);
    begin_answer(in, DEVICE_TOPIC_ATTRIBUTES_GET_RESPONSE, error, "", &payload);
    if (in->sub != NULL)
        buffer_append_text(&payload, ts);
    buffer_append_text(&payload, ", \"attributes\": ");
    if (error == NULL)
        append_values(in->device, keys, count, &payload);
    else
        buffer_append_text(&payload, "{}");
    if (in->sub == NULL)
        buffer_append_text(&payload, ts);
    buffer_append_u8(&payload, '}');
    send_answer(in, DEVICE_TOPIC_ATTRIBUTES_GET_RESPONSE, &payload);
}

void device_report_respond_error(const struct device_input *in, const char *error)
{
    respond(in, error, NULL, 0);
}

struct service_verdict device_report_get(const struct device_input *in)
{
    struct device *d = in->device;
    const struct json_member *members, *wanted;
    struct buffer list = {0};
    size_t count;

    if (!parse(in, &members, &count))
        return device_report_no_json(in);
    wanted = json_find(members, count, "keys");
    if (wanted == NULL) {
        respond(in, NULL, NULL, 0);
        return accepted(false);
    }
    /* the list is parsed on its own; it ends inside the payload, so what follows it is readable */
    buffer_append_slice(&list, wanted->value);
    buffer_reserve(&list, JSON_PADDING);
    if (wanted->type != JSON_TYPE_ARRAY ||
        json_parse_array(d->home->json, buffer_slice(&list), &members, &count) != ST_OK ||
        !are_keys(members, count)) {
        respond(in, "keys must be a list of attribute names", NULL, 0);
        device_record(d, MESSAGE_UP, in->topic, MESSAGE_REFUSED,
                      "keys must be a list of attribute names");
    } else {
        respond(in, NULL, members, count);
    }
    buffer_deinit(&list);
    return accepted(false);
}

/* --- too many -------------------------------------------------------------------------------- */

struct service_verdict device_report_too_fast(const struct device_input *in)
{
    static const char why[] = "Device message frequency too fast, please wait for a moment";

    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_DROPPED,
                  "more messages a second than the type allows");
    if (in->kind == DEVICE_TOPIC_ATTRIBUTES)
        device_report_answer(in, DEVICE_TOPIC_ATTRIBUTES_RESPONSE, why);
    else if (in->kind == DEVICE_TOPIC_EVENT_REPORT)
        device_report_answer(in, DEVICE_TOPIC_EVENT_RESPONSE, why);
    else if (in->kind == DEVICE_TOPIC_ATTRIBUTES_GET)
        respond(in, why, NULL, 0);
    else if (sub_topic_is(in->kind))
        sub_report_answer_error(in, why);
    return (struct service_verdict){.reason = REASON_QUOTA_EXCEEDED, .why = slice_of(why)};
}
