/*
 * A simulated application: subscribes with plain and shared filters, and holds whatever it gets
 * against what the devices sent: order, repetitions, QoS, and at the end what is missing.
 *
 * Copies through plain filters and copies through a share group are two *paths*; order is promised
 * on each. An application that has both tells them apart by subscription identifiers, so it
 * speaks 5.0.
 */
#pragma once

#include "receiver.h"
#include "reporter.h"

enum watch_path { WATCH_PLAIN, WATCH_SHARED, WATCH_PATH_COUNT };

enum watch_mix { WATCH_ONLY_PLAIN, WATCH_ONLY_SHARED, WATCH_BOTH };

enum { WATCHES_MAX = 4, WATCH_FILTER_MAX = 80 };

enum watch_state { WATCH_ABSENT, WATCH_UNSURE /* asked, not answered */, WATCH_PRESENT };

struct watch_form;

/** A filter that it subscribes to from time to time. */
struct watch {
    const struct watch_form *form;
    unsigned device; /* when the form names one */
    char filter[WATCH_FILTER_MAX];
    uint8_t qos;
    enum watch_state state;
    bool is_unsubscribing;
    uint64_t since;     /* step of the SUBACK */
    uint16_t packet_id; /* of a request that is not answered, 0: none */
};

/** Which member got a transmission last, and how. */
struct watch_taking {
    uint8_t member; /* index + 1; 0: nobody yet */
    uint8_t qos;
    uint64_t link;
    uint64_t first_sent; /* step in which it was written to a member for the first time; 0: that was
                            lost with a connection */
};

/** The share group: all members of a run have the same filter. */
struct watch_group {
    uint64_t changed_step; /* a member came or went */
    bool is_qos1;          /* all members subscribe with it, and nobody unsubscribes */
    bool is_dated;         /* what is written leaves in the same step: sending has an order */
    int64_t missing;       /* in a narrow world: transmissions that nobody got, to be counted */
    struct watch_taking takings[WORLD_DEVICES_MAX][REPORTER_TRANSMISSIONS_MAX + 1];
};

/** What all of a run know. */
struct watch_scene {
    struct world *world;
    struct reporter *reporters; /* one a device */
    struct watcher *watchers;
    unsigned watcher_count;
    bool drops_qos0; /* there is so much that slow readers lose QoS 0 */
    struct watch_group group;
    uint64_t received, repeated; /* PUBLISHes */
    uint64_t again;              /* of QoS 1, given again by a server that was started anew */
};

struct watcher {
    struct player player;
    struct receiver receiver;
    struct watch_scene *scene; /* borrowed */
    unsigned index;
    bool is_disorderly; /* acknowledges out of order */
    enum watch_mix mix;
    struct watch watches[WATCHES_MAX];
    unsigned watch_count;
    uint16_t last_packet_id;
    bool has_unsubscribed; /* in this session */
    uint64_t online_since; /* step of the CONNACK */
    uint64_t last_seq;
    uint8_t copies[WATCH_PATH_COUNT][WORLD_DEVICES_MAX][REPORTER_TRANSMISSIONS_MAX + 1];
    uint32_t last[WATCH_PATH_COUNT][WORLD_DEVICES_MAX]; /* transmission that came last */
    uint8_t presence[WORLD_DEVICES_MAX];                /* 0: not known, 1: offline, 2: online */
};

void watcher_init(struct watcher *x, struct watch_scene *scene, unsigned index, enum watch_mix mix);
void watcher_deinit(struct watcher *x);

/** Chooses a filter at random; `shared` only fits its mix. */
void watcher_add_watch(struct watcher *x, bool is_shared);

void watcher_connect(struct watcher *x, bool allow_clean);

/** Subscribes to a filter (also again), or unsubscribes from it; it is online. */
void watcher_subscribe(struct watcher *x, struct watch *w);
bool watcher_may_unsubscribe(const struct watcher *x, const struct watch *w);
void watcher_unsubscribe(struct watcher *x, struct watch *w);

/** The server has been started anew over what it had committed: it may give QoS 1 again. */
void watcher_restarted(struct watcher *x);

/** Sends one acknowledgement that is due: the first, but for a disorderly one. False: none is. */
bool watcher_acknowledge(struct watcher *x);

static inline bool watcher_is_idle(const struct watcher *x)
{
    return x->receiver.ack_count == 0 && player_is_idle(&x->player);
}

/** Proves that nothing is missing; everything has come to rest. */
void watcher_check_complete(const struct watcher *x);

/** How often it has got a message (QoS 2) or a transmission. */
unsigned watcher_count_copies(const struct watcher *x, const struct reporter *r,
                              enum watch_path path, uint32_t transmission);

bool watch_is_shared(const struct watch *w);
