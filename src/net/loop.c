/*
 * The event loop on libuv: uv_poll for sockets (so that TLS writes straight to them) and for the
 * wake-up, an eventfd (who is woken by an uv_async spins until the other thread has come back from
 * its system call, which in this very moment it often has not), uv_timer for the tick, uv_prepare
 * for the end of a turn (it runs after all input of a turn and before the loop sleeps). Each loop
 * is one thread's.
 */
#include "net/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/invariant.h"
#include "base/mem.h"

enum { LOOP_SIGNALS_MAX = 4 };

struct loop_signal {
    uv_signal_t handle;
    void (*fn)(void *arg, int signal_number);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_poll_t wake;
    int wake_fd;
    _Atomic bool is_woken; /* and the loop has not begun to see to it */
    uv_async_t stop;
    uv_timer_t tick;
    uv_prepare_t turn_end;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    unsigned signal_count;
    struct loop_callbacks callbacks;
};

struct loop_watch {
    uv_poll_t handle;
    loop_watch_fn fn;
    void *arg;
    unsigned interest;
};

static void on_wake(uv_poll_t *handle, int status, int events)
{
    struct loop *l = handle->data;
    eventfd_t count;

    (void)events;
    invariant(status == 0);
    (void)eventfd_read(l->wake_fd, &count);
    /* After the reading, before the work: who wakes from here on writes again. */
    (void)atomic_exchange_explicit(&l->is_woken, false, memory_order_acq_rel);
    l->callbacks.on_wake(l->callbacks.arg);
}

static void on_stop(uv_async_t *handle)
{
    uv_stop(handle->loop);
}

static void on_tick(uv_timer_t *handle)
{
    struct loop *l = handle->data;

    l->callbacks.on_tick(l->callbacks.arg);
}

static void on_turn_end(uv_prepare_t *handle)
{
    struct loop *l = handle->data;

    l->callbacks.on_turn_end(l->callbacks.arg);
}

struct loop *loop_new(const struct loop_callbacks *callbacks)
{
    struct loop *l = mem_new_of(MEM_BASE, struct loop);

    l->callbacks = *callbacks;
    invariant(uv_loop_init(&l->uv) == 0);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    invariant(l->wake_fd >= 0);
    invariant(uv_poll_init(&l->uv, &l->wake, l->wake_fd) == 0);
    invariant(uv_async_init(&l->uv, &l->stop, on_stop) == 0);
    uv_timer_init(&l->uv, &l->tick);
    uv_prepare_init(&l->uv, &l->turn_end);
    l->wake.data = l->tick.data = l->turn_end.data = l;
    invariant(uv_poll_start(&l->wake, UV_READABLE, on_wake) == 0);
    uv_timer_start(&l->tick, on_tick, callbacks->tick_ms, callbacks->tick_ms);
    uv_prepare_start(&l->turn_end, on_turn_end);
    return l;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    invariant(handle->type != UV_POLL ||
              uv_is_closing(handle)); /* watches are freed by their owners */
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop **lp)
{
    struct loop *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_walk(&l->uv, close_handle, NULL);
    while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0) {}
    invariant(uv_loop_close(&l->uv) == 0);
    (void)close(l->wake_fd);
    mem_free(l);
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_wake(struct loop *l)
{
    if (atomic_exchange_explicit(&l->is_woken, true, memory_order_acq_rel))
        return;
    while (eventfd_write(l->wake_fd, 1) != 0 && errno == EINTR) {}
}

void loop_stop(struct loop *l)
{
    uv_async_send(&l->stop);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *w = handle->data;
    unsigned ready = 0;

    if (status < 0)
        ready = LOOP_READ | LOOP_WRITE;
    if (status < 0)
        w->interest = 0; /* libuv has stopped watching; bytes may still stand before the error */
    if ((events & UV_READABLE) != 0)
        ready |= LOOP_READ;
    if ((events & UV_WRITABLE) != 0)
        ready |= LOOP_WRITE;
    if ((events & UV_DISCONNECT) != 0)
        ready |= LOOP_HANGUP;
    w->fn(w->arg, ready);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, loop_watch_fn fn, void *arg)
{
    struct loop_watch *w = mem_new_of(MEM_CONN, struct loop_watch);

    if (uv_poll_init(&l->uv, &w->handle, fd) != 0) {
        mem_free(w);
        return NULL;
    }
    w->handle.data = w;
    w->fn = fn;
    w->arg = arg;
    return w;
}

void loop_watch_set(struct loop_watch *w, unsigned interest)
{
    int events = 0;

    if (w->interest == interest)
        return;
    w->interest = interest;
    if (interest == 0) {
        uv_poll_stop(&w->handle);
        return;
    }
    if ((interest & LOOP_READ) != 0)
        events |= UV_READABLE;
    if ((interest & LOOP_WRITE) != 0)
        events |= UV_WRITABLE;
    if ((interest & LOOP_HANGUP) != 0)
        events |= UV_DISCONNECT;
    invariant(uv_poll_start(&w->handle, events, on_poll) == 0);
}

static void on_watch_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void loop_watch_free(struct loop_watch **wp)
{
    struct loop_watch *w = *wp;

    *wp = NULL;
    if (w == NULL)
        return;
    uv_close((uv_handle_t *)&w->handle, on_watch_closed);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    struct loop_signal *s = handle->data;

    s->fn(s->arg, signal_number);
}

void loop_on_signal(struct loop *l, int signal_number, void (*fn)(void *arg, int signal_number),
                    void *arg)
{
    invariant(l->signal_count < LOOP_SIGNALS_MAX);
    struct loop_signal *s = &l->signals[l->signal_count++];

    s->fn = fn;
    s->arg = arg;
    invariant(uv_signal_init(&l->uv, &s->handle) == 0);
    s->handle.data = s;
    invariant(uv_signal_start(&s->handle, on_signal, signal_number) == 0);
}
