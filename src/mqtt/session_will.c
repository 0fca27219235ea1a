/* The will of a session: published, dropped, or put off when its client goes. */
#include "mqtt/session_priv.h"

void session_publish_will(struct session *s)
{
    struct will *w = s->will;

    s->will = NULL;
    timer_cancel(&s->will_timer);
    if (w == NULL)
        return;
    s->service->publish_will(s, w);
    will_free(&w);
}

void session_drop_will(struct session *s)
{
    timer_cancel(&s->will_timer);
    if (s->will != NULL && s->will->number != 0)
        s->service->forget_will(s, s->will);
    will_free(&s->will);
}

static void on_will_due(struct timer *t)
{
    session_publish_will(list_entry(t, struct session, will_timer));
}

/* It waits for its delay or for the session's end, whichever is first. */
static void put_will_off(struct session *s)
{
    struct worker *w = s->worker;

    if (s->will->delay_s < s->expiry_s)
        timer_set(&w->timers, &s->will_timer, w->now_ms + s->will->delay_s * 1000ull, on_will_due);
    if (s->will->number != 0)
        s->service->keep_will(s, s->will);
}

void session_end_will(struct session *s)
{
    if (s->will != NULL && s->will->delay_s > 0 && s->expiry_s > 0)
        put_will_off(s);
    else
        session_publish_will(s);
}
