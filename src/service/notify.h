/*
 * Tells alarms to web servers of the customers' own: a signed POST each, retried with growing
 * pauses, in order.
 *
 * What is owed to whom is decided on the thread that stores the history of alarms, and stored in
 * the same transaction (store/alarm_outbox.h); a thread of its own tells it. So nothing of this is
 * on the way of a message, and what was owed before a stop or a crash is told afterwards. Of one
 * notifier one change is told at a time, the oldest first; it goes when the server has answered
 * 2xx, or when it has been tried too often or for too long. A crash between the answer and the
 * removal tells it twice, with the same delivery identifier. Source: open-api.md 6
 */
#pragma once

#include "net/web_client.h"
#include "platform/notifier.h"
#include "store/alarm_commit.h"

struct notify;

enum { NOTIFY_DELIVERY_MAX = 79, NOTIFY_CAUSE_MAX = 127 };

struct notify_settings {
    struct alarm_store *store; /* borrowed */
    struct web_client_options web;
    size_t waiting_max; /* changes that a notifier may be owed; what comes then is not told */
    unsigned tries_max; /* of one change */
    uint64_t retry_ms;  /* and for how long since it happened */
};

/** How the last try went. */
struct notify_result {
    int64_t at_ms; /* Unix; 0: there was none since the start */
    char delivery[NOTIFY_DELIVERY_MAX + 1];
    bool is_test, is_delivered;
    unsigned status;                  /* of HTTP; 0: none came, */
    char cause[NOTIFY_CAUSE_MAX + 1]; /* and why; otherwise empty */
    unsigned tries;                   /* of this change since the start */
};

struct notify_state {
    size_t waiting;    /* changes that are owed */
    unsigned failures; /* tries in a row */
    struct notify_result last;
};

/** Reads what is owed. The thread does not run yet. Errors: ST_IO, ST_CORRUPT. */
enum status notify_new(const struct notify_settings *settings, struct notify **out) MUST_CHECK;
void notify_start(struct notify *n);
/** Ends the thread, and what is under way; who waits for a test is let go. Changes may still be
 * owed. */
void notify_stop(struct notify *n);
/** NULL inside is accepted. */
void notify_free(struct notify **n);

/** These are all notifiers that there are now; takes references of its own. Any thread. */
void notify_put_all(struct notify *n, struct notifier *const *notifiers, size_t count);

/** Decides who is owed which change (alarm_owing_fn), on the committing thread. */
void notify_owe(struct notify *n, struct alarm_request *first);
/** These are stored now. On the same thread. */
void notify_committed(struct notify *n, const struct alarm_request *first);

/** Has a test sent at once, also by a notifier that is switched off. Any thread. Errors:
 * ST_NOT_FOUND. */
enum status notify_test(struct notify *n, uint64_t notifier_id, uint64_t *ticket) MUST_CHECK;
/** The result of a test. Waits for it at most `wait_ms`. Errors: ST_AGAIN: there is none yet;
 * ST_NOT_FOUND: the notifier is gone, or the server stops. */
enum status notify_test_result(struct notify *n, uint64_t notifier_id, uint64_t ticket,
                               unsigned wait_ms, struct notify_result *out) MUST_CHECK;

/** Any thread. Errors: ST_NOT_FOUND. */
enum status notify_find(struct notify *n, uint64_t notifier_id,
                        struct notify_state *out) MUST_CHECK;
