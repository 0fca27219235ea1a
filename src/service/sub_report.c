/*
 * What a connected device says for the devices below it. The form around is read here; what is
 * inside is handled like a report that the sub-device had sent itself (device_report.c), with
 * answers that go by the way by which it came. Source: device-protocol.md
 */
#include <stdio.h>

#include "platform/device_log.h"
#include "service/device_report.h"
#include "service/sub_desk.h"
#include "service/sub_hold.h"
#include "service/sub_link.h"

static struct service_verdict accepted(void)
{
    return (struct service_verdict){.reason = REASON_SUCCESS};
}

static struct service_verdict refuse(const char *why, enum reason reason)
{
    return (struct service_verdict){.reason = reason, .why = slice_of(why)};
}

static enum sub_dialect dialect_of(const struct device_input *in)
{
    return sub_topic_dialect(in->kind);
}

/* The input of a sub-device, as if it had sent `payload` itself. */
static struct device_input inner_input(const struct device_input *in, struct device *d,
                                       const struct sub_route *route, struct slice payload)
{
    return (struct device_input){.device = d,
                                 .kind = in->kind,
                                 .qos = in->qos,
                                 .topic = in->topic,
                                 .payload = payload,
                                 .receipt = in->receipt,
                                 .sub = route};
}

static struct sub_route route_of(const struct device_input *in, const struct sub_path *path)
{
    return (struct sub_route){.root = in->device, .dialect = (uint8_t)dialect_of(in), .path = path};
}

/* SUCCESS: the sub-device may be spoken for; else `why` says why not. */
static enum reason obstacle(struct device *d, const struct device_input *in, const char **why)
{
    if (!d->enabled) {
        *why = "the sub-device is disabled";
        device_record(d, MESSAGE_UP, in->topic, MESSAGE_REFUSED, *why);
        return REASON_NOT_AUTHORIZED;
    }
    if (!device_admit(d)) {
        *why = "Device message frequency too fast, please wait for a moment";
        device_record(d, MESSAGE_UP, in->topic, MESSAGE_DROPPED, *why);
        return REASON_QUOTA_EXCEEDED;
    }
    return REASON_SUCCESS;
}

/* A message as the log of a sub-device has it. */
static struct logged_message logged(const struct device_input *in, struct slice payload)
{
    return (struct logged_message){
        .direction = MESSAGE_UP, .qos = in->qos, .topic = in->topic, .payload = payload};
}

/* Records a part of the message that does not count, on the device that it is about; what becomes
 * of the whole is noted on the gateway. */
static void record_on(struct device *d, const struct device_input *in, const char *why)
{
    struct logged_message m = logged(in, slice_make(NULL, 0));
    struct device_log_outer outer;

    if (d == in->device) {
        device_record(d, MESSAGE_UP, in->topic, MESSAGE_ACCEPTED, why);
        return;
    }
    device_log_begin_inner(d->home, &outer);
    device_record(d, MESSAGE_UP, in->topic, MESSAGE_REFUSED, why);
    device_log_end_inner(d, &m, &outer);
}

/* The whole of it was refused. */
static void note_refusal(const struct device_input *in, struct service_verdict v)
{
    char why[HOME_NOTE_MAX];

    if (v.reason < REASON_UNSPECIFIED_ERROR)
        return;
    (void)snprintf(why, sizeof(why), "%.*s", (int)v.why.len, (const char *)v.why.data);
    device_log_note(in->device->home, MESSAGE_REFUSED, why);
}

/* --- one sub-device -------------------------------------------------------------------------- */

/* Online as long as its gateway is: one that was said on the way down does not come back alone. */
static struct service_verdict run_connect(const struct device_input *inner)
{
    if (inner->sub->root->is_online)
        device_came(inner->device);
    else
        device_record(inner->device, MESSAGE_UP, inner->topic, MESSAGE_RECORDED,
                      "its gateway is offline");
    return accepted();
}

static struct service_verdict run_disconnect(const struct device_input *inner)
{
    device_went(inner->device, slice_of("disconnected"));
    return accepted();
}

/* What may be said of one sub-device: in which member, and who handles it. */
static const struct form {
    const char *inner, *no_inner; /* NULL: `device` says it all */
    struct service_verdict (*run)(const struct device_input *inner);
    bool makes_devices;
} forms[SUB_TOPIC_COUNT] = {
#define FORM(name) [DEVICE_TOPIC_SUB_##name - DEVICE_TOPIC_SUB_CONNECT]
    FORM(CONNECT) = {NULL, NULL, run_connect, true},
    FORM(DISCONNECT) = {NULL, NULL, run_disconnect, false},
    FORM(EVENT_REPORT) = {"event", "\"event\" must be an object", device_report_event, false},
    FORM(COMMAND_REPLY) = {"command", "\"command\" must be an object", device_report_reply, false},
    FORM(ATTRIBUTES_GET) = {"get", "\"get\" must be an object", device_report_get, false},
#undef FORM
};

static const struct form *form_of(const struct device_input *in)
{
    return &forms[sub_topic_base(in->kind) - DEVICE_TOPIC_SUB_CONNECT];
}

/* NULL: the message has its form, and is the desk's. */
static const char *read_message(const struct device_input *in, struct sub_desk *desk,
                                struct slice value)
{
    const struct form *f = form_of(in);
    const char *why = sub_payload_read(dialect_of(in), desk->json, value, f->inner, &desk->message);

    if (why == NULL && f->inner != NULL &&
        (desk->message.inner.value.data == NULL || desk->message.inner.type != JSON_TYPE_OBJECT))
        why = f->no_inner;
    return why;
}

/* An answer that says no, where one is expected. */
static void answer(const struct device_input *in, const struct sub_path *path, const char *why)
{
    struct sub_route route = route_of(in, path);
    struct device_input inner = inner_input(in, in->device, &route, in->payload);
    enum device_topic topic = sub_topic_base(in->kind);

    if (topic == DEVICE_TOPIC_SUB_EVENT_REPORT)
        device_report_answer(&inner, DEVICE_TOPIC_EVENT_RESPONSE, why);
    else if (topic == DEVICE_TOPIC_SUB_ATTRIBUTES_GET)
        device_report_respond_error(&inner, why);
    else if (topic == DEVICE_TOPIC_SUB_ATTRIBUTES)
        device_report_answer(&inner, DEVICE_TOPIC_ATTRIBUTES_RESPONSE, why);
}

/* What becomes of an order for a sub-device, if not the sub-device. */
static const char *why_not_made(enum status st)
{
    switch (st) {
    case ST_FULL:
        return "the gateway has as many sub-devices, or levels of them, as it may";
    case ST_BUSY:
        return "too many sub-devices are being made: try again";
    case ST_INVALID:
        return "a step of \"device\" is a text of 1 to 128 bytes without control characters";
    case ST_NOT_FOUND:
        return "the gateway or the product was removed";
    default:
        return "the sub-device could not be made";
    }
}

static struct service_verdict refuse_not_made(const struct device_input *in, enum status st)
{
    const char *why = why_not_made(st);

    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_REFUSED, why);
    return refuse(why, st == ST_FULL || st == ST_BUSY ? REASON_QUOTA_EXCEEDED
                                                      : REASON_IMPLEMENTATION_ERROR);
}

static struct service_verdict refuse_unknown(const struct device_input *in, struct sub_desk *desk,
                                             struct device *nearest, unsigned depth)
{
    sub_path_tell_unknown(desk->message.path.steps[depth], desk->why);
    record_on(nearest, in, desk->why);
    answer(in, &desk->message.path, desk->why);
    note_refusal(in, refuse(desk->why, REASON_IMPLEMENTATION_ERROR));
    return refuse(desk->why, REASON_IMPLEMENTATION_ERROR);
}

/* The type of a product key or code, whose devices may be made; NULL: `why` says why there is none.
 */
static const struct device_type *find_product(const struct device_input *in,
                                              const struct json_member *product, const char **why)
{
    const struct device_type *t = NULL;
    char word[IDENT_MEMBER_MAX + 1];
    size_t len;

    if (json_text(product, word, IDENT_MEMBER_MAX, &len) == ST_OK)
        t = home_find_product(in->device->home, in->device->project->project->project_id,
                              slice_make(word, len));
    if (t == NULL)
        *why = "there is no such product";
    else if (!t->auto_create)
        *why = "devices of this product are not made by themselves";
    return t != NULL && t->auto_create ? t : NULL;
}

/* Has the unknown sub-device made; its message goes on when it is there. */
static struct service_verdict make(const struct device_input *in, struct sub_desk *desk,
                                   const struct device *nearest, unsigned depth)
{
    const char *why = NULL;
    const struct device_type *t = find_product(in, &desk->message.product, &why);
    struct service_verdict verdict;
    enum status st;

    if (t == NULL) {
        device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_REFUSED, why);
        return refuse(why, REASON_IMPLEMENTATION_ERROR);
    }
    st = sub_hold_make(in, &desk->message.path, nearest, depth, t->type_id, &verdict);
    return st == ST_OK ? verdict : refuse_not_made(in, st);
}

/* It is an entry in the log of each of the two. */
static struct service_verdict run(const struct device_input *in, struct sub_desk *desk,
                                  struct device *d)
{
    const struct form *f = form_of(in);
    struct sub_route route = route_of(in, &desk->message.path);
    struct device_input inner = inner_input(in, d, &route, desk->message.inner.value);
    struct logged_message m = logged(in, f->inner == NULL ? in->payload : inner.payload);
    struct device_log_outer outer;
    struct service_verdict verdict;
    const char *why = NULL;
    enum reason reason;

    device_log_begin_inner(d->home, &outer);
    reason = obstacle(d, in, &why);
    if (reason != REASON_SUCCESS)
        answer(in, route.path, why);
    verdict = reason == REASON_SUCCESS ? f->run(&inner) : refuse(why, reason);
    device_log_end_inner(d, &m, &outer);
    note_refusal(in, verdict);
    return verdict;
}

static struct service_verdict report_one(const struct device_input *in, struct sub_desk *desk,
                                         struct slice value)
{
    const char *why = read_message(in, desk, value);
    struct device *d, *nearest;
    unsigned depth;

    if (why != NULL)
        return device_report_form(in, why);
    d = sub_path_find(in->device, &desk->message.path, &nearest, &depth);
    if (d == NULL && in->made == NULL && form_of(in)->makes_devices &&
        desk->message.product.value.data != NULL)
        return make(in, desk, nearest, depth);
    if (in->made == NULL && sub_hold_is_open(in->device))
        return sub_hold_keep(in);
    if (d == NULL && in->made != NULL && *in->made != ST_OK)
        return refuse_not_made(in, *in->made);
    if (d == NULL)
        return refuse_unknown(in, desk, nearest, depth);
    d->sub->dialect = (uint8_t)dialect_of(in);
    return run(in, desk, d);
}

/* --- attributes of many ---------------------------------------------------------------------- */

static void keep_fault(struct sub_desk *desk, struct slice why)
{
    if (desk->why[0] == '\0' && why.len > 0)
        (void)snprintf(desk->why, sizeof(desk->why), "%.*s", (int)why.len, (const char *)why.data);
}

static void on_fault(struct device *d, const char *why, void *arg)
{
    const struct device_input *in = arg;

    record_on(d, in, why);
    keep_fault(sub_desk_of(d->home), slice_of(why));
}

/* Nothing is true before it happened: what the gateway's clock has ahead is taken as of now. */
static int64_t late_ts(const struct device *d, int64_t ts_ms)
{
    return ts_ms < d->home->worker->unix_ms ? ts_ms : 0;
}

static void report_entry(const struct device_input *in, struct sub_desk *desk,
                         const struct sub_report_entry *e)
{
    struct sub_route route = route_of(in, NULL);
    struct device_input inner = inner_input(in, e->device, &route, e->attributes);
    struct logged_message m = logged(in, e->attributes);
    struct device_log_outer outer;
    const char *why = NULL;
    struct service_verdict verdict;

    inner.receipt = NULL; /* one for all */
    inner.ts_ms = late_ts(e->device, e->ts_ms);
    device_log_begin_inner(in->device->home, &outer);
    verdict.reason = obstacle(e->device, in, &why);
    if (verdict.reason == REASON_SUCCESS)
        verdict = device_report_attributes(&inner);
    else
        verdict.why = slice_of(why);
    device_log_end_inner(e->device, &m, &outer);
    if (verdict.reason < REASON_UNSPECIFIED_ERROR)
        desk->has_taken = true;
    else
        keep_fault(desk, verdict.why);
}

/* Something of the message counts, or nothing was wrong with it: it is accepted. The receipt comes
 * with the last record that the journal gets. */
static struct service_verdict report_attributes(const struct device_input *in,
                                                struct sub_desk *desk, struct slice value)
{
    struct home *h = in->device->home;
    const struct journal_request *before = h->journal_last;
    struct sub_report_entry e;
    struct service_verdict verdict = accepted();
    const char *why;

    desk->why[0] = '\0';
    desk->has_taken = false;
    desk->entries.len = 0;
    sub_payload_gather(dialect_of(in), in->device, desk->json, value, &desk->entries, on_fault,
                       (void *)in);
    for (size_t at = 0; at < desk->entries.len; at += sizeof(e)) {
        memcpy(&e, desk->entries.data + at, sizeof(e));
        report_entry(in, desk, &e);
    }
    why = desk->has_taken || desk->why[0] == '\0' ? NULL : desk->why;
    answer(in, NULL, why);
    if (why != NULL)
        verdict = refuse(why, REASON_IMPLEMENTATION_ERROR);
    note_refusal(in, verdict);
    verdict.is_later = in->receipt != NULL && router_receipt_with_newest(h, before, in->receipt);
    return verdict;
}

/* --- messages -------------------------------------------------------------------------------- */

static bool is_container(const struct device_input *in, struct slice value)
{
    return json_value_type(value) == JSON_TYPE_OBJECT ||
           (json_value_type(value) == JSON_TYPE_ARRAY && in->kind == DEVICE_TOPIC_SUB_ATTRIBUTES);
}

struct service_verdict sub_report(const struct device_input *in)
{
    struct sub_desk *desk = sub_desk_of(in->device->home);
    struct slice value;

    if (json_check(desk->json, in->payload, &value) != ST_OK || !is_container(in, value))
        return device_report_no_json(in);
    if (sub_topic_base(in->kind) != DEVICE_TOPIC_SUB_ATTRIBUTES)
        return report_one(in, desk, value);
    if (in->made == NULL && sub_hold_is_open(in->device))
        return sub_hold_keep(in);
    return report_attributes(in, desk, value);
}

void sub_report_answer_error(const struct device_input *in, const char *why)
{
    struct sub_desk *desk = sub_desk_of(in->device->home);
    struct slice value;

    if (sub_topic_base(in->kind) == DEVICE_TOPIC_SUB_ATTRIBUTES)
        answer(in, NULL, why);
    else if (json_check(desk->json, in->payload, &value) == ST_OK && is_container(in, value) &&
             read_message(in, desk, value) == NULL)
        answer(in, &desk->message.path, why);
}
