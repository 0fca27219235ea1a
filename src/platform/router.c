/*
 * Fan-out. What goes to another worker is a letter with a reference; what goes to our own is
 * delivered at once. A record for the journal carries the message, the workers that wait for it,
 * and the receipt; the committing thread turns it into letters again.
 */
#include "platform/router.h"

#include "base/invariant.h"
#include "platform/counters.h"
#include "platform/open_record.h"

enum {
    ROUTER_NOTE_EVERY = 1024 /* records of a project between two notes of how far it has come */
};

/* What travels through the committing thread beside the record's or the row's bytes: the tag of a
 * request. */
struct pending {
    struct open_message *message;  /* a reference; NULL: of a row or a barrier */
    uint64_t workers;              /* those with a durable interest when it was published */
    bool is_awaited;               /* an answer waits for its commit */
    struct router_receipt receipt; /* open is NULL: none */
};
_Static_assert(sizeof(struct pending) <= sizeof(((struct journal_request *)0)->tag),
               "it fits into the tag");

static struct pending *pending_of(struct journal_request *r)
{
    return (struct pending *)(void *)r->tag;
}

static void open_live(struct worker *w, const struct letter *l)
{
    struct home *h = home_of(w);
    struct open_message *m = l->object;

    h->shared->sink->deliver(h, m, l->a);
    open_message_unref(&m);
}

static void open_own(struct worker *w, const struct letter *l)
{
    home_of(w)->letters_to_self--;
    open_live(w, l);
}

static uint64_t all_workers(const struct home *h)
{
    unsigned count = worker_group_count(h->worker->group);

    return count == 64 ? UINT64_MAX : (1ull << count) - 1;
}

/* While a share group is being joined its join may stand in our own inbox: the message goes behind
 * it, and those after it behind this one. */
static void deliver_own(struct home *h, struct open_message *m, bool is_joining)
{
    struct letter letter = {.open = open_own};

    if (!is_joining && h->letters_to_self == 0) {
        h->shared->sink->deliver(h, m, 0);
        return;
    }
    letter.object = open_message_ref(m);
    h->letters_to_self++;
    worker_post(h->worker, h->worker->index, &letter);
}

static void deliver_live(struct home *h, struct open_message *m, uint64_t workers, bool is_joining)
{
    uint64_t own = 1ull << h->worker->index;

    for (uint64_t rest = workers & ~own; rest != 0; rest &= rest - 1) {
        struct letter letter = {.open = open_live, .object = open_message_ref(m)};

        worker_post(h->worker, (unsigned)__builtin_ctzll(rest), &letter);
    }
    if ((workers & own) != 0)
        deliver_own(h, m, is_joining);
}

static void submit_later(struct home *h, struct journal_request *r, const struct pending *p)
{
    *pending_of(r) = *p;
    if (h->journal_first == NULL)
        h->journal_first = r;
    else
        h->journal_last->next = r;
    h->journal_last = r;
}

static void add_record(struct home *h, struct open_message *m, uint64_t workers, bool is_awaited,
                       const struct router_receipt *receipt)
{
    struct journal_request *r = journal_request_new(m->project_id, open_record_len(m));
    struct pending p = {
        .message = open_message_ref(m), .workers = workers, .is_awaited = is_awaited};

    open_record_write(m, r->bytes);
    if (is_awaited && receipt != NULL)
        p.receipt = *receipt;
    submit_later(h, r, &p);
    counter_inc(open_messages_journalled);
}

static enum journal_policy policy_of(const struct project *p)
{
    return (enum journal_policy)atomic_load_explicit(&p->journal, memory_order_relaxed);
}

bool router_is_awaited(const struct project *p)
{
    return policy_of(p) != JOURNAL_POLICY_NEVER;
}

/* Whether a message of this kind is recorded though nobody is owed it. */
static bool is_always_recorded(const struct project *p, enum open_kind kind)
{
    return policy_of(p) == JOURNAL_POLICY_ALWAYS && kind != OPEN_KIND_LOG;
}

bool router_is_wanted(const struct project *p, enum open_kind kind)
{
    /* In this order, as below. */
    return atomic_load_explicit(&p->joining, memory_order_acquire) != 0 ||
           atomic_load_explicit(&p->joining_owed, memory_order_acquire) != 0 ||
           open_interest_live(&p->interest, kind) != 0 ||
           open_interest_durable(&p->interest, kind) != 0 || is_always_recorded(p, kind);
}

void router_put_row(struct home *h, enum journal_table table, uint64_t project_id, struct slice key,
                    struct slice value, const struct router_receipt *receipt)
{
    struct pending p = {0};

    if (receipt != NULL)
        p.receipt = *receipt;
    submit_later(h, journal_request_new_row(project_id, table, key, value), &p);
}

enum router_way router_publish(struct home *h, struct open_message **mp,
                               const struct router_receipt *receipt)
{
    struct open_message *m = *mp;
    struct home_project *hp = home_find_project(h, m->project_id);
    uint64_t live = 0, durable = 0;
    bool is_joining, is_joining_owed, is_recorded, is_awaited;

    invariant(hp != NULL);
    counter_inc(open_messages);
    /* Before the interest: who sees that a group was joined sees its bit. */
    is_joining = atomic_load_explicit(&hp->project->joining, memory_order_acquire) != 0;
    is_joining_owed = atomic_load_explicit(&hp->project->joining_owed, memory_order_acquire) != 0;
    live = open_interest_live(&hp->project->interest, m->kind);
    durable = open_interest_durable(&hp->project->interest, m->kind);
    if (is_joining)
        live = all_workers(h);
    if (is_joining_owed)
        durable = all_workers(h);
    is_recorded = durable != 0 || is_always_recorded(hp->project, m->kind);
    is_awaited = is_recorded && router_is_awaited(hp->project);
    if (live == 0 && !is_recorded)
        counter_inc(open_messages_unwanted);
    m->home = (uint8_t)h->worker->index;
    m->record_number = is_recorded ? ++h->recorded : 0;
    if (is_recorded)
        add_record(h, m, durable, is_awaited, receipt);
    if (live != 0)
        deliver_live(h, m, live, is_joining || is_joining_owed);
    open_message_unref(mp);
    return is_awaited ? ROUTER_JOURNAL : ROUTER_LIVE;
}

bool router_receipt_with_newest(struct home *h, const struct journal_request *before,
                                const struct router_receipt *receipt)
{
    struct pending *newest = NULL;

    for (struct journal_request *r = before == NULL ? h->journal_first : before->next; r != NULL;
         r = r->next) {
        struct pending *p = pending_of(r);

        if (p->message != NULL && p->receipt.open == NULL && p->is_awaited)
            newest = p;
    }
    if (newest != NULL)
        newest->receipt = *receipt;
    return newest != NULL;
}

void router_put_barrier(struct home *h, uint64_t project_id, const struct router_receipt *receipt)
{
    struct pending p = {.receipt = *receipt};

    submit_later(h, journal_request_new_barrier(project_id), &p);
}

void router_submit(struct home *h)
{
    struct journal_request *first = h->journal_first;

    h->journal_first = h->journal_last = NULL;
    if (first == NULL)
        return;
    if (h->shared->commit != NULL)
        journal_commit_submit(h->shared->commit, first);
    else /* the program ends: given up, as if it had been killed before */
        router_on_committed(first, h->worker->group);
}

static void open_note(struct worker *w, const struct letter *l)
{
    struct home *h = home_of(w);

    h->shared->sink->delivered_up_to(h, l->a, l->b);
}

/* Sessions whose filters match nothing for long learn how far the journal has come; behind all
 * letters up to this number, and seldom enough to cost nothing. */
static void send_note(struct worker_group *g, struct worker_outbox *outbox,
                      const struct journal_request *r)
{
    struct letter letter = {.open = open_note, .a = r->project_id, .b = r->seq};

    for (unsigned i = 0; i < worker_group_count(g); i++)
        worker_outbox_add(g, outbox, i, &letter);
}

/* The project's last number before this barrier; what is behind it in the batch comes later. */
static uint64_t seq_before(struct worker_group *g, const struct journal_request *barrier)
{
    for (const struct journal_request *r = barrier->next; r != NULL; r = r->next) {
        if (r->kind == JOURNAL_REQUEST_RECORD && r->project_id == barrier->project_id)
            return r->seq - 1;
    }
    return journal_last_seq(home_of(worker_group_get(g, 0))->shared->journal, barrier->project_id);
}

static void send_receipt(struct worker_group *g, struct worker_outbox *outbox,
                         struct journal_request *r)
{
    const struct router_receipt *receipt = &pending_of(r)->receipt;
    struct letter letter = {
        .open = receipt->open, .a = receipt->a, .b = receipt->b, .c = receipt->c};

    if (receipt->wants_seq)
        letter.c = seq_before(g, r);
    worker_outbox_add(g, outbox, receipt->to, &letter);
}

static void send_committed(struct worker_group *g, struct worker_outbox *outbox,
                           struct journal_request *r)
{
    const struct pending *p = pending_of(r);

    for (uint64_t rest = p->workers; rest != 0; rest &= rest - 1) {
        struct letter letter = {
            .open = open_live, .object = open_message_ref(p->message), .a = r->seq};

        worker_outbox_add(g, outbox, (unsigned)__builtin_ctzll(rest), &letter);
    }
    if (p->receipt.open != NULL)
        send_receipt(g, outbox, r);
    if (r->kind == JOURNAL_REQUEST_RECORD && r->seq % ROUTER_NOTE_EVERY == 0)
        send_note(g, outbox, r);
}

void router_on_committed(struct journal_request *first, void *arg)
{
    struct worker_group *g = arg;
    struct worker_outbox outbox = {0};

    while (first != NULL) {
        struct journal_request *next = first->next;
        struct pending *p = pending_of(first);

        if (first->seq != 0) /* 0: it could not be stored before the program ended */
            send_committed(g, &outbox, first);
        if (p->message != NULL)
            open_message_unref(&p->message);
        journal_request_free(&first);
        first = next;
    }
    worker_outbox_send(g, &outbox);
}
