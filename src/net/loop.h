/*
 * A thread's event loop: sockets to watch, a wake-up from other threads, a tick, and work at the
 * end of each turn.
 *
 * libuv is known here only. All functions but loop_wake and loop_stop are for the loop's own
 * thread. A turn is: time, input of all ready sockets, then `on_turn_end` before the loop sleeps
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 /* the peer has shut its side */ };

struct loop_callbacks {
    void (*on_wake)(void *arg);     /* loop_wake was called (several calls may come as one) */
    void (*on_tick)(void *arg);     /* every tick_ms, late when the loop is busy */
    void (*on_turn_end)(void *arg); /* once a turn, before it sleeps */
    void *arg;
    unsigned tick_ms;
};

struct loop *loop_new(const struct loop_callbacks *callbacks);
/** Frees a loop that has been run to its end, or was never run. */
void loop_free(struct loop **l);

/** Runs until loop_stop. */
void loop_run(struct loop *l);

/** Wakes the loop from any thread. */
void loop_wake(struct loop *l);

/** Makes loop_run return after the present turn; any thread. */
void loop_stop(struct loop *l);

/** Called with the LOOP_ bits that are ready; a socket in error is ready for both, and is then
 * watched for nothing until loop_watch_set. */
typedef void (*loop_watch_fn)(void *arg, unsigned ready);

/** Watches a socket (borrowed); for nothing yet. NULL when the kernel refuses (descriptor limits of
 * epoll). */
struct loop_watch *loop_watch_new(struct loop *l, int fd, loop_watch_fn fn, void *arg);

/** Sets what to watch for: LOOP_ bits, 0 for nothing. */
void loop_watch_set(struct loop_watch *w, unsigned interest);

/** Ends watching at once; the socket may be closed or watched by another loop afterwards. NULL
 * inside is accepted. */
void loop_watch_free(struct loop_watch **w);

/** A POSIX signal handled on this loop's thread (main thread's loop). */
void loop_on_signal(struct loop *l, int signal_number, void (*fn)(void *arg, int signal_number),
                    void *arg);
