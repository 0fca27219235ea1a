/*
 * A whole server without threads, sockets or time: workers turned by hand, a journal committed by
 * hand, connections in memory, clocks that stand still until somebody moves them.
 *
 * Whoever plays in it decides what happens next; the world only knows how it is done, and proves at
 * its end that nothing is left. One at a time, one thread.
 */
#pragma once

#include "base/counter.h"
#include "chance.h"
#include "data_place.h"
#include "memory_transport.h"
#include "net/worker.h"
#include "platform/home.h"
#include "service/site.h"

enum {
    WORLD_DEVICES_MAX = 8,
    WORLD_LINKS_MAX = 256,
    WORLD_CONNECT_TIMEOUT_MS = 10000,
    WORLD_PACKET_MAX = 300000
};

#define WORLD_PROJECT  "PR_SIM0000001"
#define WORLD_PASSWORD "secret"

/** A connection. Its place is taken until both sides have let go. */
struct link {
    struct memory_transport *pipe; /* shared; NULL: the client has let go */
    struct conn *conn;             /* borrowed; NULL: the server has let go */
    bool is_moving;                /* in a letter to another worker: may not be touched */
    bool is_used;
    uint64_t number;              /* grows with each connection, from 1 */
    struct memory_transport *end; /* borrowed: the pipe while `conn` lives */
};

struct world {
    uint64_t seed;
    uint64_t step;
    struct chance chance;
    struct worker_group *workers;
    unsigned worker_count;
    struct journal *journal;
    struct journal_commit *commit;
    struct home_shared shared;
    struct site_settings settings;
    struct session_limits session_limits; /* wide; may be narrowed */
    struct login_guard *logins;
    struct secret_usage *secret_usage;
    struct link links[WORLD_LINKS_MAX];
    uint64_t link_count; /* ever made */
    char project[IDENT_TEXT_LEN + 1];
    char devices[WORLD_DEVICES_MAX][IDENT_TEXT_LEN + 1];
    unsigned device_count;
    bool is_narrow; /* queues are short: whoever does not read may be ended or not get all */
    bool has_small_packets; /* some clients accept small packets only */
    int64_t bytes_before;
    int64_t counters_before[COUNTER_MAX];
};

/** Prints seed and step with the message, and ends the process. */
void world_fail(const struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/** True when EZTCLOUD_SIM_TRACE is set: what costs more than a line is worth its while. */
bool world_is_tracing(void);

/** One line of the story, when EZTCLOUD_SIM_TRACE is set. */
void world_trace(const struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Counters get their places, logs are silenced; once. */
void world_prepare(void);

/** From now on a crash tells seed and step. */
void world_tell_crashes(void);

/** Worlds that are opened from now on have their journal on disk, in a place that is open; NULL: in
 * memory again. */
void world_keep_journals(struct data_place *place);

/** Opens it: one project, `device_count` devices. The seed decides everything that happens in it.
 */
void world_open(struct world *w, uint64_t seed, unsigned worker_count, unsigned device_count,
                uint16_t receive_maximum);

/** The secrets of its project: WORLD_PASSWORD is the main one. With a reference, the caller's. */
struct secret_set *world_secrets(void);

/**
 * Stops the server and starts it again over the same journal, with the project and its devices as
 * world_open makes them; what they had is to be loaded (device_store_load). All connections end.
 *
 * @param saves  a clean stop; otherwise what is not committed yet is lost
 */
void world_restart(struct world *w, bool saves, uint64_t pause_ms);

/** The same as if the process were killed now: what is not committed is lost, and nothing that
 * happens afterwards is seen by the next one. Worlds whose journal is on disk. */
void world_kill(struct world *w, uint64_t pause_ms);

/** Proves that nobody broke a rule, nothing expired, and there was room for all: so it is where
 * everybody is a good client. */
void world_check_losses(const struct world *w);

/** Stops the server as the program does, frees it, and proves that nothing is left. */
void world_close(struct world *w);

/** Queues are short from now on, or wide again; with `small_packets`, some clients skip messages.
 */
void world_narrow(struct world *w, uint32_t queue_messages, bool small_packets);
void world_widen(struct world *w);

/** A connection to a service (SITE_…), accepted by a worker; NULL: no place. */
struct link *world_connect(struct world *w, unsigned service, unsigned worker);

/** The same to any face of the server; `origin` outlives the connection. */
struct link *world_connect_to(struct world *w, const struct conn_origin *origin, unsigned worker);

/** Lets up to `len` bytes of a connection (0: its end only) arrive at the server. False: nothing
 * was there. */
bool world_arrive(struct world *w, struct link *l, size_t len);

/** Gives the server room to write on a connection. */
void world_make_room(struct world *w, struct link *l, size_t room);

/** The client lets go; what has not arrived yet still may. `end` is what the server meets behind
 * it: MEMORY_OPEN when it does not notice. */
void world_let_go(struct world *w, struct link **l, enum memory_end end);

/** Turns a worker. */
void world_turn(struct world *w, unsigned worker);

/** One turn of the committing thread. */
bool world_commit(struct world *w);

void world_advance(struct world *w, uint64_t ms);

/** True when no letter is under way and nothing waits at the server. */
bool world_is_quiet(struct world *w);

/** What a counter has counted in this world. */
int64_t world_count(const struct world *w, const struct counter *c);

/** Checks what can be checked between two steps. */
void world_verify(struct world *w);
