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
#include "mqtt/take_over.h"
#include "mqtt/will.h"

enum {
    SESSION_MAGIC = 0x53455353,
    SESSION_CLIENT_ID_MAX = 256 /* bytes; longer ones are refused with 0x85 */
};

/** What one session may have waiting in memory. */
struct session_limits {
    uint32_t queue_messages;   /* deliveries */
    uint64_t queue_bytes;      /* and their bytes; as many may be unacknowledged */
    uint64_t queue_qos0_bytes; /* from which QoS 0 is dropped */
};

struct session {
    uint32_t magic;
    bool is_closed;     /* over; freed at the end of the turn, */
    bool is_ending;     /* but for its name, which stays until the end is secured */
    bool is_draining;   /* guards against drain being entered from itself */
    bool wants_room;    /* `room` is owed to the service */
    bool is_overflowed; /* its last connection was ended because the queue was full */
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
    struct client *client;  /* borrowed; NULL: offline */
    struct client *waiting; /* borrowed: will take it or its place; NULL: none */
    struct take_over_pace take_overs;
    uint64_t client_count;               /* connections so far: numbers tickets */
    const struct session_limits *limits; /* borrowed: all sessions have the same */
    uint64_t purged_ms;    /* when its full queue was last searched for what has expired */
    uint64_t refused;      /* on this connection: QoS 1 and 2 that found the queue full */
    uint64_t handed_bytes; /* in the queue beyond the limits: see session_hand_over */
    uint32_t handed_messages;
    uint64_t dropped;    /* on this connection: QoS 0 that found no room */
    struct flow_out out; /* deliveries: queue and window */
    struct flow_in in;   /* QoS 2 receptions */
    struct will *will;   /* owned; NULL: none */
    struct timer will_timer, expiry_timer;
    struct list closing_node, overflow_node;
    void *owner; /* the service's object */
};

/** The sessions of one worker, set up in the worker's context. `limits` outlive it. */
void session_table_init(struct worker *w, const struct session_limits *limits);
/** Ends all sessions, none of which has a client (shutdown). */
void session_table_close_all(struct worker *w);
void session_table_deinit(struct worker *w);

/** The session of this service, scope and identifier, or NULL. If the service has one session of a
 * scope, it is that one, whatever its identifier. */
struct session *session_find(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id);

/** The same of one that is over, and whose end is not secured yet. */
struct session *session_find_ending(struct worker *w, const struct mqtt_service *service,
                                    uint64_t scope, struct slice client_id);

/** The session with this handle, or NULL. */
struct session *session_find_handle(struct worker *w, uint64_t handle);

/** A new session; the table owns it. There is none with this identity, and none that is ending. */
struct session *session_open(struct worker *w, const struct mqtt_service *service, uint64_t scope,
                             struct slice client_id);

/** Ends a session that has no client: the service is told, its will (if any is due) published;
 * freed at the end of the turn, or when its end is secured. */
void session_close(struct session *s);

/** After `session_closed` gave true: nothing of the session with this handle can come back. */
void session_end_secured(struct worker *w, uint64_t handle);

/** Makes the will due now, if there is one, and forgets it. */
void session_publish_will(struct session *s);

/** The will, if there is one, is not published. What ends with the program is freed only: it is
 * due after the next start. */
void session_drop_will(struct session *s);

/** The client has gone: starts will delay and expiry, or ends the session. */
void session_detach(struct session *s);

/** At start: its client was there when the server stopped, or before; it may stay for so long
 * (UINT64_MAX: for ever). */
void session_restore(struct session *s, uint64_t left_ms);

/** How long a session may still stay without a client (ms): 0: its time is over; UINT64_MAX: for
 * ever. `gone_ms`: when its client went (Unix), 0: it is there. */
uint64_t session_time_left(uint32_t expiry_s, uint64_t gone_ms, int64_t now_ms);

/** A client came back (or came): stops the clocks of will and expiry. */
void session_attach(struct session *s, struct client *c);

/** The connection is gone: takes out of the queue what the service will read again, and QoS 0,
 * which is lost and counted. Gives the lowest seq taken out, or 0. */
uint64_t session_unqueue(struct session *s);

enum session_result {
    SESSION_SENT,    /* on its way */
    SESSION_QUEUED,  /* waits for window or room */
    SESSION_DROPPED, /* for good, and counted: QoS 0 and no room, too large, expired */
    SESSION_FULL /* QoS 1 or 2 and the queue is full: not taken; the service decides; `room` follows
                  */
};

/** Gives a session a delivery; what the delivery owns passes unless SESSION_FULL is given. */
enum session_result session_deliver(struct session *s, struct delivery *d);

/**
 * After SESSION_FULL, when nobody else keeps the delivery: it is counted and freed. A session that
 * ends with its connection could not be told of the gap later, so it ends: session_overflow.
 */
void session_refuse(struct session *s, struct delivery *d);

/**
 * Gives a session what another one had waiting. It is taken although the queue be full, since it is
 * in memory already; and until the queue is half empty it does not count, so that there is room for
 * what is new. QoS 0 is dropped as ever.
 */
void session_hand_over(struct session *s, struct delivery *d);

/** After SESSION_FULL, when the queue will soon be somebody else's: queues the delivery all the
 * same. */
void session_queue_beyond(struct session *s, struct delivery *d);

/** Ends the session's connection, if it has one, at the end of the turn: DISCONNECT 0x97, which
 * says how many messages were not sent. */
void session_overflow(struct session *s);

/** The PUBREC of a delivery of QoS 2 came: its PUBREL is due. */
void session_acknowledged(struct session *s, uint16_t packet_id);

/** After `secure`: the state of the delivery with this issue is durable. One that is gone is
 * accepted. */
void session_secured(struct session *s, uint64_t issue);

/** Sends what window and room allow; called when acknowledgements or room came. */
void session_drain(struct session *s);

/** Frees sessions that are over; a hook at the end of the turn. */
void session_free_closed(struct worker *w);

/** Walks the sessions of a worker (shutdown, removal of a project): start with *cursor = 0; NULL at
 * the end. */
struct session *session_next(struct worker *w, size_t *cursor);
