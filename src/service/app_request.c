/* Requests are read from JSON or from user properties into one struct, checked against the
 * session's subscriptions, and handed to replay or snapshot. */
#include "service/app_request.h"

#include "base/moment.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"
#include "platform/json_fault.h"
#include "service/app_notice.h"
#include "service/app_replay.h"
#include "service/app_snapshot.h"

enum { FROM_TEXT_MAX = 64, OP_TEXT_MAX = 32 };

static const struct op {
    const char *word;
    bool has_from;
    enum status (*begin)(struct app_session *a, const struct app_request *r);
} ops[] = {
    {"snapshot", false, app_snapshot_begin},
    {"replay", true, app_replay_add},
};

static const struct op *op_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (slice_is(word, ops[i].word))
            return &ops[i];
    }
    return NULL;
}

/* --- where to begin -------------------------------------------------------------------------- */

static bool read_seq(struct slice text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 18)
            return false;
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.len > 0;
}

static bool read_from(struct slice text, int64_t now_ms, struct app_from *out)
{
    int64_t ago_ms;

    *out = (struct app_from){.is_given = true};
    if (read_seq(text, &out->seq))
        return true;
    out->is_time = true;
    if (moment_parse_date(text, &out->unix_ms) == ST_OK)
        return true;
    if (moment_parse_ago(text, &ago_ms) != ST_OK)
        return false;
    out->unix_ms = now_ms - ago_ms;
    return true;
}

/* A string of one of the three forms, or a number. */
static bool read_from_member(const struct json_member *m, int64_t now_ms, struct app_from *out)
{
    char text[FROM_TEXT_MAX + 1];
    size_t len;

    if (json_text(m, text, FROM_TEXT_MAX, &len) == ST_OK)
        return read_from(slice_make(text, len), now_ms, out);
    return read_from(m->value, now_ms, out) && !out->is_time;
}

/* --- which subscription ---------------------------------------------------------------------- */

static bool lies_within(const struct open_filter *f, const struct open_filter *in)
{
    if ((f->kinds & ~in->kinds) != 0 || (in->device_id != 0 && in->device_id != f->device_id))
        return false;
    return (f->kinds & 1u << OPEN_KIND_DATA) == 0 || in->stream == OPEN_STREAM_ANY ||
           (f->stream == OPEN_STREAM_ONE && strcmp(f->stream_name, in->stream_name) == 0);
}

/* The one with the highest QoS; NULL: the filter lies in none. */
static const struct app_subscription *find_around(const struct app_session *a,
                                                  const struct open_filter *f)
{
    const struct app_subscription *best = NULL;

    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (!sub->is_shared && lies_within(f, &sub->indexed.filter) &&
            (best == NULL || sub->qos > best->qos))
            best = sub;
    }
    return best;
}

/* Completes a request; NULL, or why it cannot be carried out. */
static const char *prepare(struct app_session *a, struct app_request *r)
{
    const struct app_subscription *sub;
    struct topic_filter parts;
    const char *why = "the filter is malformed";

    if (topic_parse_filter(r->filter, &parts) != ST_OK || parts.share_group.len > 0 ||
        open_filter_compile(r->filter, a->project->project_id, false, &r->compiled, &why) != ST_OK)
        return why;
    sub = find_around(a, &r->compiled);
    if (sub == NULL)
        return "the filter does not lie within a subscription of this session";
    r->qos = sub->qos;
    r->identifier = sub->identifier;
    r->from_seq = sub->from_seq;
    return NULL;
}

static void carry_out(struct app_session *a, const struct op *op, struct app_request *r)
{
    const char *why = prepare(a, r);

    if (why == NULL && op->begin(a, r) != ST_OK)
        why = "too many such requests are under way";
    if (why != NULL)
        app_notice_refused(a, slice_of(op->word), r->filter, why);
}

/* --- by a publish ---------------------------------------------------------------------------- */

static struct service_verdict malformed(const char *why)
{
    return (struct service_verdict){.reason = REASON_PAYLOAD_FORMAT_INVALID, .why = slice_of(why)};
}

/* Texts of a request. */
struct request_text {
    char op[OP_TEXT_MAX + 1];
    char *filter; /* room for filter_max */
    size_t op_len, filter_len;
};

static const char *read_members(const struct app_session *a, const struct json_member *members,
                                size_t count, struct request_text *text, struct app_request *r)
{
    const struct json_member *op = json_find(members, count, "op");
    const struct json_member *filter = json_find(members, count, "filter");
    const struct json_member *from = json_find(members, count, "from");
    const struct op *known;

    if (op == NULL || json_text(op, text->op, OP_TEXT_MAX, &text->op_len) != ST_OK ||
        (known = op_of(slice_make(text->op, text->op_len))) == NULL)
        return "\"op\" must be \"snapshot\" or \"replay\"";
    if (filter == NULL ||
        json_text(filter, text->filter, a->site->settings->filter_max, &text->filter_len) != ST_OK)
        return "\"filter\" must be a string: a topic filter";
    if (known->has_from &&
        (from == NULL || !read_from_member(from, a->session->worker->unix_ms, &r->from)))
        return "\"from\" must be a time of RFC 3339, a time ago like \"-15m\", or a seq";
    return NULL;
}

struct service_verdict app_request_publish(struct app_session *a, const struct packet_publish *p)
{
    struct home *h = home_of(a->session->worker);
    const struct json_member *members;
    struct request_text text = {0};
    struct app_request r = {0};
    unsigned line, column;
    const char *why;
    size_t count;

    if (json_parse_object(h->json, p->payload, &members, &count) != ST_OK) {
        json_fault_describe(p->payload, a->site->why, sizeof(a->site->why), &line, &column);
        return malformed(a->site->why);
    }
    text.filter = mem_alloc(MEM_BASE, a->site->settings->filter_max + 1);
    why = read_members(a, members, count, &text, &r);
    if (why == NULL) {
        r.filter = slice_make(text.filter, text.filter_len);
        carry_out(a, op_of(slice_make(text.op, text.op_len)), &r);
    }
    mem_free(text.filter);
    return why == NULL ? (struct service_verdict){.reason = REASON_SUCCESS} : malformed(why);
}

/* --- by a subscription ----------------------------------------------------------------------- */

void app_request_read(struct app_subscription *sub, const struct property_set *properties)
{
    int64_t now_ms = sub->session->session->worker->unix_ms;
    struct reader raw = reader_of(properties->raw);
    struct slice key, value;

    sub->wants_snapshot = sub->has_bad_from = false;
    sub->from = (struct app_from){0};
    while (property_next_user(&raw, &key, &value)) {
        if (slice_is(key, "snapshot"))
            sub->wants_snapshot = slice_is(value, "1");
        else if (slice_is(key, "from"))
            sub->has_bad_from = !read_from(value, now_ms, &sub->from);
    }
}

void app_request_subscribed(struct app_subscription *sub)
{
    struct app_session *a = sub->session;
    struct app_request r = {.filter = slice_of(sub->filter), .from = sub->from};
    bool wants_snapshot = sub->wants_snapshot;

    sub->wants_snapshot = false;
    sub->from.is_given = false;
    if (sub->has_bad_from)
        app_notice_refused(a, slice_of("replay"), r.filter,
                           "\"from\" must be a time of RFC 3339, a time ago like -15m, or a seq");
    else if (r.from.is_given)
        carry_out(a, op_of(slice_of("replay")), &r);
    sub->has_bad_from = false;
    if (wants_snapshot)
        carry_out(a, op_of(slice_of("snapshot")), &r);
}
