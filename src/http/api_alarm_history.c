/*
 * The history of alarms, read from disk: what has just happened is there within a second.
 *
 * A secret that is for some devices sees the changes of those; of a device that is gone, only if
 * the secret names it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "http/api.h"
#include "http/api_alarm_query.h"
#include "http/http_credential.h"
#include "platform/alarm_history.h"
#include "store/alarm_store.h"

/* False: answered. */
static bool take_time(struct http_call *call, const char *name, int64_t *out)
{
    uint64_t ms = 0;

    if (!http_call_query_number(call, name, 0, INT64_MAX, &ms))
        return call->answer->status == 0;
    *out = (int64_t)ms;
    return true;
}

/* A place is written `1700000000000-42`. False: answered. */
static bool take_place(struct http_call *call, struct alarm_place *place)
{
    char text[ROUTE_PARAMETER_MAX + 1], *dash, *end;

    if (!http_call_query(call, "cursor", text))
        return call->answer->status == 0;
    place->ts_ms = strtoll(text, &dash, 10);
    place->number = *dash == '-' ? strtoull(dash + 1, &end, 10) : 0;
    if (place->number != 0 && *end == '\0')
        return true;
    http_fail_field(call, PROBLEM_invalid, "cursor", "cursor must be `next` of the page before");
    return false;
}

/* False: answered. */
static bool take_query(struct http_call *call, struct alarm_query *q)
{
    q->project_id = call->project.project_id;
    return http_call_query_limit(call, &q->limit) &&
           http_call_query_ident(call, "device", IDENT_DEVICE, &q->device_id) &&
           http_call_query_ident(call, "rule", IDENT_RULE, &q->rule_id) &&
           api_alarm_query_level(call, &q->levels) && take_time(call, "from", &q->from_ms) &&
           take_time(call, "to", &q->to_ms) && take_place(call, &q->below);
}

struct listing {
    struct http_call *call;
    struct buffer out; /* owned */
    uint64_t device_id;
    bool is_allowed; /* that one */
};

/* Several changes of one device come behind each other. */
static bool may_see(struct listing *l, uint64_t device_id)
{
    struct registry_device d = {0};

    if (l->call->caller.secret == NULL || !l->call->caller.secret->is_limited)
        return true;
    if (device_id != l->device_id) {
        if (registry_device_find(l->call->registry, device_id, &d) != ST_OK)
            d.type_id = 0;
        l->device_id = device_id;
        l->is_allowed = http_credential_allows_device(l->call, device_id, d.type_id);
        secret_wipe(&d, sizeof(d));
    }
    return l->is_allowed;
}

static void on_record(const struct alarm_record *r, void *arg)
{
    struct listing *l = arg;
    size_t before = l->out.len;

    if (!may_see(l, r->device_id))
        return;
    buffer_append_text(&l->out, l->out.data[before - 1] == '[' ? "{" : ",{");
    if (alarm_history_append_members(r, &l->out) == ST_OK)
        buffer_append_u8(&l->out, '}');
    else
        l->out.len = before; /* damaged: left out */
}

void api_alarm_history_list(struct http_call *call)
{
    struct alarm_query q = {0};
    struct alarm_place next;
    struct listing l = {.call = call};
    enum status st;

    if (!take_query(call, &q))
        return;
    buffer_append_text(&l.out, "{\"items\":[");
    st = alarm_store_read(call->site->settings.alarms, &q, on_record, &l, &next);
    if (st == ST_OK && next.number != 0)
        buffer_printf(&l.out, "],\"next\":\"%" PRId64 "-%" PRIu64 "\"}", next.ts_ms, next.number);
    else if (st == ST_OK)
        buffer_append_text(&l.out, "],\"next\":null}");
    if (http_succeeded(call, st, "the history of alarms"))
        http_answer_text(call, &l.out);
    buffer_deinit(&l.out);
}
