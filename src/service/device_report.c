/*
 * What devices publish: checked, kept, made into open messages, answered where the type wants it.
 * Every payload but custom data must be a JSON object; otherwise it is acknowledged, recorded, and
 * the device disconnected, so that it does not come back with the same message for ever. What the
 * type does not let through is left out. Source: open-api.md 3.2, 4, 5
 */
#include "base/invariant.h"
#include "mqtt/property.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/json_fault.h"
#include "service/device_check.h"

static struct service_verdict accepted(bool is_later)
{
    return (struct service_verdict){.is_later = is_later, .reason = REASON_SUCCESS};
}

static const char no_object[] = "the payload is not a JSON object";

static struct service_verdict refuse_json(const struct device_input *in)
{
    char text[JSON_FAULT_LEN_MAX];
    unsigned line, column;

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

/* `{"error_code": 0, "error_msg": "OK", "ts": ms}`, when the type wants answers. */
static void answer(struct device *d, enum device_topic topic, const char *error)
{
    const struct device_type *t = device_type_of(d);
    struct device_downlink m = {.topic = topic};
    struct buffer payload = {0};

    if (t == NULL || !t->cloud_response)
        return;
    buffer_printf(&payload, "{\"error_code\": %d, \"error_msg\": ", error == NULL ? 0 : -1);
    json_append_string(&payload, slice_of(error == NULL ? "OK" : error));
    buffer_printf(&payload, ", \"ts\": %lld}", (long long)d->home->worker->unix_ms);
    m.payload = buffer_slice(&payload);
    (void)device_link_deliver(d, &m); /* a device that has not subscribed does not want it */
    buffer_deinit(&payload);
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

struct service_verdict device_report_attributes(const struct device_input *in)
{
    struct device *d = in->device;
    const struct json_member *members;
    struct service_verdict verdict;
    struct device_check check;
    size_t count;

    if (!parse(in, &members, &count))
        return refuse_json(in);
    device_check_attributes(in, members, count, &check);
    device_store_values(d, check.members, check.count, d->home->worker->unix_ms);
    answer(d, DEVICE_TOPIC_ATTRIBUTES_RESPONSE, check.has_nothing ? check.why : NULL);
    verdict = publish_checked(in, OPEN_KIND_ATTRIBUTES, &check);
    device_alarm_report(d, check.members, check.count);
    device_check_deinit(&check);
    return verdict;
}

/* A payload that is an object, but not of the form that its topic asks for: recorded, not handed
 * on; the device stays. */
static struct service_verdict record_form(const struct device_input *in, const char *why)
{
    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_REFUSED, why);
    return (struct service_verdict){.reason = REASON_PAYLOAD_FORMAT_INVALID, .why = slice_of(why)};
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
        return refuse_json(in);
    if (command_form_check(COMMAND_FORM_EVENT, members, count, &form, &why) != ST_OK) {
        answer(in->device, DEVICE_TOPIC_EVENT_RESPONSE, why);
        return record_form(in, why);
    }
    device_check_event(in, &form, &check);
    answer(in->device, DEVICE_TOPIC_EVENT_RESPONSE, check.has_nothing ? check.why : NULL);
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
        return refuse_json(in);
    if (command_form_check(COMMAND_FORM_REPLY, members, count, &form, &why) != ST_OK)
        return record_form(in, why);
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

static void respond(struct device *d, const char *error, const struct json_member *keys,
                    size_t count)
{
    struct device_downlink m = {.topic = DEVICE_TOPIC_ATTRIBUTES_GET_RESPONSE};
    struct buffer payload = {0};

    buffer_printf(&payload, "{\"error_code\": %d, \"error_msg\": ", error == NULL ? 0 : -1);
    json_append_string(&payload, slice_of(error == NULL ? "" : error));
    buffer_append_text(&payload, ", \"attributes\": ");
    if (error == NULL)
        append_values(d, keys, count, &payload);
    else
        buffer_append_text(&payload, "{}");
    buffer_printf(&payload, ", \"ts\": %lld}", (long long)d->home->worker->unix_ms);
    m.payload = buffer_slice(&payload);
    (void)device_link_deliver(d, &m); /* a device that has not subscribed does not want it */
    buffer_deinit(&payload);
}

struct service_verdict device_report_get(const struct device_input *in)
{
    struct device *d = in->device;
    const struct json_member *members, *wanted;
    struct buffer list = {0};
    size_t count;

    if (!parse(in, &members, &count))
        return refuse_json(in);
    wanted = json_find(members, count, "keys");
    if (wanted == NULL) {
        respond(d, NULL, NULL, 0);
        return accepted(false);
    }
    /* the list is parsed on its own; it ends inside the payload, so what follows it is readable */
    buffer_append_slice(&list, wanted->value);
    buffer_reserve(&list, JSON_PADDING);
    if (wanted->type != JSON_TYPE_ARRAY ||
        json_parse_array(d->home->json, buffer_slice(&list), &members, &count) != ST_OK ||
        !are_keys(members, count)) {
        respond(d, "keys must be a list of attribute names", NULL, 0);
        device_record(d, MESSAGE_UP, in->topic, MESSAGE_REFUSED,
                      "keys must be a list of attribute names");
    } else {
        respond(d, NULL, members, count);
    }
    buffer_deinit(&list);
    return accepted(false);
}

/* --- too many -------------------------------------------------------------------------------- */

struct service_verdict device_report_too_fast(enum device_topic topic,
                                              const struct device_input *in)
{
    static const char why[] = "Device message frequency too fast, please wait for a moment";

    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_DROPPED,
                  "more messages a second than the type allows");
    if (topic == DEVICE_TOPIC_ATTRIBUTES)
        answer(in->device, DEVICE_TOPIC_ATTRIBUTES_RESPONSE, why);
    else if (topic == DEVICE_TOPIC_EVENT_REPORT)
        answer(in->device, DEVICE_TOPIC_EVENT_RESPONSE, why);
    else if (topic == DEVICE_TOPIC_ATTRIBUTES_GET)
        respond(in->device, why, NULL, 0);
    return (struct service_verdict){.reason = REASON_QUOTA_EXCEEDED, .why = slice_of(why)};
}
