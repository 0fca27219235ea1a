/*
 * What outlives a connection: identity, expiry, will, unacknowledged deliveries, QoS 2 states;
 * those of one worker in one table.
 *
 * A session belongs to its home worker. Letters name it by its handle, since it may be gone when
 * they arrive. It knows no topic of ours; subscriptions are the service's matter. Source: MQTT 5.0
 * section 4.1
 */
#pragma once

#include "base/hash_table.h"
#include "mqtt/flow_in.h"
#include "mqtt/flow_out.h"
#include "mqtt/service.h"
#include "mqtt/will.h"

enum {
    SESSION_MAGIC = 0x53455353,
    SESSION_CLIENT_ID_MAX = 256 /* bytes; longer ones are refused with 0x85 */
};

struct session {
    uint32_t magic;
    bool is_closed;   /* over; freed at the end of the turn */
    bool is_draining; /* guards against drain being entered from itself */
    bool wants_room;  /* `room` is owed to the service */
    struct worker *worker;
    const struct mqtt_service *service;
    uint64_t handle; /* unique in the process */
    uint64_t scope;
    uint64_t hash;   /* of scope and identifier */
    char *client_id; /* owned */
    uint16_t client_id_len;
    enum mqtt_version version; /* of the last connection */
    uint32_t expiry_s;         /* 0: ends with its connection; UINT32_MAX: never (v5) */
    uint32_t expiry_max_s;
    struct client *client; /* borrowed; NULL: offline */
    uint64_t client_count; /* connections so far: numbers tickets */
    struct flow_out out;   /* deliveries: queue and window */
    struct flow_in in;     /* QoS 2 receptions */
    struct will *will;     /* owned; NULL: none */
    struct timer will_timer, expiry_timer;
    struct list closing_node;
    void *owner; /* the service's object */
};

/** The sessions of one worker, set up in the worker's context. */
void session_table_init(struct worker *w);
/** Ends all sessions, none of which has a client (shutdown). */
void session_table_close_all(struct worker *w);
void session_table_deinit(struct worker *w);

/** The session of this service, scope and identifier, or NULL. */
struct session *session_find(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id);

/** The session with this handle, or NULL. */
struct session *session_find_handle(struct worker *w, uint64_t handle);

/** A new session; the table owns it. There is none with this identity. */
struct session *session_open(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id);

/** Ends a session that has no client: the service is told, its will (if any is due) published;
 * freed at the end of the turn. */
void session_close(struct session *s);

/** Makes the will due now, if there is one, and forgets it. */
void session_publish_will(struct session *s);

/** The client has gone: starts will delay and expiry, or ends the session. */
void session_detach(struct session *s);

/** A client came back (or came): stops the clocks of will and expiry. */
void session_attach(struct session *s, struct client *c);

enum session_result {
    SESSION_SENT,    /* on its way (or skipped as too large for the client, and counted) */
    SESSION_QUEUED,  /* waits for window or room */
    SESSION_DROPPED, /* QoS 0 and no room: counted */
    SESSION_FULL /* QoS 1 or 2 and the queue is full: not taken; the service decides; `room` follows
                  */
};

/** Gives a session a delivery; what the delivery owns passes unless SESSION_FULL is given. */
enum session_result session_deliver(struct session *s, struct delivery *d);

/** Sends what window and room allow; called when acknowledgements or room came. */
void session_drain(struct session *s);

/** Frees sessions that are over; a hook at the end of the turn. */
void session_free_closed(struct worker *w);

/** Walks the sessions of a worker (shutdown, removal of a project): start with *cursor = 0; NULL at
 * the end. */
struct session *session_next(struct worker *w, size_t *cursor);
