/*
 * What a connection sends: appended during a turn, flushed at its end, and minded while the peer
 * does not take it. Runs on the connection's worker.
 */
#include "base/invariant.h"
#include "net/conn_priv.h"
#include "net/counters.h"
#include "net/events.h"

enum {
    CONN_HIGH_WATER = 256 * 1024, /* unsent bytes from which a sender holds back */
    CONN_LOW_WATER = 64 * 1024,   /* and below which it goes on */
    CONN_IOV_MAX = 32
};

size_t conn_unsent(const struct conn *c)
{
    return c->out.len;
}

bool conn_is_full(const struct conn *c)
{
    return c->is_full;
}

void conn_mark_dirty(struct conn *c)
{
    if (!list_is_linked(&c->dirty_node))
        list_push_back(&c->worker->dirty_conns, &c->dirty_node);
}

struct out_buffer *conn_output(struct conn *c)
{
    invariant(c->magic == CONN_MAGIC);
    conn_mark_dirty(c);
    if (c->out.len > CONN_HIGH_WATER)
        c->is_full = true;
    return &c->out;
}

bool conn_is_withheld(const struct conn *c)
{
    return c->withheld != 0;
}

uint64_t conn_withhold(struct conn *c)
{
    invariant(!conn_is_withheld(c));
    c->withheld = ++c->worker->last_withheld;
    list_remove(&c->dirty_node); /* not flushed, and not marked again either */
    list_push_back(&c->worker->withheld_conns, &c->dirty_node);
    return c->withheld;
}

void conn_release(struct worker *w, uint64_t number)
{
    struct list *first;

    while ((first = w->withheld_conns.next) != &w->withheld_conns) {
        struct conn *c = list_entry(first, struct conn, dirty_node);

        if (c->withheld > number)
            return;
        c->withheld = 0;
        list_remove(first);
        conn_mark_dirty(c);
    }
}

static bool has_output(const struct conn *c)
{
    return c->out.len > 0 || c->transport->has_unsent;
}

/* Offers the transport everything; false: it failed. */
static bool send_output(struct conn *c)
{
    struct iovec iov[CONN_IOV_MAX];
    enum status st = ST_OK;

    while (st == ST_OK && has_output(c)) {
        size_t written = 0;
        int count = out_buffer_gather(&c->out, iov, CONN_IOV_MAX);

        st = c->transport->ops->write(c->transport, &c->worker->scratch, iov, count, &written);
        out_buffer_sent(&c->out, written);
        counter_add(&CT_bytes_sent, (int64_t)written);
    }
    return st == ST_OK || st == ST_AGAIN;
}

bool conn_make_room(struct conn *c)
{
    if (c->state != CONN_OPEN || conn_is_withheld(c))
        return false;
    /* a failure shows again, and closes it, at the end of the turn: our caller is in the middle of
     * something */
    conn_mark_dirty(c);
    if (!send_output(c))
        return false;
    if (c->out.len < CONN_LOW_WATER)
        c->is_full = false;
    return !c->is_full;
}

static void on_write_timeout(struct timer *t)
{
    struct conn *c = list_entry(t, struct conn, timer);
    uint64_t deadline_ms = c->progress_ms + c->origin->write_timeout_ms;

    if (!has_output(c))
        return;
    if (c->worker->now_ms < deadline_ms) {
        timer_set(&c->worker->timers, t, deadline_ms, on_write_timeout);
        return;
    }
    conn_close_stalled(c);
}

/* Output waits after a flush: it has to go on, if slowly. When it does not wait any more the timer
 * stays set: it costs nothing until it fires. */
static void mind_progress(struct conn *c)
{
    struct worker *w = c->worker;
    bool is_new = !timer_is_set(&c->timer);

    if (c->state != CONN_OPEN || !c->is_established || c->origin->write_timeout_ms == 0)
        return;
    if (!is_new && c->sent == c->transport->sent)
        return;
    c->sent = c->transport->sent;
    c->progress_ms = w->now_ms;
    if (is_new)
        timer_set(&w->timers, &c->timer, w->now_ms + c->origin->write_timeout_ms, on_write_timeout);
}

static void flush(struct conn *c)
{
    if (!send_output(c)) {
        conn_close_failed(c);
        return;
    }
    if (has_output(c))
        mind_progress(c);
    if (c->state == CONN_ENDING && !has_output(c)) {
        conn_start_lingering(c);
        return;
    }
    if (c->is_full && c->out.len < CONN_LOW_WATER) {
        c->is_full = false;
        if (c->state == CONN_OPEN)
            c->handler->on_room(c);
    }
    conn_update_interest(c);
}

void conn_flush_all(struct worker *w)
{
    struct list dirty;
    struct list *node;

    list_init(&dirty);
    list_splice_back(&dirty, &w->dirty_conns);
    while ((node = list_pop_front(&dirty)) != NULL)
        flush(list_entry(node, struct conn, dirty_node));
    /* What became dirty by on_room leaves in the next turn, which must come without other input. */
    if (!list_is_empty(&w->dirty_conns) && w->loop != NULL)
        loop_wake(w->loop);
}
