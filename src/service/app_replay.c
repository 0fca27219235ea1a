/*
 * A replay ends at the number that its session's feed had considered when it was asked for: the
 * feed waits meanwhile and goes on from there, so there is neither gap nor duplicate between the
 * two. If the subscription counts from a higher number only, the replay goes on to that one,
 * without what the feed will give for another subscription. What is replayed has no number as a
 * delivery, since it does not move the session's cursor: a replay that a lost connection cuts off
 * is asked for again.
 */
#include "service/app_replay.h"

#include "platform/open_record.h"
#include "service/app_convert.h"
#include "service/app_notice.h"
#include "service/counters.h"

enum {
    REPLAYS_MAX = 16, /* that wait in a session */
    REPLAY_READ_RECORDS = 256,
    REPLAY_READ_BYTES = 1024 * 1024
};

struct replay {
    struct list node; /* in app_session.replays */
    struct open_filter filter;
    char *text; /* owned: the filter as the client wrote it */
    uint8_t qos;
    uint32_t identifier;
    uint64_t from_seq;      /* of the subscription: the feed gives what is above */
    uint64_t position, end; /* numbers above position, up to end */
};

static void replay_free(struct app_session *a, struct replay *r)
{
    list_remove(&r->node);
    a->replay_count--;
    mem_free(r->text);
    mem_free(r);
}

void app_replay_drop(struct app_session *a)
{
    while (!list_is_empty(&a->replays))
        replay_free(a, list_entry(a->replays.next, struct replay, node));
}

/* The number below the first record that is meant. */
static uint64_t begin_of(struct journal *j, uint64_t project_id, const struct app_from *from)
{
    if (from->is_time)
        return journal_seq_before(j, project_id, from->unix_ms);
    return from->seq == 0 ? 0 : from->seq - 1;
}

static void set_end(const struct app_session *a, struct replay *r)
{
    r->end = a->position > r->from_seq ? a->position : r->from_seq;
}

enum status app_replay_add(struct app_session *a, const struct app_request *request)
{
    struct journal *j = home_of(a->session->worker)->shared->journal;
    struct replay *r;

    if (a->replay_count == REPLAYS_MAX)
        return ST_FULL;
    r = mem_new_of(MEM_SESSION, struct replay);
    r->filter = request->compiled;
    r->text = slice_to_string(request->filter);
    r->qos = request->qos;
    r->identifier = request->identifier;
    r->position = begin_of(j, a->project->project_id, &request->from);
    r->from_seq = request->from_seq;
    set_end(a, r);
    list_push_back(&a->replays, &r->node);
    a->replay_count++;
    counter_inc(app_replays);
    if (a->is_durable)
        app_feed_fall_behind(a);
    else
        app_convert_begin(a);
    return ST_OK;
}

void app_replay_begin(struct app_session *a)
{
    for (struct list *n = a->replays.next; n != &a->replays; n = n->next)
        set_end(a, list_entry(n, struct replay, node));
    if (!list_is_empty(&a->replays))
        app_feed_fall_behind(a);
}

struct reading {
    struct app_session *session;
    struct replay *replay;
    bool is_stopped; /* there is no room */
};

static bool give(struct app_session *a, const struct replay *replay, struct open_message *m,
                 uint64_t seq)
{
    struct delivery d = {.message = message_ref(&m->message),
                         .told_seq = open_kinds[m->kind].may_publish ? 0 : seq,
                         .subscription_id = replay->identifier,
                         .qos = replay->qos};

    if (open_kinds[m->kind].may_publish && m->message.qos < d.qos)
        d.qos = m->message.qos;
    if (session_deliver(a->session, &d) != SESSION_FULL)
        return true;
    delivery_deinit(&d);
    return false;
}

static bool on_record(const struct journal_record *record, void *arg)
{
    struct reading *x = arg;
    struct app_session *a = x->session;
    struct worker *w = a->session->worker;
    struct open_record_head head;
    struct open_message *m;

    if (record->seq > x->replay->end)
        return false;
    if (app_feed_is_long(a)) {
        x->is_stopped = true;
        return false;
    }
    if (open_record_peek(record->bytes, &head) == ST_OK &&
        app_may_receive(a, head.device_id, head.type_id) &&
        open_filter_matches(&x->replay->filter, head.device_id, head.kind, head.stream) &&
        !app_feed_will_give(a, &head, record->seq) &&
        open_record_read(record->bytes, a->project->project_id, w->now_ms, w->unix_ms, &m) ==
            ST_OK) {
        x->is_stopped = !give(a, x->replay, m, record->seq);
        open_message_unref(&m);
    }
    if (!x->is_stopped)
        x->replay->position = record->seq;
    return !x->is_stopped;
}

/* One piece of a replay; true when it is over. */
static bool read_piece(struct app_session *a, struct replay *r, bool *is_stopped)
{
    struct reading x = {a, r, false};
    uint64_t before = r->position, first;

    (void)journal_read(home_of(a->session->worker)->shared->journal, a->project->project_id,
                       r->position, REPLAY_READ_RECORDS, REPLAY_READ_BYTES, on_record, &x, &first);
    *is_stopped = x.is_stopped;
    return !x.is_stopped && (r->position == before || r->position >= r->end);
}

bool app_replay_continue(struct app_session *a)
{
    while (!list_is_empty(&a->replays)) {
        struct replay *r = list_entry(a->replays.next, struct replay, node);
        bool is_stopped;

        if (a->session->client == NULL)
            return false;
        if (!read_piece(a, r, &is_stopped)) {
            if (!is_stopped)
                app_feed_continue_later(a); /* others have waited meanwhile */
            return false;
        }
        app_notice_end(a, "replay", slice_of(r->text), r->end);
        replay_free(a, r);
    }
    return true;
}
