/* One worker's share of both services, and what the platform calls. */
#include "service/site.h"

#include <stdio.h>

#include "base/invariant.h"
#include "service/app_login.h"
#include "service/app_service.h"
#include "service/app_session.h"
#include "service/counters.h"
#include "service/device_link.h"
#include "service/events.h"
#include "service/share_group.h"
#include "service/share_membership.h"
#include "service/sub_desk.h"
#include "service/sub_hold.h"
#include "service/will_owed.h"

enum {
    SITE_CURSOR_MS = 1000, /* how often positions in the journal are saved */
    SITE_USE_MS = 60 * 1000
};

static void on_cursor_timer(struct timer *t)
{
    struct site *s = list_entry(t, struct site, cursor_timer);

    app_feed_save_cursors(s);
    timer_set(&s->worker->timers, t, s->worker->now_ms + SITE_CURSOR_MS, on_cursor_timer);
}

static void on_use_timer(struct timer *t)
{
    struct site *s = list_entry(t, struct site, use_timer);
    struct session *session;
    size_t cursor = 0;

    while ((session = session_next(s->worker, &cursor)) != NULL) {
        if (session->service == &app_service && session->client != NULL)
            app_login_note_use(session->client);
    }
    timer_set(&s->worker->timers, t, s->worker->now_ms + SITE_USE_MS, on_use_timer);
}

void site_init(struct worker *w, const struct site_settings *settings)
{
    struct site *s = mem_new_of(MEM_SESSION, struct site);

    s->settings = settings;
    s->worker = w;
    snprintf(s->payload_why, sizeof(s->payload_why), "the payload has more than %u bytes",
             settings->payload_max);
    list_init(&s->feeds);
    share_group_init(s);
    share_membership_init(s);
    sub_hold_init(s);
    will_owed_init(s);
    w->context[WORKER_SERVICE] = s;
    timer_set(&w->timers, &s->cursor_timer, w->now_ms + SITE_CURSOR_MS, on_cursor_timer);
    timer_set(&w->timers, &s->use_timer, w->now_ms + SITE_USE_MS, on_use_timer);
}

void site_deinit(struct worker *w)
{
    struct site *s = site_of(w);

    will_owed_deinit(s);
    sub_hold_deinit(s);
    sub_desk_free(&s->sub_desk);
    share_membership_deinit(s);
    share_group_deinit(s);
    timer_cancel(&s->cursor_timer);
    timer_cancel(&s->use_timer);
    invariant(list_is_empty(&s->feeds));
    buffer_deinit(&s->matched);
    mem_free(s);
    w->context[WORKER_SERVICE] = NULL;
}

/* Ends the connection of a session that may not have one any more. Its will goes too: who may not
 * connect may not publish either. */
static void shut_out(struct session *s, const char *why)
{
    session_drop_will(s);
    if (s->client != NULL)
        client_disconnect(s->client, REASON_NOT_AUTHORIZED, slice_of(why));
}

/* Ends a session and its connection: its device or project is gone. */
static void end_session(struct session *s, const char *why)
{
    bool is_connected = s->client != NULL;

    s->expiry_s = 0; /* it ends with its connection */
    shut_out(s, why);
    if (!is_connected)
        session_close(s);
}

static void drop_owed_will(struct home *h, const struct device *d)
{
    will_owed_drop(site_of(h->worker), d->project->project->project_id, d->device_id);
}

static void device_removed(struct home *h, struct device *d)
{
    struct device_link *link = d->link;

    if (site_of(h->worker) != NULL) { /* else the server has ended */
        sub_hold_drop(d);
        drop_owed_will(h, d);
    }
    if (link != NULL)
        end_session(link->session, "the device was removed, or has a parent now");
    invariant(d->link == NULL);
}

/* A will that was put off waits no longer: it is the device's last data. Source: open-api.md 3.4 */
static void device_leaving(struct home *h, struct device *d)
{
    struct device_link *link = d->link;

    will_owed_leaving(site_of(h->worker), d->project->project->project_id, d->device_id);
    if (link != NULL && link->session->client == NULL)
        session_publish_will(link->session);
}

static void device_closed(struct home *h, struct device *d)
{
    struct device_link *link = d->link;

    drop_owed_will(h, d);
    if (link != NULL)
        shut_out(link->session, "the device or its project is disabled");
}

/* Does something to every session of a project's applications that is at home here; the table may
 * change under it. */
static void for_each_application(struct home *h, const struct project *p,
                                 void (*act)(struct session *s, const void *arg), const void *arg)
{
    struct buffer handles = {0};
    struct session *s;
    size_t cursor = 0;

    while ((s = session_next(h->worker, &cursor)) != NULL) {
        if (s->service == &app_service && s->scope == p->project_id)
            buffer_append(&handles, &s->handle, sizeof(s->handle));
    }
    for (size_t at = 0; at < handles.len; at += sizeof(s->handle)) {
        uint64_t handle;

        memcpy(&handle, handles.data + at, sizeof(handle));
        s = session_find_handle(h->worker, handle);
        if (s != NULL)
            act(s, arg);
    }
    buffer_deinit(&handles);
}

static void end_application(struct session *s, const void *why)
{
    end_session(s, why);
}

static void project_removed(struct home *h, struct project *p)
{
    will_owed_drop_others(site_of(h->worker), p->project_id, NULL);
    for_each_application(h, p, end_application, "the project was removed");
}

static void shut_out_application(struct session *s, const void *why)
{
    shut_out(s, why);
}

static void project_closed(struct home *h, struct project *p)
{
    bool is_enabled = atomic_load_explicit(&p->enabled, memory_order_relaxed);

    will_owed_drop_others(site_of(h->worker), p->project_id, NULL);
    for_each_application(h, p, shut_out_application,
                         is_enabled ? "the application API is not enabled for this project"
                                    : "the project is disabled");
}

static void check_secret(struct session *s, const void *secrets)
{
    const char *why = app_login_renew(app_session_of(s), secrets);

    if (why == NULL)
        return;
    if (s->client != NULL) {
        counter_inc(secrets_ended);
        log_event(EV_SECRET_ENDED, "client", s->client_id, "peer", conn_peer(s->client->conn),
                  "cause", why);
    }
    shut_out(s, why);
}

static void secrets_changed(struct home *h, struct project *p, const struct secret_set *secrets)
{
    will_owed_drop_others(site_of(h->worker), p->project_id, secrets);
    for_each_application(h, p, check_secret, secrets);
}

const struct home_sink site_sink = {
    .deliver = app_feed_deliver,
    .delivered_up_to = app_feed_delivered_up_to,
    .device_removed = device_removed,
    .device_leaving = device_leaving,
    .device_closed = device_closed,
    .project_removed = project_removed,
    .project_closed = project_closed,
    .secrets_changed = secrets_changed,
};

bool site_is_congested(const struct worker *w)
{
    const struct journal_commit *commit = home_of(w)->shared->commit;

    return commit != NULL && journal_commit_is_full(commit);
}

void site_fill_login(const struct site *s, struct service_login *login)
{
    login->session_expiry_max_s = s->settings->session_expiry_max_s;
    login->session_expiry_default_s = s->settings->session_expiry_default_s;
    login->receive_maximum = s->settings->receive_maximum;
    login->keep_alive_max_s = s->settings->keep_alive_max_s;
    login->topic_alias_maximum = ALIAS_IN_MAX;
}

enum reason site_check_payload(const struct site *s, struct slice payload, struct slice *why)
{
    if (payload.len <= s->settings->payload_max)
        return REASON_SUCCESS;
    *why = slice_of(s->payload_why);
    return REASON_QUOTA_EXCEEDED;
}

void site_record_refused_filter(const struct client *c, struct slice filter, const char *why)
{
    counter_inc(subscribes_refused);
    log_event(EV_SUBSCRIBE_REFUSED, "peer", conn_peer(c->conn), "service",
              c->settings->service->name, "client", c->session->client_id, "filter",
              log_slice(filter), "cause", why);
}

bool site_may_log_in(struct login_guard *guard, const struct client *c, struct slice username)
{
    if (login_guard_allows(guard, conn_peer_address(c->conn), username, client_worker(c)->now_ms))
        return true;
    counter_inc(logins_locked_out);
    return false;
}

enum reason site_conclude_login(struct login_guard *guard, const struct client *c,
                                struct slice username, bool is_right)
{
    struct slice address = conn_peer_address(c->conn);

    if (is_right) {
        login_guard_succeeded(guard, address, username);
        return REASON_SUCCESS;
    }
    counter_inc(logins_failed);
    if (login_guard_failed(guard, address, username, client_worker(c)->now_ms))
        log_event(EV_LOGIN_LOCKED_OUT, "peer", conn_peer(c->conn), "username", log_slice(username));
    return REASON_BAD_CREDENTIALS;
}

enum reason site_check_login(struct login_guard *guard, struct client *c, struct slice username,
                             struct slice password, const struct secret_digest *expected)
{
    static const struct secret_digest nobody;
    struct secret_digest given;
    bool is_equal;

    if (!site_may_log_in(guard, c, username))
        return REASON_CONNECTION_RATE_EXCEEDED;
    given = secret_digest_of(password);
    is_equal = secret_digest_equal(&given, expected != NULL ? expected : &nobody);
    return site_conclude_login(guard, c, username,
                               is_equal && expected != NULL && password.len > 0);
}
