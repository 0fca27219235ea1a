/*
 * What one worker is home to: its view of all projects, its devices, its index of subscriptions,
 * its way to the journal.
 *
 * One per worker, in the worker's context; touched by that worker only (and by the main thread
 * while no worker runs). Source: architecture.md "Everything has a home"
 */
#pragma once

#include "base/hash_table.h"
#include "base/json.h"
#include "net/worker.h"
#include "platform/message_log.h"
#include "platform/open_index.h"
#include "platform/open_message.h"
#include "platform/project.h"
#include "platform/root_map.h"
#include "platform/secret_set.h"
#include "store/journal_commit.h"

struct alarm_commit;
struct alarm_request;
struct alarm_rule;
struct device;
struct device_type;
struct home;
struct registrar;

/** What the layer above does with an open message that reached a worker with interest in it. */
struct home_sink {
    /** @param seq  the journal's number: for durable subscriptions; 0: for live ones. The message
     * is borrowed. */
    void (*deliver)(struct home *h, struct open_message *m, uint64_t seq);
    /** Everything of a project up to this number that this worker is to deliver has been. Comes now
     * and then. */
    void (*delivered_up_to)(struct home *h, uint64_t project_id, uint64_t seq);
    /** A device of this home is being removed, or does not connect itself any more: whatever is
     * linked to it must go. */
    void (*device_removed)(struct home *h, struct device *d);
    /** A device of this home will be told to be offline: what it still has to say comes first. */
    void (*device_leaving)(struct home *h, struct device *d);
    /** A device of this home may not connect any more: its connection must go, its session stays.
     */
    void (*device_closed)(struct home *h, struct device *d);
    /** A project is being removed: the sessions of its applications must go. */
    void (*project_removed)(struct home *h, struct project *p);
    /** The applications of a project may not connect any more: their connections must go, their
     * sessions stay. */
    void (*project_closed)(struct home *h, struct project *p);
    /** The secrets of a project have changed: connections of those that are not there any more, or
     * not as they were, must go, their sessions stay. */
    void (*secrets_changed)(struct home *h, struct project *p, const struct secret_set *secrets);
};

/** What all homes share and nobody changes while workers run. */
struct home_shared {
    const struct home_sink *sink;
    struct journal *journal;       /* borrowed; for readers */
    struct journal_commit *commit; /* borrowed */
    struct alarm_commit *alarms;   /* borrowed; NULL: no history is kept */
    uint32_t payload_max;
    uint64_t command_timeout_ms;
    uint64_t offline_delay_ms;
    struct message_log_limits log_limits; /* of a device's log that is on */
    const struct registrar *registrar;    /* borrowed; NULL: nobody makes devices */
    uint32_t sub_devices_max;             /* of a gateway that it may have made by itself */
    bool is_stopping; /* set while no worker runs: connections that end now are no absence */
};

enum { HOME_NOTE_MAX = 256 /* room enough for any sentence about a message, its zero included */ };

/** What the message logs have to know of the message that is being handled (device_log). */
struct home_note {
    bool is_handling;
    bool is_put_off; /* it was not handled yet, so it is no entry yet */
    bool is_set;     /* something is to be said of it: */
    enum message_verdict verdict;
    char why[HOME_NOTE_MAX];
    struct list later; /* owned: entries that are due behind its own */
};

/** Devices of which something is to be written to the journal, by device.store_node
 * (platform/device_store.h). */
struct home_store {
    struct list later, due;
    struct timer timer;
    bool is_behind;  /* what this turn writes was behind */
    bool has_rest;   /* and there was more than is written at once */
    bool is_writing; /* what was behind is not committed yet */
};

struct home {
    struct worker *worker;            /* borrowed */
    const struct home_shared *shared; /* borrowed */
    struct hash_table projects;       /* owned: struct home_project */
    struct hash_table types;          /* owned: struct home_type */
    struct hash_table devices;        /* owned: struct device */
    struct hash_table sub_devices;    /* their struct sub_device, by place */
    struct hash_table arrivals;       /* owned: see hand_over.h */
    struct root_map *roots;           /* a reference */
    struct open_index *index;         /* owned */
    struct json_parser *json;         /* owned */
    struct json_parser *log_json;     /* owned; NULL: not used yet */
    struct home_note note;
    struct home_store store;
    struct journal_request *journal_first, *journal_last; /* owned: this turn's */
    struct alarm_request *alarm_first, *alarm_last;       /* owned: this turn's */
    uint64_t recorded;        /* messages that were given to the journal so far */
    uint32_t letters_to_self; /* messages under way to this very worker (router) */
};

/** A project as one worker sees it. */
struct home_project {
    struct project *project;      /* a reference */
    struct secret_set *secrets;   /* a reference; NULL: it has none */
    struct shared_bytes *origins; /* a reference: pages that may connect; NULL: any */
    struct list devices;          /* those at home here, by device.project_node */
    struct list retained;         /* those with a retained message, by device.retained_node */
    struct alarm_rule **rules;    /* owned: references; oldest first */
    size_t rule_count;
};

/** A device type as one worker sees it. Its devices lead here, so that a new definition counts for
 * all of them at once. */
struct home_type {
    struct device_type *type; /* a reference */
};

void home_init(struct worker *w, const struct home_shared *shared);
void home_deinit(struct worker *w);

static inline struct home *home_of(const struct worker *w)
{
    return w->context[WORKER_PLATFORM];
}

/** The worker that is home to a device that connects itself, and so to all that is below it. */
static inline unsigned home_of_root(const struct worker_group *g, uint64_t root_id)
{
    return worker_home(hash_u64(root_id), worker_group_count(g));
}

/** The worker that is home to a device: to the one that holds its connection. */
static inline unsigned home_of_device(const struct home *h, uint64_t device_id)
{
    return home_of_root(h->worker->group, root_map_find(h->roots, device_id));
}

/**
 * Has the worker that is home to a device run a function, and waits until it has: worker_group_call
 * with the home that the workers know, whatever the registry says by now. While a device is on its
 * way to another home, it is not at this one either.
 *
 * @param fn  NULL: only the home is asked for
 * @return the home
 */
unsigned home_call(struct worker_group *g, uint64_t device_id, worker_call_fn fn, void *arg);

/** From now on sub-devices are looked for by this map, of which it takes a reference. */
void home_put_roots(struct home *h, struct root_map *roots);

/** A project was added or changed: takes a reference of its own. */
void home_put_project(struct home *h, struct project *p);

/** The secrets of a project, new or changed: takes a reference of its own; NULL: there are none.
 * Unknown project: nothing happens. */
void home_put_secrets(struct home *h, uint64_t project_id, struct secret_set *secrets);

/** A project is gone, with its devices of this home. Unknown: nothing happens. */
void home_remove_project(struct home *h, uint64_t project_id);

/** The project, or NULL. */
struct home_project *home_find_project(const struct home *h, uint64_t project_id);

/** A device type was added or changed: takes a reference of its own. */
void home_put_type(struct home *h, struct device_type *t);

/** A device type is gone; its devices have none. Unknown: nothing happens. */
void home_remove_type(struct home *h, uint64_t type_id);

/** The type, or NULL. */
struct home_type *home_find_type(const struct home *h, uint64_t type_id);

/** The type with this product key or code, or NULL. Walks over all types. */
const struct device_type *home_find_product(const struct home *h, uint64_t project_id,
                                            struct slice word);

/** An alarm rule was added or changed: takes a reference of its own. Its project is known. */
void home_put_rule(struct home *h, struct alarm_rule *r);

/** An alarm rule is gone: where it alerts, the alarm ends. Unknown: nothing happens. */
void home_remove_rule(struct home *h, uint64_t rule_id);

/** The device at home here, or NULL. */
struct device *home_find_device(const struct home *h, uint64_t device_id);

/** A device was added; its project is known, it is not. It has no type yet. Changed: see device.h.
 */
struct device *home_add_device(struct home *h, uint64_t project_id, uint64_t device_id,
                               const struct secret_digest *password, bool enabled);

/** A device is gone, with all that is below it. Unknown: nothing happens. */
void home_remove_device(struct home *h, uint64_t device_id);

/** A device leaves for another home, with its connection and presence ended and without a place;
 * what was below it stays, without a place too. From then on it is the caller's. */
void home_take_device(struct home *h, struct device *d);

/** A device that has left another home is at home here: ownership passes. */
void home_enter_device(struct home *h, struct home_project *p, struct device *d);

/** Walks the devices: start with *cursor = 0; NULL at the end. */
struct device *home_next_device(const struct home *h, size_t *cursor);
