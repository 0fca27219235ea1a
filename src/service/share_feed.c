/*
 * What a share group is given: live messages at once, or, from the moment at which a persistent
 * session joins it at QoS 1 or 2, those of the journal, after their commit.
 *
 * Then the group has a position in the journal, as a session that is fed by it: the last record
 * that was considered. It remembers what it has given to whom until nothing more comes of it, and
 * saves the number below the oldest of these as its cursor. So after a crash it goes on there, and
 * gives anew what nobody had acknowledged. While no member is there, or all are slow, it is behind:
 * what comes from memory is passed over, and when somebody can take something the journal is read
 * from the position on.
 *
 * A live group that becomes durable changes over as a session does (changeover.h); what comes
 * meanwhile waits, so that all that it gives from then on has its number.
 */
#include "base/invariant.h"
#include "platform/open_record.h"
#include "platform/router.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/share_group_priv.h"
#include "service/share_store.h"

enum {
    SHARE_READ_RECORDS = 256, /* read at once */
    SHARE_READ_BYTES = 1024 * 1024,
    SHARE_READS_A_TURN = 4 /* then the worker's others have their turn */
};

static _Atomic uint64_t last_number;

static struct journal *journal_of(const struct share_group *g)
{
    return home_of(g->worker)->shared->journal;
}

static struct share_group *find(struct worker *w, uint64_t number)
{
    struct site *s = site_of(w);

    for (struct list *n = s->share_feeds.next; n != &s->share_feeds; n = n->next) {
        struct share_group *g = list_entry(n, struct share_group, feed.node);

        if (g->feed.number == number)
            return g;
    }
    return NULL;
}

static struct share_claim *claims_of(const struct share_feed *f)
{
    return (struct share_claim *)(void *)f->claims.data;
}

static size_t claim_count(const struct share_feed *f)
{
    return f->claims.len / sizeof(struct share_claim);
}

/* --- what was given, and to whom -------------------------------------------------------------- */

static void charge(struct member *m, const struct share_entry *e)
{
    m->owed_count++;
    m->owed_bytes += e->bytes;
}

static void discharge(struct member *m, const struct share_entry *e)
{
    m->owed_count--;
    m->owed_bytes -= e->bytes;
}

static uint32_t cost_of(const struct open_message *m)
{
    return m->message.topic_len + m->message.properties_len + m->message.payload_len;
}

void share_feed_given(struct share_group *g, const struct share_parcel *p, struct member *m)
{
    struct share_entry *e = p->seq == 0 ? NULL : share_owed_find(&g->feed.owed, p->seq);

    if (p->seq == 0 || (e == NULL && m == NULL))
        return;
    if (e == NULL) {
        struct share_entry fresh = {.seq = p->seq, .bytes = cost_of(p->message)};

        share_owed_add(&g->feed.owed, &fresh);
        e = share_owed_find(&g->feed.owed, p->seq);
    }
    g->feed.has_moved = true;
    if (m == NULL) {
        e->is_over = true;
        return;
    }
    e->share = m->share;
    e->has_row |= m->qos == 2;
    charge(m, e);
}

void share_feed_taken_back(struct share_group *g, const struct share_parcel *p, struct member *m)
{
    struct share_entry *e = p->seq == 0 ? NULL : share_owed_find(&g->feed.owed, p->seq);

    if (e == NULL || e->is_over || e->share != m->share)
        return;
    discharge(m, e);
    e->share = 0;
    if (e->has_row) /* it was not sent after all */
        share_store_remove_flight(g->worker, g->project->project_id, buffer_slice(&g->feed.key),
                                  p->seq);
    e->has_row = false;
}

void share_feed_member_gone(struct share_group *g, struct member *m)
{
    struct share_entry *e;
    struct share_claim *c = claims_of(&g->feed);
    uint32_t cursor = 0;

    while ((e = share_owed_next(&g->feed.owed, &cursor)) != NULL)
        e->is_over |= e->share == m->share;
    for (size_t i = 0; i < claim_count(&g->feed); i++) {
        if (c[i].share == m->share)
            c[i].share = 0;
    }
    g->feed.has_moved = true;
}

/* Its record was not read yet. */
static void claim_over(struct share_feed *f, uint64_t seq)
{
    struct share_claim *c = claims_of(f);

    for (size_t i = 0; i < claim_count(f); i++) {
        if (c[i].seq == seq)
            c[i].share = 0;
    }
}

void share_feed_over(struct share_group *g, struct member *m, uint64_t seq)
{
    struct share_entry *e = share_owed_find(&g->feed.owed, seq);

    if (e == NULL)
        claim_over(&g->feed, seq);
    if (e == NULL || e->is_over || e->share != m->share)
        return;
    discharge(m, e);
    e->is_over = true;
    g->feed.has_moved = true;
    share_feed_continue(g);
}

/* --- the cursor ------------------------------------------------------------------------------- */

/* Up to the last record that is not needed any more. */
static void save_cursor(struct share_group *g)
{
    struct share_feed *f = &g->feed;
    struct share_entry *e;
    struct journal_position at = {.seq = f->position};

    while ((e = share_owed_first(&f->owed)) != NULL && e->is_over) {
        if (e->has_row)
            share_store_remove_flight(g->worker, g->project->project_id, buffer_slice(&f->key),
                                      e->seq);
        share_owed_drop_first(&f->owed);
    }
    if (e != NULL)
        at.seq = e->seq - 1;
    journal_save_cursor(journal_of(g), g->project->project_id, buffer_slice(&f->key), at);
    f->has_moved = false;
}

void share_group_save_cursors(struct site *s)
{
    for (struct list *n = s->share_feeds.next; n != &s->share_feeds; n = n->next) {
        struct share_group *g = list_entry(n, struct share_group, feed.node);

        if (g->feed.is_durable && g->feed.has_moved)
            save_cursor(g);
    }
}

void share_group_delivered_up_to(struct site *s, uint64_t project_id, uint64_t seq)
{
    for (struct list *n = s->share_feeds.next; n != &s->share_feeds; n = n->next) {
        struct share_group *g = list_entry(n, struct share_group, feed.node);

        if (!g->feed.is_durable || g->feed.is_behind || g->project->project_id != project_id ||
            g->feed.position >= seq)
            continue;
        g->feed.position = seq;
        g->feed.has_moved = true;
    }
}

/* --- from memory ------------------------------------------------------------------------------ */

/* `part`: 1: somebody can take more; 2: it is worth while to read on. */
static bool has_room(const struct share_group *g, unsigned part)
{
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct member *m = g->members[i];

        if (share_group_is_present(m) && m->owed_count <= m->owed_max / part &&
            m->owed_bytes <= m->bytes_max / part)
            return true;
    }
    return false;
}

static void fall_behind(struct share_group *g)
{
    g->feed.is_behind = true;
    counter_inc(feed_catch_ups);
    log_event(EV_APP_FELL_BEHIND, "client", g->name);
}

/* What was taken live has its number now. */
static void note_number(struct share_feed *f, const struct open_message *m, uint64_t seq)
{
    struct share_parcel *p = (struct share_parcel *)(void *)f->waiting.data;

    for (size_t i = f->waiting.len / sizeof(*p); i > 0; i--) {
        if (p[i - 1].message == m && p[i - 1].seq == 0) {
            p[i - 1].seq = seq;
            return;
        }
    }
}

static void wait_for_change(struct share_feed *f, struct open_message *m, uint64_t seq)
{
    struct share_parcel p = {m, seq};

    if (seq != 0 && !changeover_takes_committed(f->changeover, m)) {
        note_number(f, m, seq);
    } else if (seq != 0 || changeover_takes_live(f->changeover, m)) {
        open_message_ref(m);
        buffer_append(&f->waiting, &p, sizeof(p));
    }
}

void share_group_deliver(struct share_group *g, struct open_message *m, uint64_t seq)
{
    struct share_feed *f = &g->feed;
    struct share_parcel p = {m, seq};

    if (f->changeover != NULL) {
        wait_for_change(f, m, seq);
        return;
    }
    if (f->is_durable) {
        if (f->is_behind || seq <= f->position)
            return;
        if (!has_room(g, 1)) {
            fall_behind(g);
            return;
        }
        f->position = seq;
        f->has_moved = true;
    }
    share_group_give(g, &p);
}

/* --- from the journal ------------------------------------------------------------------------- */

struct reading {
    struct share_group *group;
    bool stopped; /* nobody can take more now */
};

/* What retention has taken up to this number; told to those who may have been owed it. */
static void note_hole(struct share_group *g, uint64_t up_to)
{
    uint64_t lost = up_to - g->feed.position;

    log_event(EV_APP_LOST, "client", g->name, "records", log_int((int64_t)lost));
    counter_add(&CT_feed_lost, (int64_t)lost);
    for (uint32_t i = 0; i < g->member_count; i++) {
        struct letter letter = {.open = share_membership_open_lost,
                                .a = g->members[i]->share,
                                .b = g->feed.position + 1,
                                .c = up_to};

        if (!g->members[i]->is_gone)
            worker_post(g->worker, g->members[i]->worker, &letter);
    }
    g->feed.position = up_to;
}

static struct member *find_member(const struct share_group *g, uint64_t share)
{
    for (uint32_t i = 0; i < g->member_count; i++) {
        if (g->members[i]->share == share)
            return g->members[i];
    }
    return NULL;
}

/* A record of QoS 2 that is on its way since before the server started stays with its session. */
static void note_claim(struct share_group *g, const struct share_claim *c)
{
    struct share_entry e = {.seq = c->seq, .share = c->share, .has_row = true};
    struct member *m = find_member(g, c->share);

    e.is_over = m == NULL;
    if (m != NULL)
        charge(m, &e);
    share_owed_add(&g->feed.owed, &e);
}

static bool is_claimed(struct share_group *g, uint64_t seq)
{
    struct share_feed *f = &g->feed;
    struct share_claim c = {0};

    while (f->claims.len > 0 && claims_of(f)->seq <= seq) {
        c = *claims_of(f);
        buffer_consume(&f->claims, sizeof(c));
    }
    if (f->claims.len == 0)
        buffer_deinit(&f->claims);
    if (c.seq != seq)
        return false;
    note_claim(g, &c);
    return true;
}

static void give_record(struct share_group *g, const struct journal_record *r)
{
    struct worker *w = g->worker;
    struct open_record_head head;
    struct share_parcel p = {.seq = r->seq};

    if (open_record_peek(r->bytes, &head) != ST_OK ||
        !open_filter_matches(&g->indexed.filter, head.device_id, head.kind, head.stream))
        return;
    if (g->feed.claims.len > 0 && is_claimed(g, r->seq))
        return;
    if (open_record_read(r->bytes, g->project->project_id, w->now_ms, w->unix_ms, &p.message) !=
        ST_OK)
        return;
    share_group_give(g, &p);
    open_message_unref(&p.message);
}

static bool on_record(const struct journal_record *r, void *arg)
{
    struct reading *x = arg;
    struct share_group *g = x->group;

    if (r->seq > g->feed.position + 1)
        note_hole(g, r->seq - 1);
    if (!has_room(g, 1)) {
        x->stopped = true;
        return false;
    }
    give_record(g, r);
    g->feed.position = r->seq;
    return true;
}

static void open_continue(struct worker *w, const struct letter *l)
{
    struct share_group *g = find(w, l->a);

    if (g == NULL)
        return;
    g->feed.is_continuing = false;
    share_feed_continue(g);
}

static void continue_later(struct share_group *g)
{
    struct letter letter = {.open = open_continue, .a = g->feed.number};

    if (g->feed.is_continuing)
        return;
    g->feed.is_continuing = true;
    worker_post(g->worker, g->worker->index, &letter);
}

void share_feed_continue(struct share_group *g)
{
    struct share_feed *f = &g->feed;
    struct reading x = {g, false};

    if (!f->is_durable || !f->is_behind || f->is_continuing || share_expected_waits(g) ||
        !has_room(g, 2))
        return;
    for (unsigned reads = 0; reads < SHARE_READS_A_TURN; reads++) {
        uint64_t before = f->position;
        uint64_t first;

        journal_read(journal_of(g), g->project->project_id, f->position, SHARE_READ_RECORDS,
                     SHARE_READ_BYTES, on_record, &x, &first);
        f->has_moved = true;
        if (f->position + 1 < first)
            note_hole(g, first - 1); /* and nothing is behind it */
        if (x.stopped)
            return;
        if (f->position == before) {
            f->is_behind = false;
            return;
        }
    }
    continue_later(g);
}

/* --- becoming durable ------------------------------------------------------------------------- */

static void enter(struct share_group *g)
{
    struct share_feed *f = &g->feed;

    f->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    share_store_key(slice_of(g->name), &f->key);
    list_push_back(&site_of(g->worker)->share_feeds, &f->node);
}

static void open_at(struct share_group *g, uint64_t seq)
{
    g->feed.is_durable = true;
    g->feed.position = seq;
    save_cursor(g);
}

/* The bit of interest stays set all the time. */
static void switch_over(struct share_group *g)
{
    struct open_index *index = home_of(g->worker)->index;

    open_index_remove(index, &g->indexed, &g->project->interest);
    g->indexed.durable = true;
    open_index_add(index, &g->indexed, &g->project->interest);
    if (g->fed.is_indexed)
        open_index_remove(index, &g->fed, &g->project->interest);
}

static void open_answered(struct worker *w, const struct letter *l)
{
    struct share_group *g = find(w, l->a);

    if (g != NULL && g->feed.changeover != NULL)
        changeover_note_answer(g->feed.changeover, l);
}

static void give_waiting(struct share_group *g)
{
    struct buffer waiting = g->feed.waiting;
    struct share_parcel *p = (struct share_parcel *)(void *)waiting.data;

    g->feed.waiting = (struct buffer){0};
    for (size_t i = 0; i < waiting.len / sizeof(*p); i++) {
        share_group_give(g, &p[i]);
        open_message_unref(&p[i].message);
    }
    buffer_deinit(&waiting);
}

static void open_committed(struct worker *w, const struct letter *l)
{
    struct share_group *g = find(w, l->a);
    uint64_t seq;

    if (g == NULL || g->feed.changeover == NULL ||
        !changeover_note_commit(g->feed.changeover, w, l))
        return;
    seq = g->feed.changeover->seq;
    mem_free(g->feed.changeover);
    g->feed.changeover = NULL;
    switch_over(g);
    give_waiting(g);
    open_at(g, seq);
}

static const struct changeover_ways ways = {open_answered, open_committed};

static void begin_changeover(struct share_group *g, uint64_t from_seq)
{
    struct journal_position at = {.seq = from_seq};

    g->feed.changeover = mem_new_of(MEM_SUBSCRIPTION, struct changeover);
    g->fed.filter = g->indexed.filter;
    g->fed.durable = true;
    g->fed.owner = g;
    open_index_add(home_of(g->worker)->index, &g->fed, &g->project->interest);
    journal_save_cursor(journal_of(g), g->project->project_id, buffer_slice(&g->feed.key), at);
    changeover_ask(g->worker, g->project->project_id, g->feed.number, &ways);
}

/* --- a member comes --------------------------------------------------------------------------- */

void share_feed_joined(struct share_group *g, const struct share_join *j)
{
    struct share_feed *f = &g->feed;
    struct journal_position at = {0};

    if (j->is_restored)
        share_expected_note(g);
    if (!j->is_owed || f->is_durable || f->changeover != NULL) {
        share_feed_continue(g);
        return;
    }
    enter(g);
    if (!j->is_restored || journal_load_cursor(journal_of(g), g->project->project_id,
                                               buffer_slice(&f->key), &at) != ST_OK)
        at.seq = j->from_seq;
    if (!g->indexed.durable && !j->is_restored) {
        begin_changeover(g, at.seq);
        return;
    }
    if (!g->indexed.durable)
        switch_over(g);
    f->is_behind = true;
    open_at(g, at.seq);
    share_feed_continue(g);
}

void share_feed_close(struct share_group *g)
{
    struct share_feed *f = &g->feed;
    struct home *h = home_of(g->worker);
    struct share_entry *e;
    uint32_t cursor = 0;

    if (f->number == 0)
        return;
    list_remove(&f->node);
    if (g->fed.is_indexed)
        open_index_remove(h->index, &g->fed, &g->project->interest);
    give_waiting(g); /* to nobody */
    while (h->shared->commit != NULL && (e = share_owed_next(&f->owed, &cursor)) != NULL) {
        if (e->has_row)
            share_store_remove_flight(g->worker, g->project->project_id, buffer_slice(&f->key),
                                      e->seq);
    }
    if (h->shared->commit != NULL) /* otherwise the server stops, and it will be there again */
        journal_remove_cursor(journal_of(g), g->project->project_id, buffer_slice(&f->key));
    mem_free(f->changeover);
    share_owed_deinit(&f->owed);
    buffer_deinit(&f->claims);
    buffer_deinit(&f->key);
}
