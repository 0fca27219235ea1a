/*
 * The event loop of one thread: waits for sockets, lets each one read, and at the end of a turn
 * lets each one that has something to say write it, once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Room for the largest payload with its headers, and for many small ones in one read. */
#define LOAD_LOOP_READ_SIZE (512u * 1024u)

struct load_loop_source;

/** What a loop calls. */
struct load_loop_handler {
    void (*on_events)(struct load_loop_source *source, uint32_t events); /* of epoll */
    void (*on_turn_end)(struct load_loop_source *source);
};

/** A descriptor as the loop sees it: the first member of what it belongs to. */
struct load_loop_source {
    const struct load_loop_handler *handler; /* borrowed, static */
    struct load_loop_source *next_touched;
    bool touched;
};

struct load_loop {
    int epoll_fd;
    int wake_fd;
    struct load_loop_source *touched; /* borrowed; those with something to write */
    uint8_t *read_buffer;             /* owned; LOAD_LOOP_READ_SIZE bytes, for whoever reads now */
    int64_t read_us;                  /* Unix time of the last read that brought bytes */
};

/** Makes a loop; what is missing ends the process. */
void load_loop_init(struct load_loop *loop);

/** Closes and frees what the loop holds. Sources must be gone. */
void load_loop_deinit(struct load_loop *loop);

/** Waits for `events` on `fd`: the first time with `add`, then as a change. */
void load_loop_watch(struct load_loop *loop, int fd, struct load_loop_source *source,
                     uint32_t events, bool add);

/** Has on_turn_end of the source called at the end of this turn. */
void load_loop_touch(struct load_loop *loop, struct load_loop_source *source);

/** Waits at most `timeout_ns` (-1: for ever) and lets sources handle their events. */
void load_loop_wait(struct load_loop *loop, int64_t timeout_ns);

/** Ends the turn: each touched source writes. */
void load_loop_end_turn(struct load_loop *loop);

/** Ends the waiting of the loop; from any thread. */
void load_loop_wake(struct load_loop *loop);
