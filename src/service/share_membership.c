/*
 * The member's side of share groups; on the session's worker. share_priv.h has the letters.
 *
 * Deliveries through a group wait in the session's flow like any others, marked with their share.
 * They are taken out again when the group recalls them, or when the membership ends. A membership
 * that has ended keeps them, and what still comes, for the recall that follows.
 */
#include "service/share_membership.h"

#include "base/invariant.h"
#include "service/app_notice.h"
#include "service/counters.h"
#include "service/share_group.h"
#include "service/share_priv.h"

enum {
    SHARE_AWAY_MS = 5000,  /* offline for so long, a member's devices go to the others */
    SHARE_OWED_MAX = 1000, /* what of the journal a member may have before it counts as slow */
    SHARE_OWED_BYTES_MAX = 4 * 1024 * 1024
};

struct share_membership {
    uint64_t share;
    unsigned home;                 /* the group's worker */
    struct app_session *session;   /* borrowed; NULL: it has left, the recall is to come */
    bool is_away;                  /* as the group was told */
    struct project_secret *limits; /* a reference, likewise; NULL: it may have all devices */
    bool awaits_recall;            /* it was told so and has not answered */
    uint64_t away_count;           /* numbers what it was told */
    struct slice name;             /* of the group; in the subscription's filter */
    bool is_owed;                  /* as the group was told: what it is owed outlives a crash */
    bool is_restored;              /* the group has not been told of it yet */
    struct buffer parcels;         /* owned: struct share_parcel, to be returned */
};

static _Atomic uint64_t last_share;

static bool membership_equal(const void *item, const void *key)
{
    return ((const struct share_membership *)item)->share == *(const uint64_t *)key;
}

void share_membership_init(struct site *s)
{
    hash_table_init(&s->share_memberships, MEM_SUBSCRIPTION, membership_equal);
}

void share_membership_deinit(struct site *s)
{
    invariant(s->share_memberships.count == 0);
    hash_table_deinit(&s->share_memberships);
}

static struct share_membership *find(const struct worker *w, uint64_t share)
{
    return hash_table_find(&site_of(w)->share_memberships, hash_u64(share), &share);
}

static struct share_membership *get(struct worker *w, uint64_t share)
{
    struct share_membership *m = find(w, share);

    invariant(m != NULL);
    return m;
}

static void tell(struct worker *w, const struct share_membership *m, letter_fn open, uint64_t b)
{
    struct letter letter = {.open = open, .a = m->share, .b = b};

    worker_post(w, m->home, &letter);
}

/* --- what is given back ---------------------------------------------------------------------- */

static void keep(struct share_membership *m, struct open_message *message, uint64_t seq)
{
    struct share_parcel p = {message, seq};

    buffer_append(&m->parcels, &p, sizeof(p));
}

static void on_taken(struct delivery *d, void *arg)
{
    keep(arg, list_entry(d->message, struct open_message, message), d->share_seq);
    d->message = NULL;
    delivery_deinit(d);
}

/* With what was sent and not acknowledged when nothing can come of it any more. */
static void take_back(struct share_membership *m, struct session *s, bool also_unacknowledged)
{
    flow_out_take_share(&s->out, m->share, also_unacknowledged, on_taken, m);
}

void share_membership_open_recall(struct worker *w, const struct letter *l)
{
    struct share_membership *m = get(w, l->a);
    struct letter answer = {.open = share_group_open_returned, .a = m->share};
    struct session *s = m->session == NULL ? NULL : m->session->session;

    /* What a client that is back has not acknowledged will come behind what it was sent: it keeps
     * its devices, or their messages would overtake one another. */
    answer.c = s != NULL && s->client != NULL;
    m->awaits_recall = false;
    if (s != NULL && s->client == NULL)
        take_back(m, s, true);
    answer.b = m->parcels.len / sizeof(struct share_parcel);
    answer.object = m->parcels.data;
    m->parcels = (struct buffer){0};
    worker_post(w, m->home, &answer);
    if (m->session == NULL) {
        (void)hash_table_remove(&site_of(w)->share_memberships, hash_u64(m->share), &m->share);
        project_secret_unref(&m->limits);
        mem_free(m);
    }
}

void share_membership_open_alone(struct worker *w, const struct letter *l)
{
    struct share_membership *m = get(w, l->a);

    if (l->b == m->away_count)
        m->awaits_recall = false;
}

/* --- deliveries ------------------------------------------------------------------------------ */

static void tell_all(struct app_session *a, bool is_away)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct share_membership *m = list_entry(n, struct app_subscription, node)->membership;

        if (m == NULL || m->is_away == is_away)
            continue;
        m->is_away = is_away;
        m->awaits_recall = is_away;
        tell(a->session->worker, m, share_group_open_away, is_away ? ++m->away_count : 0);
    }
}

/* Its connection ends with 0x97, and its devices go to the others without the usual delay, with
 * what comes until the group has heard of it. When it is away and there are no others, its session
 * keeps what it has, and no more. */
static void on_full(struct share_membership *m, struct delivery *d)
{
    struct session *s = m->session->session;

    if (m->is_away && !m->awaits_recall) {
        counter_inc(share_deliveries_lost);
        if (d->share_seq != 0)
            tell(s->worker, m, share_group_open_over, d->share_seq);
        session_refuse(s, d);
        return;
    }
    session_queue_beyond(s, d);
    session_overflow(s);
    if (s->client == NULL)
        tell_all(m->session, true);
}

void share_membership_open_delivery(struct worker *w, const struct letter *l)
{
    struct share_membership *m = get(w, l->a);
    struct open_message *message = l->object;
    struct delivery d = {.message = &message->message,
                         .share = m->share,
                         .share_seq = l->b >> SHARE_DELIVERY_SEQ_SHIFT,
                         .qos = (uint8_t)(l->b & SHARE_DELIVERY_QOS),
                         .retain = (l->b & SHARE_DELIVERY_RETAIN) != 0,
                         .subscription_id = (uint32_t)l->c};
    struct session *s;

    if (m->session == NULL) {
        keep(m, message, d.share_seq);
        return;
    }
    s = m->session->session;
    counter_inc(share_deliveries);
    if ((l->b & SHARE_DELIVERY_HANDED) != 0)
        session_hand_over(s, &d);
    else if (session_deliver(s, &d) == SESSION_FULL)
        on_full(m, &d);
    if (m->session == NULL) /* sending has ended it: this one came after the others were taken */
        take_back(m, s, s->client == NULL);
}

void share_membership_over(struct session *s, uint64_t share, uint64_t seq)
{
    struct share_membership *m = find(s->worker, share);

    if (m != NULL) /* otherwise the group has given up what it had */
        tell(s->worker, m, share_group_open_over, seq);
}

struct slice share_membership_group(const struct app_session *a, uint64_t share)
{
    const struct share_membership *m = find(a->session->worker, share);

    return m == NULL || m->session == NULL ? slice_make(NULL, 0) : m->name;
}

void share_membership_open_lost(struct worker *w, const struct letter *l)
{
    struct share_membership *m = find(w, l->a);

    if (m != NULL && m->session != NULL)
        app_notice_lost(m->session, l->b, l->c, 0);
}

/* --- coming and going ------------------------------------------------------------------------ */

struct slice share_membership_name(const struct app_subscription *sub)
{
    static const char prefix[] = "$share/";

    return slice_from(slice_of(sub->filter), sizeof(prefix) - 1);
}

static uint64_t hash_of(const struct app_subscription *sub)
{
    return hash_bytes(share_membership_name(sub)) ^ hash_u64(sub->session->project->project_id);
}

static void membership_new(struct app_subscription *sub)
{
    struct share_membership *m = mem_new_of(MEM_SUBSCRIPTION, struct share_membership);
    struct app_session *a = sub->session;

    m->share = atomic_fetch_add_explicit(&last_share, 1, memory_order_relaxed) + 1;
    m->home = worker_home(hash_of(sub), worker_group_count(a->session->worker->group));
    m->session = a;
    m->name = share_membership_name(sub);
    m->limits = a->access.limits == NULL ? NULL : project_secret_ref(a->access.limits);
    hash_table_put(&a->site->share_memberships, hash_u64(m->share), m);
    sub->membership = m;
}

static struct site *group_site(const struct app_subscription *sub)
{
    return site_of(worker_group_get(sub->session->session->worker->group, sub->membership->home));
}

void share_membership_restore(struct app_subscription *sub)
{
    membership_new(sub);
    sub->membership->is_restored = true;
    sub->membership->is_owed = sub->is_owed;
    share_group_expect(group_site(sub), hash_of(sub));
}

uint64_t share_membership_claim(struct app_subscription *sub, uint64_t seq)
{
    uint64_t share = sub->membership->share;

    share_group_expect_claim(group_site(sub), hash_of(sub), seq, share);
    return share;
}

/* What a stored session is owed is in the journal from here on, before the SUBACK can leave. */
static void raise_interest(struct app_subscription *sub, struct share_join *j)
{
    struct share_membership *m = sub->membership;
    struct app_session *a = sub->session;

    j->is_owed = sub->is_owed = a->is_stored && sub->qos > 0;
    atomic_fetch_add_explicit(j->is_owed ? &a->project->joining_owed : &a->project->joining, 1,
                              memory_order_acq_rel);
    if (j->is_owed && !m->is_owed)
        sub->from_seq =
            journal_last_seq(home_of(a->session->worker)->shared->journal, a->project->project_id);
    m->is_owed = j->is_owed;
    j->from_seq = sub->from_seq;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void share_membership_join(struct app_subscription *sub)
{
    struct app_session *a = sub->session;
    struct worker *w = a->session->worker;
    const struct session_limits *limits = a->session->limits;
    struct share_join *j = mem_new_of(MEM_SUBSCRIPTION, struct share_join);
    struct letter letter = {.open = share_group_open_join, .object = j};
    struct share_membership *m;

    if (sub->membership == NULL)
        membership_new(sub);
    m = sub->membership;
    j->project = project_ref(a->project);
    j->name = slice_to_string(m->name);
    j->hash = hash_of(sub);
    j->filter = sub->indexed.filter;
    j->share = m->share;
    j->worker = w->index;
    j->qos = sub->qos;
    j->retain_as_published = sub->retain_as_published;
    j->identifier = sub->identifier;
    j->limits = m->limits == NULL ? NULL : project_secret_ref(m->limits);
    j->owed_max = (uint32_t)least(SHARE_OWED_MAX, limits->queue_messages / 2);
    j->bytes_max = least(SHARE_OWED_BYTES_MAX, limits->queue_bytes / 2);
    j->is_restored = m->is_restored;
    m->is_restored = false;
    raise_interest(sub, j);
    worker_post(w, m->home, &letter);
}

static void leave(struct app_subscription *sub, bool also_unacknowledged)
{
    struct share_membership *m = sub->membership;
    struct session *s = m->session->session;

    take_back(m, s, also_unacknowledged);
    m->session = NULL;
    m->name = slice_make(NULL, 0);
    sub->membership = NULL;
    tell(s->worker, m, share_group_open_leave, 0);
}

void share_membership_leave(struct app_subscription *sub)
{
    leave(sub, sub->session->session->client == NULL);
}

static bool is_same(const struct project_secret *a, const struct project_secret *b)
{
    return a == b || (a != NULL && b != NULL && project_secret_is_like(a, b));
}

void share_membership_attached(struct app_session *a)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (sub->membership == NULL || is_same(sub->membership->limits, a->access.limits))
            continue;
        leave(sub, true); /* nothing has been sent on this connection */
        share_membership_join(sub);
    }
}

static void on_away(struct timer *t)
{
    tell_all(list_entry(t, struct app_session, away_timer), true);
}

void share_membership_disconnected(struct app_session *a)
{
    struct worker *w = a->session->worker;

    if (a->session->is_overflowed)
        tell_all(a, true);
    else
        timer_set(&w->timers, &a->away_timer, w->now_ms + SHARE_AWAY_MS, on_away);
}

void share_membership_connected(struct app_session *a)
{
    timer_cancel(&a->away_timer);
    tell_all(a, false);
}
