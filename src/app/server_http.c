/*
 * The HTTP server of this program: what it is told, and its way to the main thread.
 *
 * Its threads write to the registry over connections of their own; then the main thread applies
 * what is new, for all who wait at once. It is stopped while the workers still run, since its
 * threads may wait for one; who waits for the main thread then is let go: what it wrote counts from
 * the next start on.
 */
#include <stdio.h>

#include "app/server_priv.h"
#include "base/invariant.h"
#include "store/registry_operator.h"

static void lock(struct server_sync *y)
{
    invariant(pthread_mutex_lock(&y->lock) == 0);
}

static void unlock(struct server_sync *y)
{
    invariant(pthread_mutex_unlock(&y->lock) == 0);
}

/* On an HTTP thread. */
static void apply(void *arg)
{
    struct server *s = arg;
    struct server_sync *y = &s->sync;
    uint64_t number;

    lock(y);
    number = ++y->asked;
    if (!y->is_over)
        loop_wake(s->loop);
    while (y->answered < number && !y->is_over)
        invariant(pthread_cond_wait(&y->done, &y->lock) == 0);
    unlock(y);
}

void server_http_on_wake(struct server *s)
{
    struct server_sync *y = &s->sync;
    uint64_t asked;

    lock(y);
    asked = y->asked;
    unlock(y);
    if (asked == y->answered) /* nobody else writes it */
        return;
    if (s->is_running)
        registry_sync_apply(s);
    lock(y);
    y->answered = asked;
    invariant(pthread_cond_broadcast(&y->done) == 0);
    unlock(y);
}

/* Which of the program's endpoints is which of the API's. */
static const enum endpoint endpoint_of[HTTP_ENDPOINT_COUNT] = {
#define X(name) [HTTP_ENDPOINT_##name] = ENDPOINT_##name,
    HTTP_ENDPOINT_LIST(X)
#undef X
};

static void fill_settings(struct server *s, struct http_settings *h)
{
    const struct config *c = s->config;

    *h = (struct http_settings){
        .version = EZTCLOUD_VERSION,
        .data_dir = c->data,
        .public_host = c->public_host,
        .metrics_token = c->metrics_token,
        .threads = c->http_threads,
        .login_failures = c->login_failures,
        .connections_max = c->http_connections_max,
        .connect_calls = c->http_connect_calls,
        .connect_devices_max = c->http_connect_devices_max,
        .workers = s->workers,
        .app_logins = s->app_logins,
        .secret_usage = s->secret_usage,
        .alarms = s->alarms,
        .journal = s->journal,
        .notify = s->notify,
        .webhook_timeout_ms = c->webhook_timeout * 1000,
        .host = {apply, s},
    };
    for (unsigned i = 0; i < HTTP_ENDPOINT_COUNT; i++) {
        enum endpoint e = endpoint_of[i];

        if (endpoint_port(c, e) == 0)
            continue;
        endpoint_format(c, e, s->endpoints[e]);
        h->endpoints[i] = s->endpoints[e];
    }
}

enum status server_http_open(struct server *s, char *error)
{
    const struct config *c = s->config;
    struct lobby_limits limits = {.guests_max = c->http_connections_max,
                                  .per_source_max = c->http_connections_per_address_max};
    struct http_settings settings;
    enum status st;

    fill_settings(s, &settings);
    st = http_site_open(&settings, &s->http_site, error, SERVER_ERROR_LEN);
    if (st != ST_OK)
        return st;
    st = http_server_start(s->http_site, &s->http);
    if (st != ST_OK) {
        (void)snprintf(error, SERVER_ERROR_LEN, "the HTTP server cannot be started: %s",
                       status_text(st));
        return st;
    }
    s->http_lobby = lobby_new(&limits);
    s->http_door = (struct conn_http_door){.take = http_server_take,
                                           .arg = s->http,
                                           .lobby = s->http_lobby,
                                           .request_timeout_ms = c->http_request_timeout * 1000,
                                           .idle_timeout_ms = c->http_idle_timeout * 1000};
    return ST_OK;
}

void server_http_stop(struct server *s)
{
    struct server_sync *y = &s->sync;

    lock(y);
    y->is_over = true;
    invariant(pthread_cond_broadcast(&y->done) == 0);
    unlock(y);
    http_server_stop_serving(s->http);
}

void server_http_close(struct server *s)
{
    http_server_free(&s->http);
    http_site_close(&s->http_site);
}

const char *server_http_setup_url(struct server *s, char *out, size_t out_len)
{
    size_t all, admins;

    if (registry_operator_count(s->registry, &all, &admins) != ST_OK || all > 0)
        return NULL;
    (void)snprintf(out, out_len, "%s/#/setup?token=%s", s->endpoints[ENDPOINT_https],
                   s->http_site->setup_token);
    return out;
}
