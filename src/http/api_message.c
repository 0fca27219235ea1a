/*
 * What the journal has of a project: its messages by device, kind and time.
 *
 * A secret that is for some devices sees the messages of those. A cursor is the number of the last
 * message that was looked at.
 */
#include "http/api.h"
#include "http/http_credential.h"
#include "platform/message_log.h"
#include "platform/message_query.h"

enum { JSON_MAX = 1024 * 1024 /* bytes of a payload that is looked at for being JSON */ };

struct listing {
    struct http_call *call;
    struct json_parser *json; /* owned */
    struct buffer out;        /* owned */
};

/* False: answered. */
static bool take_kind(struct http_call *call, uint16_t *kinds)
{
    char word[ROUTE_PARAMETER_MAX + 1];
    unsigned kind;

    if (!http_call_query(call, "kind", word))
        return call->answer->status == 0;
    for (kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if (open_kinds[kind].has_device && slice_is(slice_of(open_kinds[kind].word), word))
            break;
    }
    if (kind == OPEN_KIND_COUNT) {
        http_fail_field(call, PROBLEM_invalid, "kind", "there is no such kind of message");
        return false;
    }
    *kinds = (uint16_t)(1u << kind);
    return true;
}

/* False: answered. */
static bool take_order(struct http_call *call, bool *oldest_first)
{
    char word[ROUTE_PARAMETER_MAX + 1];

    if (!http_call_query(call, "order", word))
        return call->answer->status == 0;
    *oldest_first = slice_is(slice_of(word), "oldest");
    if (*oldest_first || slice_is(slice_of(word), "newest"))
        return true;
    http_fail_field(call, PROBLEM_invalid, "order", "must be newest or oldest");
    return false;
}

/* False: answered. */
static bool take_number(struct http_call *call, const char *name, uint64_t *out)
{
    return http_call_query_number(call, name, 0, INT64_MAX, out) || call->answer->status == 0;
}

/* False: answered. */
static bool take_query(struct http_call *call, char stream[ROUTE_PARAMETER_MAX + 1],
                       struct message_query *q)
{
    uint64_t from_ms = 0, to_ms = 0;

    q->project_id = call->project.project_id;
    if (!http_call_query_limit(call, &q->limit) ||
        !http_call_query_ident(call, "device", IDENT_DEVICE, &q->device_id) ||
        !take_kind(call, &q->kinds) || !take_number(call, "from", &from_ms) ||
        !take_number(call, "to", &to_ms) || !take_order(call, &q->oldest_first) ||
        !take_number(call, "cursor", &q->place))
        return false;
    q->from_ms = (int64_t)from_ms;
    q->to_ms = (int64_t)to_ms;
    if (http_call_query(call, "stream", stream))
        q->stream = slice_of(stream);
    return call->answer->status == 0;
}

static bool on_message(uint64_t seq, int64_t committed_ms, const struct open_record_head *m,
                       void *arg)
{
    struct listing *l = arg;
    char device[IDENT_TEXT_LEN + 1];

    if (!http_credential_allows_device(l->call, m->device_id, m->type_id))
        return false;
    ident_format(IDENT_DEVICE, m->device_id, device);
    buffer_append_text(&l->out, l->out.data[l->out.len - 1] == '[' ? "" : ",");
    buffer_printf(&l->out,
                  "{\"seq\": %llu, \"ts\": %lld, \"stored_ms\": %lld, \"device\": \"%s\", "
                  "\"kind\": \"%s\", \"stream\": ",
                  (unsigned long long)seq, (long long)m->accepted_ms, (long long)committed_ms,
                  device, open_kinds[m->kind].word);
    if (m->stream.len > 0)
        json_append_string(&l->out, m->stream);
    else
        buffer_append_text(&l->out, "null");
    message_log_append_payload(m->payload, l->json, &l->out);
    buffer_append_u8(&l->out, '}');
    return true;
}

void api_message_list(struct http_call *call)
{
    char stream[ROUTE_PARAMETER_MAX + 1];
    struct message_query q = {0};
    struct listing l = {.call = call};
    uint64_t next;

    if (!take_query(call, stream, &q))
        return;
    l.json = json_parser_new(JSON_MAX);
    buffer_append_text(&l.out, "{\"items\":[");
    next = message_query_read(call->site->settings.journal, &q, on_message, &l);
    if (next != 0)
        buffer_printf(&l.out, "],\"next\":\"%llu\"}", (unsigned long long)next);
    else
        buffer_append_text(&l.out, "],\"next\":null}");
    http_answer_text(call, &l.out);
    buffer_deinit(&l.out);
    json_parser_free(&l.json);
}
