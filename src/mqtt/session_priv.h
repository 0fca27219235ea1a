/* What session and client share of a worker's MQTT state. */
#pragma once

#include "mqtt/session.h"

struct session_table {
    struct hash_table by_identity; /* borrows the sessions that it owns together with by_handle */
    struct hash_table by_handle;
    struct list closed_sessions;       /* owned until the end of the turn */
    struct list closed_clients;        /* owned until the end of the turn */
    struct hash_table waiting_clients; /* borrows those whose CONNECT is put off */
    struct list overflowed;            /* borrowed: sessions whose connections end with this turn */
    const struct session_limits *limits; /* borrowed */
    uint64_t last_wait_number;
};

static inline struct session_table *session_table_of(const struct worker *w)
{
    return w->context[WORKER_MQTT];
}

/** The client has gone: its will is published, or put off. */
void session_end_will(struct session *s);
