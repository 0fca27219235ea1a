/*
 * N workers, each a thread with its own loop, inbox, timers and memory; everything that is
 * connected has exactly one of them as its home.
 *
 * A turn of a worker: letters from other workers (so many that others are not kept waiting), input,
 * timers, work at the end of the turn (hooks, outgoing batches, corked writes, closing list). A
 * connection whose input makes more letters than their receiver can open is not read until there
 * are fewer. Without threads (tests) worker_turn runs the same by hand. Source: architecture.md
 * "Everything has a home"
 */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "net/inbox.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/transport.h"

enum { WORKERS_MAX = 64, WORKER_MAGIC = 0x574F524B };

/** What the layers above keep per worker; each sets its own. */
enum worker_context { WORKER_MQTT, WORKER_PLATFORM, WORKER_SERVICE, WORKER_CONTEXT_COUNT };

typedef void (*worker_hook_fn)(struct worker *w, void *arg);

enum { WORKER_HOOKS_MAX = 4 };

struct worker_group;

/** Letters gathered per destination; a zeroed one is empty. */
struct worker_outbox {
    struct inbox_batch *batches[WORKERS_MAX]; /* owned */
    uint64_t mask;                            /* destinations that have some */
    uint64_t backlogged; /* destinations that were posted to and have too many unopened */
};

struct worker {
    uint32_t magic;
    unsigned index;
    struct worker_group *group; /* borrowed: outlives its workers */
    struct loop *loop;          /* owned; NULL when turned by hand */
    uint64_t now_ms;            /* monotonic, taken once a turn */
    bool time_is_stale;         /* it slept since: input takes the time first */
    int64_t unix_ms;            /* Unix time, taken once a turn */
    struct timer_wheel timers;
    struct inbox inbox;
    struct inbox_batch *unopened;  /* owned: taken out of the inbox, for the next turns */
    _Atomic uint64_t hold_back;    /* workers that do not read some connections until we have opened
                                      what they sent; any thread adds itself */
    uint64_t held_for;             /* workers for whose sake we do not read some */
    struct worker_outbox outgoing; /* letters of this turn */
    struct list dirty_conns;       /* with output to flush */
    struct list resumed_conns;     /* that read again, their unused bytes not yet offered */
    struct list throttled_conns;   /* that are not read while others catch up */
    struct list withheld_conns;    /* whose output waits, in the order of these numbers: */
    uint64_t last_withheld;        /* the last one that was given */
    struct list closing_conns;     /* to be freed at the end of the turn */
    struct list conns;             /* all that are at home or being accepted here */
    struct transport_scratch scratch;
    uint8_t *read_memory;  /* owned: TRANSPORT_READ_ROOM and padding for the JSON parser */
    struct buffer ws_data; /* owned: unmasked WebSocket data of one read */
    void *context[WORKER_CONTEXT_COUNT];
    struct {
        worker_hook_fn fn;
        void *arg;
    } hooks[WORKER_HOOKS_MAX];
    unsigned hook_count;
};

/**
 * A group of `count` workers (1 to WORKERS_MAX), not yet running.
 *
 * @param threaded  each gets a loop and later a thread; otherwise they are turned by hand
 * (worker_turn)
 */
struct worker_group *worker_group_new(unsigned count, bool threaded);

/** Frees the workers; they have been stopped and hold no connections. */
void worker_group_free(struct worker_group **g);

unsigned worker_group_count(const struct worker_group *g);
struct worker *worker_group_get(struct worker_group *g, unsigned index);

/** Starts a thread per worker. */
void worker_group_start(struct worker_group *g);

/** Ends the threads after their present turn and waits for them. Letters that were under way are
 * delivered afterwards by worker_group_settle. */
void worker_group_stop(struct worker_group *g);

/** Turns all workers by hand until no letter is under way; no thread of theirs may run. */
void worker_group_settle(struct worker_group *g);

/** The worker that is home to what has this hash. */
static inline unsigned worker_home(uint64_t hash, unsigned count)
{
    return (unsigned)(((hash >> 32) * count) >> 32);
}

/** Sends a letter from worker `from` (on its thread) to worker `to`, with this turn's batch. To
 * itself too: it is opened in its next turn. */
void worker_post(struct worker *from, unsigned to, const struct letter *letter);

/** Sends a letter from a thread that is no worker; at once. */
void worker_group_post(struct worker_group *g, unsigned to, const struct letter *letter);

/** What worker_group_call runs; on the worker's thread. */
typedef void (*worker_call_fn)(struct worker *w, void *arg);

/**
 * Has a worker run a function, and waits until it has: how a thread that is no worker asks what a
 * worker is home to. Letters that the caller's thread posted before are opened before it runs.
 *
 * While the group's threads do not run, whoever may turn its workers by hand may call this too:
 * then the function runs at once, here. A thread that calls this must have ended, or be known to
 * wait for no worker, before worker_group_stop.
 *
 * @param arg  borrowed until the function returns; the answer goes there
 */
void worker_group_call(struct worker_group *g, unsigned index, worker_call_fn fn, void *arg);

/** The same with many letters: gathered, then sent together, in order per destination. */
void worker_outbox_add(struct worker_group *g, struct worker_outbox *o, unsigned to,
                       const struct letter *letter);
void worker_outbox_send(struct worker_group *g, struct worker_outbox *o);

/** Some connection of ours is not read until the workers in outgoing.backlogged have caught up. */
void worker_hold_back(struct worker *w);

void worker_take_time(struct worker *w);

/** Input has come: what it causes happens at the present time, not at that of the last turn. */
static inline void worker_on_input(struct worker *w)
{
    if (w->time_is_stale)
        worker_take_time(w);
}

/** Adds work at the end of each turn, before batches and output leave. */
void worker_add_hook(struct worker *w, worker_hook_fn fn, void *arg);

/** One turn without a loop: letters, timers, end of turn. Gives true when there were letters. */
bool worker_turn(struct worker *w);

/** Runs on each worker's thread before its first turn and after its last; set before the start. */
void worker_group_on_thread(struct worker_group *g, void (*started)(struct worker *w),
                            void (*ended)(struct worker *w));
