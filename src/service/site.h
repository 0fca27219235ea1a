/*
 * What both MQTT services share: settings, lock-outs, and each worker's share of state (share
 * groups, sessions fed by the journal).
 *
 * A site is a worker's; the settings are the same for all and do not change while workers run.
 */
#pragma once

#include "mqtt/client.h"
#include "platform/home.h"
#include "platform/validate.h"
#include "service/login.h"
#include "service/secret_usage.h"

/** Numbers of the services (conn_origin.service). */
enum { SITE_DEVICE_SERVICE, SITE_APP_SERVICE };

struct sub_desk;

struct site_settings {
    uint32_t session_expiry_max_s, session_expiry_default_s;
    uint16_t receive_maximum;
    uint16_t keep_alive_max_s;
    uint32_t payload_max;                           /* bytes; of a will too */
    uint32_t filter_max;                            /* bytes, of an application's */
    uint32_t subscriptions_max;                     /* a session */
    uint32_t app_clients_max;                       /* a project */
    uint32_t app_sessions_max;                      /* persistent ones of a project */
    struct login_guard *device_logins, *app_logins; /* borrowed */
    struct secret_usage *secret_usage;              /* borrowed */
};

struct site {
    const struct site_settings *settings; /* borrowed */
    struct hash_table share_groups;       /* owned: struct share_group, at home here */
    struct hash_table share_members;      /* owned by these: their members, by share */
    struct hash_table share_memberships;  /* owned: those of sessions at home here, by share */
    struct list share_feeds;              /* groups fed by the journal, by share_feed.node */
    struct list share_expected;           /* owned: groups that were there before the start */
    struct list feeds;            /* app sessions fed by the journal, by app_session.feed_node */
    struct timer cursor_timer;    /* saves their positions once a second */
    struct timer use_timer;       /* notes once a minute which secrets are in use */
    struct worker *worker;        /* borrowed */
    uint64_t match_round;         /* numbers the matchings, for merging */
    struct buffer matched;        /* owned: targets of the present matching (pointers) */
    struct hash_table sub_holds;  /* owned: see sub_hold.h */
    uint64_t sub_order_number;    /* of the last sub-device that was ordered */
    struct sub_desk *sub_desk;    /* owned; NULL: no gateway has spoken here yet */
    struct hash_table owed_wills; /* owned, as the next: see will_owed.h */
    struct list all_owed_wills;
    char why[VALIDATE_WHY_MAX]; /* why the newest verdict of a device type is no better */
    char payload_why[64];       /* says that a payload is larger than payload_max */
};

void site_init(struct worker *w, const struct site_settings *settings);
void site_deinit(struct worker *w);

static inline struct site *site_of(const struct worker *w)
{
    return w->context[WORKER_SERVICE];
}

/** What the platform calls when messages arrive or things are removed. */
extern const struct home_sink site_sink;

/** True while so much waits for the journal's disk that clients must be held back. */
bool site_is_congested(const struct worker *w);

/** Fills in a CONNECT's limits. */
void site_fill_login(const struct site *s, struct service_login *login);

/** SUCCESS; or QUOTA_EXCEEDED for a payload that is larger than messages may be, with `why`. */
enum reason site_check_payload(const struct site *s, struct slice payload, struct slice *why);

/** Counts a refused filter and tells it to the log; `why` is text. */
void site_record_refused_filter(const struct client *c, struct slice filter, const char *why);

/** Before a look at credentials: false while the pair of address and name is locked out, which is
 * counted. */
bool site_may_log_in(struct login_guard *guard, const struct client *c, struct slice username);

/** What the look gave: counts, and tells the guard. Gives SUCCESS or BAD_CREDENTIALS. */
enum reason site_conclude_login(struct login_guard *guard, const struct client *c,
                                struct slice username, bool is_right);

/**
 * Checks a password: same answer in the same time whether the name or the secret is wrong.
 *
 * @param expected  NULL: no such name
 * @return SUCCESS, BAD_CREDENTIALS, or CONNECTION_RATE_EXCEEDED while locked out
 */
enum reason site_check_login(struct login_guard *guard, struct client *c, struct slice username,
                             struct slice password, const struct secret_digest *expected);
