/*
 * While a session changes it is found for both ways. Each worker is asked twice: a letter back says
 * how many records it has made so far, and so which of them are older than the question; and a
 * barrier comes back when those are committed. From the first answer of a worker on its recorded
 * messages are not given live any more, but when they are committed. When all barriers are there,
 * all that was given live has a number not above the last barrier's, which is where the session
 * stands in the journal then.
 */
#include "service/app_convert.h"

#include "platform/router.h"
#include "service/app_replay.h"

struct conversion {
    uint64_t answered, committed;                /* bits of workers */
    uint64_t numbers[OPEN_INTEREST_WORKERS_MAX]; /* records made before the question, by worker */
    uint64_t seq;                                /* of the last barrier */
};

/* --- at each worker -------------------------------------------------------------------------- */

static void open_answered(struct worker *w, const struct letter *l);
static void open_committed(struct worker *w, const struct letter *l);

/* a: the session, b: its worker, c: its project. */
static void open_question(struct worker *w, const struct letter *l)
{
    struct home *h = home_of(w);
    struct letter answer = {.open = open_answered, .a = l->a, .b = w->index, .c = h->recorded};
    struct router_receipt barrier = {
        .open = open_committed, .to = (unsigned)l->b, .a = l->a, .b = w->index, .wants_seq = true};

    /* The same way as messages go, so as not to come before or behind one. */
    if (l->b == w->index && h->letters_to_self == 0)
        open_answered(w, &answer);
    else
        worker_post(w, (unsigned)l->b, &answer);
    router_put_barrier(h, l->c, &barrier);
}

/* --- at the session's home ------------------------------------------------------------------- */

static struct app_session *find(struct worker *w, const struct letter *l)
{
    struct session *s = session_find_handle(w, l->a);
    struct app_session *a = s == NULL ? NULL : app_session_of(s);

    return a == NULL || a->conversion == NULL ? NULL : a;
}

static void open_answered(struct worker *w, const struct letter *l)
{
    struct app_session *a = find(w, l);

    if (a == NULL)
        return;
    a->conversion->answered |= 1ull << l->b;
    a->conversion->numbers[l->b] = l->c;
}

static void stop_fed(struct app_session *a, struct app_subscription *sub)
{
    if (sub->fed.is_indexed)
        open_index_remove(home_of(a->session->worker)->index, &sub->fed, &a->project->interest);
}

/* The bit of interest stays set all the time. */
static void switch_over(struct app_session *a, struct app_subscription *sub)
{
    struct open_index *index = home_of(a->session->worker)->index;

    if (sub->is_shared)
        return;
    open_index_remove(index, &sub->indexed, &a->project->interest);
    sub->indexed.durable = true;
    open_index_add(index, &sub->indexed, &a->project->interest);
    stop_fed(a, sub);
}

static void finish(struct app_session *a)
{
    uint64_t seq = a->conversion->seq;

    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        switch_over(a, list_entry(n, struct app_subscription, node));
    mem_free(a->conversion);
    a->conversion = NULL;
    app_feed_open_at(a, seq);
    app_replay_begin(a);
}

/* c: the project's last number before the barrier. */
static void open_committed(struct worker *w, const struct letter *l)
{
    struct app_session *a = find(w, l);
    unsigned count = worker_group_count(w->group);

    if (a == NULL)
        return;
    a->conversion->committed |= 1ull << l->b;
    a->conversion->seq = l->c;
    if (a->conversion->committed == (count == 64 ? UINT64_MAX : (1ull << count) - 1))
        finish(a);
}

void app_convert_subscribed(struct app_subscription *sub)
{
    struct app_session *a = sub->session;

    if (sub->is_shared || sub->fed.is_indexed)
        return;
    sub->fed.filter = sub->indexed.filter;
    sub->fed.durable = true;
    sub->fed.owner = sub;
    open_index_add(home_of(a->session->worker)->index, &sub->fed, &a->project->interest);
}

void app_convert_begin(struct app_session *a)
{
    struct worker *w = a->session->worker;
    struct letter letter = {
        .open = open_question, .a = a->session->handle, .b = w->index, .c = a->project->project_id};

    if (a->is_durable || a->conversion != NULL)
        return;
    a->conversion = mem_new_of(MEM_SESSION, struct conversion);
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        app_convert_subscribed(list_entry(n, struct app_subscription, node));
    /* Behind the bits of interest: who opens it records what we have subscribed to. */
    for (unsigned i = 0; i < worker_group_count(w->group); i++)
        worker_post(w, i, &letter);
}

bool app_convert_takes_live(const struct app_session *a, const struct open_message *m)
{
    return a->conversion == NULL || m->record_number == 0 ||
           (a->conversion->answered & 1ull << m->home) == 0;
}

bool app_convert_takes_committed(const struct app_session *a, const struct open_message *m)
{
    return a->conversion == NULL || ((a->conversion->answered & 1ull << m->home) != 0 &&
                                     m->record_number > a->conversion->numbers[m->home]);
}

void app_convert_drop(struct app_session *a)
{
    if (a->conversion == NULL)
        return;
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        stop_fed(a, list_entry(n, struct app_subscription, node));
    mem_free(a->conversion);
    a->conversion = NULL;
}
