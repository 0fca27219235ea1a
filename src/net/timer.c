/*
 * One ring of slots. A deadline further away than one turn of the ring stays in its slot and is
 * looked at once a turn (51 s), which is cheap for what is kept here. The slot of a deadline is the
 * tick at which it has passed, so nothing fires early.
 */
#include "net/timer.h"

#include "base/invariant.h"

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
    for (unsigned i = 0; i < TIMER_SLOTS; i++)
        list_init(&w->slots[i]);
    w->tick = now_ms / TIMER_TICK_MS;
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t deadline_ms, timer_fn fn)
{
    uint64_t tick = (deadline_ms + TIMER_TICK_MS - 1) / TIMER_TICK_MS;

    if (tick <= w->tick)
        tick = w->tick + 1;
    list_remove(&t->node);
    t->deadline_ms = deadline_ms;
    t->fn = fn;
    list_push_back(&w->slots[tick % TIMER_SLOTS], &t->node);
}

static void fire_slot(struct list *slot, uint64_t now_ms)
{
    struct list due;

    list_init(&due);
    for (struct list *node = slot->next, *next; node != slot; node = next) {
        struct timer *t = list_entry(node, struct timer, node);

        next = node->next;
        if (t->deadline_ms > now_ms)
            continue;
        list_remove(node);
        list_push_back(&due, node);
    }
    /* From a list of their own: a timer function may cancel or set any timer, the next one
     * included. */
    for (struct list *node; (node = list_pop_front(&due)) != NULL;) {
        struct timer *t = list_entry(node, struct timer, node);

        t->fn(t);
    }
}

void timer_wheel_advance(struct timer_wheel *w, uint64_t now_ms)
{
    uint64_t tick = now_ms / TIMER_TICK_MS;
    uint64_t first = w->tick + 1;

    if (tick <= w->tick)
        return;
    if (tick - w->tick > TIMER_SLOTS)
        first = tick - TIMER_SLOTS + 1; /* after a long pause each slot once is enough */
    for (uint64_t i = first; i <= tick; i++) {
        w->tick = i;
        fire_slot(&w->slots[i % TIMER_SLOTS], now_ms);
    }
}

bool timer_wheel_is_empty(const struct timer_wheel *w)
{
    for (unsigned i = 0; i < TIMER_SLOTS; i++) {
        if (!list_is_empty(&w->slots[i]))
            return false;
    }
    return true;
}
