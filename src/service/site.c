/* One worker's share of both services, and what the platform calls. */
#include "service/site.h"

#include "base/invariant.h"
#include "service/app_session.h"
#include "service/counters.h"
#include "service/device_link.h"
#include "service/events.h"
#include "service/share_group.h"

enum { SITE_CURSOR_MS = 1000 /* how often positions in the journal are saved */ };

static void on_cursor_timer(struct timer *t)
{
    struct site *s = list_entry(t, struct site, cursor_timer);

    app_feed_save_cursors(s);
    timer_set(&s->worker->timers, t, s->worker->now_ms + SITE_CURSOR_MS, on_cursor_timer);
}

static void on_turn_end(struct worker *w, void *arg)
{
    (void)arg;
    app_feed_end_overflowed(site_of(w));
}

void site_init(struct worker *w, const struct site_settings *settings)
{
    struct site *s = mem_new_of(MEM_SESSION, struct site);

    s->settings = settings;
    s->worker = w;
    list_init(&s->feeds);
    w->context[WORKER_SERVICE] = s;
    worker_add_hook(w, on_turn_end, NULL);
    timer_set(&w->timers, &s->cursor_timer, w->now_ms + SITE_CURSOR_MS, on_cursor_timer);
}

void site_deinit(struct worker *w)
{
    struct site *s = site_of(w);

    share_group_free_all(s);
    timer_cancel(&s->cursor_timer);
    invariant(list_is_empty(&s->feeds));
    hash_table_deinit(&s->share_groups);
    buffer_deinit(&s->matched);
    buffer_deinit(&s->overflowed);
    mem_free(s);
    w->context[WORKER_SERVICE] = NULL;
}

/* Ends a session and its connection: its device or project is gone. */
static void end_session(struct session *s)
{
    will_free(&s->will);
    s->expiry_s = 0;
    if (s->client != NULL)
        client_disconnect(s->client, REASON_NOT_AUTHORIZED, slice_of("removed"));
    else
        session_close(s);
}

static void device_removed(struct home *h, struct device *d)
{
    struct device_link *link = d->link;

    (void)h;
    if (link != NULL)
        end_session(link->session);
    invariant(d->link == NULL);
}

static void project_closed(struct home *h, struct project *p)
{
    struct session *s;
    size_t cursor = 0;

    while ((s = session_next(h->worker, &cursor)) != NULL) {
        if (s->scope != p->project_id || s->is_closed)
            continue;
        end_session(s);
        cursor = 0; /* the table has changed */
    }
}

const struct home_sink site_sink = {
    .deliver = app_feed_deliver,
    .device_removed = device_removed,
    .project_closed = project_closed,
};

void site_fill_login(const struct site *s, struct service_login *login)
{
    login->session_expiry_max_s = s->settings->session_expiry_max_s;
    login->session_expiry_default_s = s->settings->session_expiry_default_s;
    login->receive_maximum = s->settings->receive_maximum;
    login->keep_alive_max_s = s->settings->keep_alive_max_s;
    login->topic_alias_maximum = ALIAS_IN_MAX;
}

enum reason site_check_login(struct login_guard *guard, struct client *c, struct slice username,
                             struct slice password, const struct secret_digest *expected)
{
    static const struct secret_digest nobody;
    struct slice address = conn_peer_address(c->conn);
    uint64_t now_ms = client_worker(c)->now_ms;
    struct secret_digest given;
    bool is_equal;

    if (!login_guard_allows(guard, address, username, now_ms)) {
        counter_inc(logins_locked_out);
        return REASON_CONNECTION_RATE_EXCEEDED;
    }
    given = secret_digest_of(password);
    is_equal = secret_digest_equal(&given, expected != NULL ? expected : &nobody);
    if (is_equal && expected != NULL && password.len > 0) {
        login_guard_succeeded(guard, address, username);
        return REASON_SUCCESS;
    }
    counter_inc(logins_failed);
    if (login_guard_failed(guard, address, username, now_ms))
        log_event(EV_LOGIN_LOCKED_OUT, "peer", conn_peer(c->conn), "username", log_slice(username));
    return REASON_BAD_CREDENTIALS;
}
