/*
 * The sessions of a project's applications, as others see them: which there are, what they are
 * subscribed to, what waits for them; and their end.
 *
 * Runs at the sessions' home: each worker has those that it is home to. Source: open-api.md 3.4, 7
 */
#pragma once

#include "net/worker.h"

struct app_session_subscription {
    char *filter;
    uint8_t qos;
};

/** A session at a moment. */
struct app_session_view {
    char *client_id;
    char *address;      /* NULL: offline */
    const char *secret; /* the name of the one that it was last logged in with; borrowed; NULL: it
                           has had no connection since the server was started */
    bool is_v5;
    bool is_connected;
    bool is_persistent; /* it outlives its connection */
    uint32_t expiry_s;
    struct app_session_subscription *subscriptions;
    size_t subscription_count;
    uint64_t queued; /* messages in memory */
    uint64_t queued_bytes;
    uint64_t unacknowledged;
    bool is_behind; /* reads the journal: more waits than is in memory */
};

typedef void (*app_session_view_fn)(const struct app_session_view *v, void *arg);

/** The sessions of a project on this worker, in no order. `client_id`: this one only; data NULL:
 * all. The view is borrowed. */
void app_session_each(struct worker *w, uint64_t project_id, struct slice client_id,
                      app_session_view_fn fn, void *arg);

/** Ends a session and its connection (v5: 0x98). False: there is none here. */
bool app_session_end(struct worker *w, uint64_t project_id, struct slice client_id);
