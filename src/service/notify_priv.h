/*
 * What the files of telling share: each notifier is a target, with what it is owed (a count of rows
 * on disk) and how its tries go.
 *
 * The lock is held for looks at memory only. The list of targets is changed under it: they come
 * from any thread and go on the thread that tells, so that it may use one without the lock.
 */
#pragma once

#include <pthread.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/list.h"
#include "service/notify.h"

struct notify_target {
    struct list node;
    uint64_t notifier_id;
    /* guarded by the lock */
    struct notifier *notifier; /* a reference; NULL: it is gone */
    struct list project_node;  /* in notify_project.targets, as long as it is there */
    bool is_listed;            /* while all notifiers are told anew */
    struct notify_state state;
    bool has_work;                    /* rows may be there that were not looked at */
    bool is_renewed;                  /* it is another one now: pauses are over */
    uint64_t tests_asked, tests_done; /* tickets */
    struct notify_result test;        /* of the last one */
    /* the thread's */
    struct notify *notify;     /* borrowed: holds it */
    bool is_busy;              /* a request is under way, of: */
    struct notify_result now;  /* ... and how it goes */
    uint64_t number;           /* of the change; 0: a test */
    uint64_t ticket;           /* of the test */
    unsigned tries;            /* of the change `tried` */
    uint64_t tried, delivered; /* numbers of changes */
    uint64_t next_ms;          /* monotonic */
};

/** The targets of one project, which are few. */
struct notify_project {
    uint64_t project_id;
    struct list targets; /* by project_node */
};

struct notify {
    struct notify_settings settings;
    struct web_client *web; /* owned */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t tested;
    struct list targets;          /* owned */
    struct hash_table by_id;      /* the same */
    struct hash_table by_project; /* owned: struct notify_project, those with targets */
    bool is_stopping;
    unsigned under_way; /* the thread's */
};

static inline void notify_lock(struct notify *n)
{
    invariant(pthread_mutex_lock(&n->mutex) == 0);
}

static inline void notify_unlock(struct notify *n)
{
    invariant(pthread_mutex_unlock(&n->mutex) == 0);
}

static inline struct notify_target *notify_target_at(struct list *node)
{
    return list_entry(node, struct notify_target, node);
}

/** Takes one that is gone out of the list, under the lock. */
void notify_remove_target(struct notify_target *t);

/** What the thread runs; `arg` is the notify. */
void *notify_send_run(void *arg);
