/*
 * From open messages to sessions: matching, merging, and for durable sessions the choice between
 * memory and journal.
 *
 * A durable session has a position: the last record that was considered for it. As long as it keeps
 * up, committed messages come from memory and move the position. When its queue grows too long, or
 * it is offline, it is behind: what comes from memory is passed over, and the journal is read from
 * the position when there is room. When nothing is left to read it takes from memory again; a
 * message that it read already has a number not above its position, so there is neither gap nor
 * duplicate. Source: architecture.md "The journal", open-api.md 3.1, 3.4
 */
#include "base/invariant.h"
#include "platform/open_record.h"
#include "service/app_convert.h"
#include "service/app_notice.h"
#include "service/app_replay.h"
#include "service/app_session.h"
#include "service/app_snapshot.h"
#include "service/app_store.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/share_group.h"

enum {
    FEED_QUEUE_MAX = 1000, /* deliveries in memory from which a durable session falls behind */
    FEED_QUEUE_BYTES_MAX = 4 * 1024 * 1024,
    FEED_READ_RECORDS = 256, /* read at once */
    FEED_READ_BYTES = 1024 * 1024,
    FEED_READS_A_TURN = 4 /* then the worker's other clients have their turn */
};

/* --- merging: one copy for all plain filters of a session ------------------------------------ */

static void begin_match(struct app_session *a, uint64_t round)
{
    a->round = round;
    a->match_qos = 0;
    a->match_retain = false;
    a->match_id = 0;
    a->match_more_ids.len = 0;
}

static void add_match(struct app_session *a, const struct app_subscription *sub,
                      const struct open_message *m)
{
    uint8_t qos = sub->qos;

    if (open_kinds[m->kind].may_publish && m->message.qos < qos)
        qos = m->message.qos;
    if (qos > a->match_qos)
        a->match_qos = qos;
    a->match_retain |= sub->retain_as_published && m->message.retain;
    if (sub->identifier == 0)
        return;
    if (a->match_id == 0)
        a->match_id = sub->identifier;
    else
        buffer_append(&a->match_more_ids, &sub->identifier, sizeof(sub->identifier));
}

/* Takes a reference of the message over. */
static struct delivery take_match(struct app_session *a, struct open_message *m, uint64_t seq)
{
    struct delivery d = {.message = &m->message,
                         .seq = seq,
                         .subscription_id = a->match_id,
                         .qos = a->match_qos,
                         /* what applications publish has its publisher's properties only */
                         .told_seq = open_kinds[m->kind].may_publish ? 0 : seq,
                         .retain = a->match_retain};
    size_t more = a->match_more_ids.len / sizeof(uint32_t);

    if (more > 0) {
        more = more < UINT8_MAX ? more : UINT8_MAX;
        d.more_id_count = (uint8_t)more;
        d.more_ids = mem_alloc(MEM_MESSAGE, more * sizeof(uint32_t));
        memcpy(d.more_ids, a->match_more_ids.data, more * sizeof(uint32_t));
    }
    return d;
}

/* --- deliveries ------------------------------------------------------------------------------ */

static void give_live(struct app_session *a, struct delivery *d)
{
    if (session_deliver(a->session, d) == SESSION_FULL)
        session_refuse(a->session, d);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Half of what a session may have waiting is left for what is not in the journal. */
bool app_feed_is_long(const struct app_session *a)
{
    const struct session *s = a->session;

    return s->out.queue_count > least(FEED_QUEUE_MAX, s->limits->queue_messages / 2) ||
           s->out.queue_bytes > least(FEED_QUEUE_BYTES_MAX, s->limits->queue_bytes / 2);
}

/* Short enough to read on: a few records at a time would cost more than many at once. */
static bool queue_is_short(const struct app_session *a)
{
    const struct session *s = a->session;

    return s->out.queue_count <= least(FEED_QUEUE_MAX, s->limits->queue_messages / 2) / 2 &&
           s->out.queue_bytes <= least(FEED_QUEUE_BYTES_MAX, s->limits->queue_bytes / 2) / 2;
}

/* One that reads the journal is not looked for when a message comes. */
static void set_behind(struct app_session *a, bool is_behind)
{
    struct open_index *index = home_of(a->session->worker)->index;

    if (a->is_behind == is_behind)
        return;
    a->is_behind = is_behind;
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        open_index_park(index, &list_entry(n, struct app_subscription, node)->indexed, is_behind);
}

/* What comes by letter is not for one that reads the journal, nor what it has read there already.
 */
static bool is_passed_over(const struct app_session *a, uint64_t seq)
{
    return a->is_behind || seq <= a->position;
}

static void give_durable(struct app_session *a, struct delivery *d, uint64_t seq)
{
    if (is_passed_over(a, seq)) { /* since it was matched */
        delivery_deinit(d);
        return;
    }
    if (app_feed_is_long(a)) {
        delivery_deinit(d);
        set_behind(a, true);
        a->session->wants_room = true;
        counter_inc(feed_catch_ups);
        log_event(EV_APP_FELL_BEHIND, "client", a->session->client_id);
        return;
    }
    if (session_deliver(a->session, d) == SESSION_FULL) { /* shares fill the same queue */
        delivery_deinit(d);
        set_behind(a, true);
        return;
    }
    a->position = seq;
    a->cursor_moved = true;
}

struct matching {
    struct home *home;
    struct site *site;
    struct open_message *message;
    uint64_t seq;
    uint32_t sessions; /* that get it */
};

static void on_match(struct open_subscription *indexed, void *arg)
{
    struct matching *x = arg;
    struct app_subscription *sub = indexed->owner;
    struct app_session *a;

    if (sub->target == APP_TARGET_GROUP) {
        buffer_append(&x->site->matched, &indexed->owner, sizeof(void *));
        return;
    }
    a = sub->session;
    if (x->seq != 0 && is_passed_over(a, x->seq))
        return;
    if (!app_may_receive(a, x->message->device_id, x->message->type_id))
        return;
    if (a->conversion != NULL && !(x->seq == 0 ? app_convert_takes_live(a, x->message)
                                               : app_convert_takes_committed(a, x->message)))
        return;
    if (sub->no_local && x->message->publisher == a->publisher)
        return;
    if (x->seq != 0 && x->seq <= sub->from_seq)
        return;
    if (a->round != x->site->match_round) {
        void *owner = sub;

        begin_match(a, x->site->match_round);
        buffer_append(&x->site->matched, &owner, sizeof(owner));
        x->sessions++;
    }
    add_match(a, sub, x->message);
}

static void give(struct matching *x, void *owner)
{
    struct app_subscription *sub = owner;
    struct app_session *a;
    struct delivery d;

    if (sub->target == APP_TARGET_GROUP) {
        share_group_deliver(owner, x->message, x->seq);
        return;
    }
    a = sub->session;
    d = take_match(a, x->message, x->seq);
    if (a->conversion != NULL)
        d.seq = 0; /* it is not fed by the journal yet */
    if (d.seq == 0)
        give_live(a, &d);
    else
        give_durable(a, &d, x->seq);
}

void app_feed_deliver(struct home *h, struct open_message *m, uint64_t seq)
{
    struct site *site = site_of(h->worker);
    struct matching x = {h, site, m, seq, 0};

    site->match_round++;
    site->matched.len = 0;
    open_index_match(h->index, m->project_id, m->device_id, m->kind, m->stream, seq != 0, on_match,
                     &x);
    if (x.sessions > 0)
        message_ref_many(&m->message, x.sessions);
    for (size_t i = 0; i < site->matched.len / sizeof(void *); i++) {
        void *owner;

        memcpy(&owner, site->matched.data + i * sizeof(void *), sizeof(owner));
        give(&x, owner);
    }
}

/* --- durable sessions: position and catching up ---------------------------------------------- */

static struct journal *journal_of(const struct app_session *a)
{
    return home_of(a->session->worker)->shared->journal;
}

static struct slice cursor_key(const struct app_session *a)
{
    return slice_make(a->session->client_id, a->session->client_id_len);
}

/* Up to the last record that is not needed for this session any more, and which packet identifiers
 * were given until then. */
static void save_cursor(struct app_session *a)
{
    struct journal_position at = {a->position, a->session->out.issued};
    uint64_t oldest_issue;
    uint64_t oldest = flow_out_oldest_seq(&a->session->out, &oldest_issue);

    if (!a->is_stored)
        return;
    if (oldest != 0)
        at = (struct journal_position){oldest - 1, oldest_issue - 1};
    journal_save_cursor(journal_of(a), a->project->project_id, cursor_key(a), at);
    app_store_passed(a, at.seq);
}

void app_feed_open_at(struct app_session *a, uint64_t seq)
{
    a->is_durable = true;
    a->position = a->online_seq = seq;
    list_push_back(&a->site->feeds, &a->feed_node);
}

void app_feed_open(struct app_session *a)
{
    a->is_durable = a->is_stored = true;
    atomic_fetch_add_explicit(&a->project->app_sessions, 1, memory_order_relaxed);
    a->position = journal_last_seq(journal_of(a), a->project->project_id);
    save_cursor(a);
    list_push_back(&a->site->feeds, &a->feed_node);
}

void app_feed_reopen(struct app_session *a, uint64_t again_seq)
{
    uint64_t last_seq = journal_last_seq(journal_of(a), a->project->project_id);
    struct journal_position at = {0};

    a->is_durable = a->is_stored = true;
    a->is_behind = true;
    atomic_fetch_add_explicit(&a->project->app_sessions, 1, memory_order_relaxed);
    if (journal_load_cursor(journal_of(a), a->project->project_id, cursor_key(a), &at) != ST_OK)
        at.seq = last_seq;
    a->position = at.seq;
    a->again_seq = least(least(again_seq, last_seq), at.seq + FLOW_OUT_INFLIGHT_MAX);
    a->session->out.issued = at.mark;
    list_push_back(&a->site->feeds, &a->feed_node);
}

bool app_feed_close(struct app_session *a)
{
    if (!a->is_durable)
        return false;
    list_remove(&a->feed_node);
    if (!a->is_stored)
        return false;
    atomic_fetch_sub_explicit(&a->project->app_sessions, 1, memory_order_relaxed);
    if (home_of(a->session->worker)->shared->commit == NULL)
        return false; /* the server stops, and it will be there again */
    app_store_remove(a);
    journal_remove_cursor(journal_of(a), a->project->project_id, cursor_key(a));
    return true;
}

void app_feed_save_cursors(struct site *site)
{
    for (struct list *n = site->feeds.next; n != &site->feeds; n = n->next) {
        struct app_session *a = list_entry(n, struct app_session, feed_node);

        if (!a->cursor_moved)
            continue;
        a->cursor_moved = false;
        save_cursor(a);
    }
    share_group_save_cursors(site);
}

void app_feed_delivered_up_to(struct home *h, uint64_t project_id, uint64_t seq)
{
    struct site *site = site_of(h->worker);

    for (struct list *n = site->feeds.next; n != &site->feeds; n = n->next) {
        struct app_session *a = list_entry(n, struct app_session, feed_node);

        if (a->is_behind || a->project->project_id != project_id || a->position >= seq)
            continue;
        a->position = seq;
        a->cursor_moved = true;
    }
    share_group_delivered_up_to(site, project_id, seq);
}

void app_feed_fall_behind(struct app_session *a)
{
    set_behind(a, true);
    app_feed_continue_later(a);
}

void app_feed_connected(struct app_session *a)
{
    if (!a->is_durable)
        return;
    a->online_seq = journal_last_seq(journal_of(a), a->project->project_id);
    app_feed_continue(a);
}

void app_feed_disconnected(struct app_session *a, uint64_t unsent_from)
{
    if (!a->is_durable)
        return;
    if (unsent_from != 0 && unsent_from <= a->position)
        a->position = unsent_from - 1;
    set_behind(a, true);
}

struct reading {
    struct app_session *session;
    bool stopped; /* the queue is long: the rest is for later */
};

static bool matches(struct app_session *a, const struct open_record_head *head, uint64_t seq,
                    uint64_t publisher, struct open_message *m)
{
    bool any = false;

    begin_match(a, 0);
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (sub->is_shared || seq <= sub->from_seq ||
            !open_filter_matches(&sub->indexed.filter, head->device_id, head->kind, head->stream))
            continue;
        if (m == NULL)
            return true;
        if (sub->no_local && publisher == a->publisher)
            continue;
        add_match(a, sub, m);
        any = true;
    }
    return any;
}

bool app_feed_will_give(struct app_session *a, const struct open_record_head *head, uint64_t seq)
{
    return seq > a->position && matches(a, head, seq, 0, NULL);
}

/* What was on its way when the server stopped goes on from there. */
void app_feed_resume(const struct app_session *a, struct delivery *d)
{
    const struct app_flight *f = app_store_resumed(a, d->seq);

    d->may_be_again = d->qos == 1 && d->seq <= a->again_seq;
    if (f == NULL || d->qos != 2)
        return;
    d->resumed_id = f->packet_id;
    d->was_released = f->was_released;
}

static bool is_over(const struct app_session *a, uint64_t seq)
{
    const struct app_flight *f = app_store_resumed(a, seq);

    return f != NULL && f->is_over;
}

/* False: there is no room for it now. */
static bool give_record(struct app_session *a, const struct journal_record *r)
{
    struct worker *w = a->session->worker;
    struct open_record_head head;
    struct open_message *m;

    if (open_record_peek(r->bytes, &head) != ST_OK ||
        !app_may_receive(a, head.device_id, head.type_id) || !matches(a, &head, r->seq, 0, NULL))
        return true;
    if (open_record_read(r->bytes, a->project->project_id, w->now_ms, w->unix_ms, &m) != ST_OK)
        return true;
    /* QoS 0 is not kept for a session that was away */
    if (matches(a, &head, r->seq, m->publisher, m) && !is_over(a, r->seq) &&
        (a->match_qos > 0 || r->seq > a->online_seq)) {
        struct delivery d = take_match(a, m, r->seq);
        bool is_taken;

        app_feed_resume(a, &d);
        is_taken = session_deliver(a->session, &d) != SESSION_FULL;
        if (!is_taken)
            delivery_deinit(&d);
        return is_taken;
    }
    open_message_unref(&m);
    return true;
}

/* What retention has taken up to this number is told where it would have been; as long as the
 * client does not have this notice, the session stands before the hole. */
static void note_hole(struct app_session *a, uint64_t up_to)
{
    uint64_t lost = up_to - a->position;

    if (!is_over(a, a->position + 1))
        app_notice_lost(a, a->position + 1, up_to, a->position + 1);
    log_event(EV_APP_LOST, "client", a->session->client_id, "records", log_int((int64_t)lost));
    counter_add(&CT_feed_lost, (int64_t)lost);
    a->position = up_to;
}

static bool on_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;

    if (r->seq > x->session->position + 1)
        note_hole(x->session, r->seq - 1);
    if (app_feed_is_long(x->session) || !give_record(x->session, r)) {
        x->stopped = true;
        return false;
    }
    x->session->position = r->seq;
    return true;
}

static void open_continue(struct worker *w, const struct letter *l)
{
    struct session *s = session_find_handle(w, l->a);

    if (s == NULL)
        return;
    app_session_of(s)->is_continuing = false;
    app_feed_continue(app_session_of(s));
}

/* The rest is for the next turn: others have waited meanwhile. */
void app_feed_continue_later(struct app_session *a)
{
    struct worker *w = a->session->worker;
    struct letter letter = {.open = open_continue, .a = a->session->handle};

    if (a->is_continuing)
        return;
    a->is_continuing = true;
    worker_post(w, w->index, &letter);
}

void app_feed_continue(struct app_session *a)
{
    struct reading x = {a, false};

    if (!a->is_durable || !a->is_behind || a->session->client == NULL)
        return;
    if (!queue_is_short(a) || !app_replay_continue(a)) {
        a->session->wants_room = true;
        return;
    }
    for (unsigned reads = 0;; reads++) {
        uint64_t before = a->position;
        uint64_t first;

        if (reads == FEED_READS_A_TURN) {
            app_feed_continue_later(a);
            return;
        }
        if (app_feed_is_long(a) || x.stopped) {
            a->session->wants_room = true;
            return;
        }
        journal_read(journal_of(a), a->project->project_id, a->position, FEED_READ_RECORDS,
                     FEED_READ_BYTES, on_record, &x, &first);
        a->cursor_moved = true;
        if (a->position + 1 < first)
            note_hole(a, first - 1); /* and nothing is behind it */
        if (a->position == before && !x.stopped)
            break;
    }
    set_behind(a, false);
    app_snapshot_continue(a);
}
