/*
 * What the application API keeps of a session: its project, its subscriptions, where it stands in
 * the journal.
 *
 * Owned by its session (session.owner), on its home worker.
 */
#pragma once

#include "platform/open_record.h"
#include "service/site.h"

struct app_flight;
struct changeover;
struct app_session;
struct share_membership;

/** What an index entry leads to. */
enum app_target { APP_TARGET_SESSION, APP_TARGET_GROUP };

/** Where a replay begins (app_request.h). */
struct app_from {
    bool is_given;
    bool is_time;    /* then by this: */
    int64_t unix_ms; /* when it was committed */
    uint64_t seq;    /* otherwise by its number */
};

/** One filter of a session. */
struct app_subscription {
    enum app_target target; /* first: what open_subscription.owner points to says what it is */
    struct open_subscription indexed; /* plain filters with kinds of devices */
    struct open_subscription fed;     /* by the journal, while its session changes (app_convert) */
    struct app_session *session;      /* borrowed: owns it */
    char *filter;                     /* owned: as the client wrote it */
    uint8_t qos;
    bool no_local, retain_as_published, is_shared;
    struct share_membership *membership; /* is_shared: in its group */
    uint32_t identifier;                 /* 0: none */
    bool is_owed; /* is_shared: what it is owed outlives a crash (QoS 1 or 2 of a stored session) */
    uint64_t from_seq; /* durable: records above this number count */
    /* for when the SUBACK has been written: */
    bool wants_retained;
    bool wants_snapshot, has_bad_from;
    struct app_from from; /* a replay, if it is given */
    struct list node;
};

/** With what right a session is used: what its last connection has logged in with. */
struct app_access {
    struct project_secret *secret; /* a reference; NULL: it has had no connection yet */
    struct project_secret *limits; /* the same, if it is limited to some devices; else NULL */
    uint8_t scopes;                /* bits */
    bool is_pass;
    bool is_over; /* the secret was revoked or changed: nothing may be done with it any more */
    int64_t expires_ms; /* Unix; of the pass or its secret, whichever is over first; 0: never */
};

struct will_author;

struct app_session {
    struct session *session; /* borrowed: owns this */
    struct project *project; /* a reference */
    struct site *site;       /* borrowed */
    uint64_t publisher;      /* what its publications carry, for No Local: the same for a client
                                identifier of the project, whichever session or program it is */
    struct app_access access;
    struct timer access_timer; /* the end of a connection whose access expires */
    struct list subscriptions; /* owned */
    uint32_t subscription_count;
    bool is_connected_counted; /* in project.app_clients */
    struct timer away_timer;   /* offline, in a share group: when it counts as away */

    /* the journal (app_feed) */
    bool is_durable; /* fed by the journal */
    bool is_stored;  /* it outlives its connection, and the program: fixed when it is opened */
    struct changeover *conversion; /* owned: from live to the journal; NULL: none is under way */
    bool is_behind;      /* reads the journal; otherwise takes what is committed from memory */
    bool is_continuing;  /* a letter that goes on reading is under way */
    bool cursor_moved;   /* since it was last saved */
    uint64_t position;   /* the last record that was considered */
    uint64_t again_seq;  /* up to this record it may have been sent before the server started */
    uint64_t online_seq; /* the last record before it came online: earlier QoS 0 is not sent */
    struct list feed_node;
    struct buffer flights; /* owned: numbers (uint64_t) of deliveries of QoS 2 with a row in the
                              journal, growing */
    struct app_flight *resumed; /* owned: those that were on their way when the server stopped, by
                                   growing number */
    size_t resumed_count;

    /* requests (app_replay, app_snapshot) */
    struct list replays; /* owned: those that wait, and the one under way */
    uint32_t replay_count;
    struct list snapshots;   /* owned: those that wait for room */
    uint32_t snapshot_count; /* of this connection, those under way too */

    /* the matching under way (app_feed) */
    uint64_t round;
    uint8_t match_qos;
    bool match_retain;
    uint32_t match_id;
    struct buffer match_more_ids; /* owned: further identifiers, uint32_t each */

    /* refusals of this connection (app_errors) */
    uint64_t refusals_since_ms;
    uint32_t refusals;
};

/** See app_session.publisher. Not 0. */
static inline uint64_t app_publisher_of(struct slice client_id)
{
    return hash_content(client_id) | 1;
}

static inline bool app_may(const struct app_session *a, enum scope scope)
{
    return (a->access.scopes & SCOPE_BIT(scope)) != 0;
}

/** Whether its client may be given a message of this device. */
static inline bool app_may_receive(const struct app_session *a, uint64_t device_id,
                                   uint64_t type_id)
{
    return __builtin_expect(a->access.limits == NULL, 1) ||
           project_secret_allows_device(a->access.limits, device_id, type_id);
}

static inline struct app_session *app_session_of(const struct session *s)
{
    return s->owner;
}

/* app_subscribe.c */
enum reason app_subscribe(struct client *c, const struct subscribe_filter *filter,
                          uint32_t identifier, struct slice *why);
void app_subscribed(struct client *c);
enum reason app_unsubscribe(struct client *c, struct slice filter);
void app_subscription_free(struct app_subscription *sub);
/** True when it has filters that need the right to subscribe. */
bool app_session_is_subscribed(const struct app_session *a);

/** A subscription as the journal has it. */
struct app_stored_subscription {
    struct slice filter;
    uint8_t qos;
    bool no_local, retain_as_published, is_owed;
    uint32_t identifier;
    uint64_t from_seq;
};
/** At start: adds it again. False: its filter is none any more. */
bool app_subscription_restore(struct app_session *a, const struct app_stored_subscription *stored);

/* app_feed.c */
void app_feed_deliver(struct home *h, struct open_message *m, uint64_t seq);
void app_feed_delivered_up_to(struct home *h, uint64_t project_id, uint64_t seq);
void app_feed_open(struct app_session *a);
/** From here on the journal feeds it; nothing of it is stored. */
void app_feed_open_at(struct app_session *a, uint64_t seq);
/** At start: goes on where its cursor stands. Up to `again_seq` (UINT64_MAX: not known) it may have
 * been sent what is there. */
void app_feed_reopen(struct app_session *a, uint64_t again_seq);
/** It is over. True: what was stored of it goes (app_store_remove). */
bool app_feed_close(struct app_session *a);
void app_feed_connected(struct app_session *a);
void app_feed_disconnected(struct app_session *a, uint64_t unsent_from);
void app_feed_continue(struct app_session *a);
/** The same in the next turn, after what others have to do. */
void app_feed_continue_later(struct app_session *a);
/** Whether a record is above the session's position, and one of its subscriptions counts it. */
bool app_feed_will_give(struct app_session *a, const struct open_record_head *head, uint64_t seq);
/** Makes a delivery that has a seq go on as it was on its way when the server stopped. */
void app_feed_resume(const struct app_session *a, struct delivery *d);
/** What comes next waits until the journal has been read (app_replay). */
void app_feed_fall_behind(struct app_session *a);
/** Whether what waits in memory for the client is enough for now. */
bool app_feed_is_long(const struct app_session *a);
void app_feed_save_cursors(struct site *site);

/* app_publish.c */
struct service_verdict app_publish(struct client *c, const struct packet_publish *p,
                                   const struct service_ticket *ticket);
enum reason app_check_will(struct client *c, const struct project *p,
                           const struct packet_will *will, struct service_login *login);
struct will_author app_will_author(const struct app_session *a);
void app_keep_will(struct session *s, struct will *w);
void app_forget_will(struct session *s, const struct will *w);
void app_publish_will(struct session *s, const struct will *w);
/** A will of the author, an application, is due, and goes with its row in the journal. */
void app_send_will(struct home *h, const struct will_author *a, const struct will *w);

/* app_retained.c */
void app_retained_ask(struct app_subscription *sub);
