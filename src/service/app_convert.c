/* While a session changes it is found for both ways; changeover.h tells which message counts. */
#include "service/app_convert.h"

#include "service/app_replay.h"
#include "service/changeover.h"

static struct app_session *find(struct worker *w, const struct letter *l)
{
    struct session *s = session_find_handle(w, l->a);
    struct app_session *a = s == NULL ? NULL : app_session_of(s);

    return a == NULL || a->conversion == NULL ? NULL : a;
}

static void open_answered(struct worker *w, const struct letter *l)
{
    struct app_session *a = find(w, l);

    if (a != NULL)
        changeover_note_answer(a->conversion, l);
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

static void open_committed(struct worker *w, const struct letter *l)
{
    struct app_session *a = find(w, l);

    if (a != NULL && changeover_note_commit(a->conversion, w, l))
        finish(a);
}

static const struct changeover_ways ways = {open_answered, open_committed};

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
    if (a->is_durable || a->conversion != NULL)
        return;
    a->conversion = mem_new_of(MEM_SESSION, struct changeover);
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        app_convert_subscribed(list_entry(n, struct app_subscription, node));
    changeover_ask(a->session->worker, a->project->project_id, a->session->handle, &ways);
}

bool app_convert_takes_live(const struct app_session *a, const struct open_message *m)
{
    return a->conversion == NULL || changeover_takes_live(a->conversion, m);
}

bool app_convert_takes_committed(const struct app_session *a, const struct open_message *m)
{
    return a->conversion == NULL || changeover_takes_committed(a->conversion, m);
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
