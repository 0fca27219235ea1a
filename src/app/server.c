/*
 * Start and stop. Everything is made and taken apart on the main thread while no worker runs;
 * between the two the main thread only minds signals, the control socket and the registry.
 */
#include "app/server.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/data_lock.h"
#include "app/events.h"
#include "app/first_start.h"
#include "app/metrics.h"
#include "app/secret_sync.h"
#include "app/server_priv.h"
#include "base/counter.h"
#include "base/hash_table.h"
#include "base/ident.h"
#include "mqtt/session.h"
#include "net/tls_local_ca.h"
#include "platform/router.h"
#include "service/app_service.h"
#include "service/app_store.h"
#include "service/link_store.h"
#include "service/device_service.h"
#include "service/will_store.h"
#include "store/secret.h"

enum {
    SERVER_TICK_MS = 1000,
    SERVER_DESCRIPTORS_KEPT = 32, /* for the registry, the command line, files */
    SERVER_FIXED_HEADER_MAX = 5,
    SERVER_PACKET_EXTRA =
        1024, /* of a PUBLISH beside its payload: topic, identifier, a few properties */
    SERVER_ALARMS_WAITING = 64 * 1024 * 1024, /* bytes of changes that wait for the disk */
    SERVER_DAY_MS = 24 * 3600 * 1000
};

/* --- the listeners: one row a port ----------------------------------------------------------- */

static enum status open_listener(struct server *s, const char *name, uint16_t port,
                                 unsigned service, bool is_tls, bool is_websocket, bool is_http,
                                 char *error)
{
    struct listener_options o = {
        .address = s->config->bind,
        .port = port,
        .tls = is_tls ? s->tls : NULL,
        .handler = &client_conn_handler,
        .name = name,
        .origin = {.service = service,
                   .is_websocket = is_websocket,
                   .is_tls = is_tls,
                   .ws_path = "/mqtt",
                   .http = is_http ? &s->http_door : NULL,
                   .connect_timeout_ms = s->config->connect_timeout * 1000,
                   .write_timeout_ms = s->config->write_timeout * 1000},
        .lobby = s->lobby,
        .fd_max = s->fd_max,
    };
    enum status st;

    if (port == 0)
        return ST_OK;
    st = listener_open(&o, &s->listeners[s->listener_count], error, SERVER_ERROR_LEN);
    s->listener_count += st == ST_OK;
    return st;
}

static enum status open_listeners(struct server *s, char *error)
{
    const struct config *c = s->config;
    const struct {
        const char *name;
        uint16_t port;
        unsigned service;
        bool is_tls, is_websocket, is_http;
    } rows[] = {
        {"device MQTT", c->device_mqtt_port, SITE_DEVICE_SERVICE, false, false, false},
        {"device MQTT over WebSocket", c->device_ws_port, SITE_DEVICE_SERVICE, false, true, false},
        {"device MQTTS", c->device_mqtts_port, SITE_DEVICE_SERVICE, true, false, false},
        {"application wss", c->app_wss_port, SITE_APP_SERVICE, true, true, false},
        {"application MQTTS", c->app_mqtts_port, SITE_APP_SERVICE, true, false, false},
        {"HTTPS", c->https_port, SITE_APP_SERVICE, true, true, true},
    };
    enum status st = ST_OK;

    for (unsigned i = 0; st == ST_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
        st = open_listener(s, rows[i].name, rows[i].port, rows[i].service, rows[i].is_tls,
                           rows[i].is_websocket, rows[i].is_http, error);
    return st;
}

/* --- start ----------------------------------------------------------------------------------- */

/* What is there is used; gives the first descriptor that is not for connections. */
static int raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return INT_MAX;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return limit.rlim_cur > 2 * SERVER_DESCRIPTORS_KEPT
               ? (int)limit.rlim_cur - SERVER_DESCRIPTORS_KEPT
               : (int)limit.rlim_cur;
}

/* Those who say nothing never take more than half of the descriptors. */
static struct lobby *make_lobby(const struct server *s)
{
    unsigned most = s->fd_max / 2 > 0 ? (unsigned)s->fd_max / 2 : 1;
    struct lobby_limits limits = {.guests_max = s->config->connecting_max,
                                  .per_source_max = s->config->connecting_per_address_max};

    if (limits.guests_max > most)
        limits.guests_max = most;
    return lobby_new(&limits);
}

static enum status open_stores(struct server *s, char *error)
{
    const struct config *c = s->config;
    struct journal_limits limits = {
        .retention_bytes = (uint64_t)c->journal_retention_size * 1024 * 1024,
        .retention_ms = c->journal_retention * 1000ull,
    };
    char tls_dir[4096];
    enum status st;

    snprintf(tls_dir, sizeof(tls_dir), "%s/tls", c->data);
    st = registry_open(c->data, &s->registry, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = data_lock_take(c->data, &s->lock_fd, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = first_start_prepare(c, s->registry, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = tls_local_ca_ensure(tls_dir, c->public_host, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = tls_context_open(tls_dir, &s->tls, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = alarm_store_open(c->data, &s->alarms, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = journal_lmdb_open(c->data, &limits, &s->journal, error, SERVER_ERROR_LEN);
    if (st == ST_OK)
        st = journal_sync_open(s, error);
    if (st == ST_OK)
        st = notifier_sync_open(s, error);
    return st;
}

static void set_up_services(struct server *s)
{
    const struct config *c = s->config;
    uint32_t packet_max = SERVER_FIXED_HEADER_MAX + c->max_payload + SERVER_PACKET_EXTRA;
    struct client_settings device = {&device_service, packet_max, c->connect_max};
    struct client_settings app = {&app_service, packet_max, c->connect_max};

    client_set_settings(SITE_DEVICE_SERVICE, &device);
    client_set_settings(SITE_APP_SERVICE, &app);
    s->device_logins = login_guard_new(c->login_failures);
    s->app_logins = login_guard_new(c->login_failures);
    s->secret_usage = secret_usage_new();
    s->settings = (struct site_settings){
        .session_expiry_max_s = c->session_expiry_max,
        .session_expiry_default_s = c->session_expiry_default,
        .receive_maximum = (uint16_t)c->receive_maximum,
        .keep_alive_max_s = (uint16_t)c->keep_alive_max,
        .payload_max = c->max_payload,
        .filter_max = c->max_filter,
        .subscriptions_max = c->max_subscriptions,
        .app_clients_max = c->app_connections_max,
        .app_sessions_max = c->app_sessions_max,
        .device_logins = s->device_logins,
        .app_logins = s->app_logins,
        .secret_usage = s->secret_usage,
    };
}

static void on_alarms_owing(struct alarm_request *first, void *arg)
{
    struct server *s = arg;

    notify_owe(s->notify, first);
}

static void on_alarms_committed(struct alarm_request *first, void *arg)
{
    struct server *s = arg;

    notify_committed(s->notify, first);
    while (first != NULL) {
        struct alarm_request *next = first->next;

        alarm_request_free(&first);
        first = next;
    }
}

static void make_workers(struct server *s)
{
    const struct config *c = s->config;
    struct alarm_commit_plan alarms = {
        .limits = {(int64_t)c->alarm_history_days * SERVER_DAY_MS, c->alarm_history_max},
        .waiting_max = SERVER_ALARMS_WAITING,
        .is_threaded = true,
        .owing = on_alarms_owing};

    s->session_limits = (struct session_limits){.queue_messages = c->session_queue_messages,
                                                .queue_bytes = c->session_queue_bytes,
                                                .queue_qos0_bytes = c->session_queue_qos0_bytes};
    s->lobby = make_lobby(s);
    s->workers = worker_group_new(c->workers, true);
    s->roots = root_map_new();
    s->commit = journal_commit_new(s->journal, true, router_on_committed, s->workers);
    journal_commit_set_limit(s->commit, (size_t)c->journal_waiting_size * 1024 * 1024);
    s->alarm_commit = alarm_commit_new(s->alarms, &alarms, on_alarms_committed, s);
    s->shared = (struct home_shared){
        .sink = &site_sink,
        .journal = s->journal,
        .commit = s->commit,
        .alarms = s->alarm_commit,
        .payload_max = c->max_payload + SERVER_PACKET_EXTRA,
        .command_timeout_ms = c->command_timeout * 1000ull,
        .offline_delay_ms = c->offline_delay,
        .log_limits = {c->log_messages, c->log_bytes, c->log_payload},
        .registrar = &s->registrar,
        .sub_devices_max = c->sub_devices_max,
    };
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct worker *w = worker_group_get(s->workers, i);

        site_init(w, &s->settings);
        session_table_init(w, &s->session_limits);
        home_init(w, &s->shared);
    }
}

static void on_signal(void *arg, int signal_number)
{
    struct server *s = arg;
    char error[SERVER_ERROR_LEN];

    if (signal_number != SIGHUP) {
        loop_stop(s->loop);
        return;
    }
    if (tls_context_reload(s->tls, error, sizeof(error)) == ST_OK)
        log_event(EV_CERTIFICATES_RELOADED);
    else
        log_event(EV_CERTIFICATES_KEPT, "cause", error);
}

static void on_tick(void *arg)
{
    struct server *s = arg;

    log_flush_suppressed();
    if (!s->is_running)
        return;
    registry_sync_apply(s);
    secret_sync_save_uses_now_and_then(s);
}

static void on_wake(void *arg)
{
    struct server *s = arg;

    server_http_on_wake(s);
    if (s->is_running)
        device_orders_run(s);
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static void make_main_loop(struct server *s)
{
    struct loop_callbacks callbacks = {on_wake, on_tick, on_nothing, s, SERVER_TICK_MS};

    s->loop = loop_new(&callbacks);
    loop_on_signal(s->loop, SIGINT, on_signal, s);
    loop_on_signal(s->loop, SIGTERM, on_signal, s);
    loop_on_signal(s->loop, SIGHUP, on_signal, s);
}

static enum status load(struct server *s, char *error)
{
    enum status st = registry_sync_load(s);

    if (st == ST_OK)
        st = journal_sync_load(s);
    if (st == ST_OK)
        st = app_store_load(s->workers, s->journal);
    if (st == ST_OK)
        st = link_store_load(s->workers, s->journal);
    if (st == ST_OK)
        st = will_store_load(s->workers, s->journal, s->config->restart_grace * 1000ull);
    if (st != ST_OK)
        snprintf(error, SERVER_ERROR_LEN, "cannot read the data directory %s: %s", s->config->data,
                 status_text(st));
    return st;
}

static enum status start(struct server *s, char *error)
{
    char setup_url[SERVER_ERROR_LEN];
    enum status st;

    metrics_register();
    counter_thread_attach(); /* before the stores, which count what they have */
    st = open_stores(s, error);
    if (st != ST_OK)
        return st;
    set_up_services(s);
    make_workers(s);
    make_main_loop(s);
    device_orders_open(s);
    st = load(s, error);
    if (st == ST_OK)
        st = server_http_open(s, error);
    if (st == ST_OK)
        st = open_listeners(s, error);
    if (st == ST_OK)
        st = control_open(s, error, SERVER_ERROR_LEN);
    if (st != ST_OK)
        return st;
    for (unsigned i = 0; i < s->listener_count; i++)
        listener_attach(s->listeners[i], s->workers);
    worker_group_start(s->workers);
    notify_start(s->notify);
    s->is_running = true;
    first_start_print(
        s->config, s->registry,
        server_http_setup_url(s, setup_url,
                              sizeof(setup_url))); /* who waits for the file finds this written */
    return first_start_write_demo(s->config, s->registry, error, SERVER_ERROR_LEN);
}

/* --- stop ------------------------------------------------------------------------------------ */

/* v5 clients hear why; the workers' threads have ended, so their turns are taken here. */
static void say_goodbye(struct server *s)
{
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct worker *w = worker_group_get(s->workers, i);
        struct session *session;
        size_t cursor = 0;

        conn_abort_strangers(w); /* none of them may become a client now */
        while ((session = session_next(w, &cursor)) != NULL) {
            will_free(&session->will); /* a stop of the server is not the device's end */
            if (session->client == NULL)
                continue;
            client_disconnect(session->client, REASON_SERVER_SHUTTING_DOWN, slice_make(NULL, 0));
            cursor = 0;
        }
        (void)worker_turn(w);
        conn_abort_all(w);
    }
}

static void stop_workers(struct server *s)
{
    if (s->is_running) {
        worker_group_stop(s->workers);
        s->is_running = false;
    }
    s->shared.is_stopping = true;
    /* Twice: a connection that was on its way to its home has come there by then, and none can
     * begin such a way any more. */
    say_goodbye(s);
    worker_group_settle(s->workers);
    say_goodbye(s);
    worker_group_settle(s->workers);
    for (unsigned i = 0; i < s->listener_count; i++) /* connections borrow from them to their end */
        listener_close(&s->listeners[i]);
    journal_sync_save(s);
    journal_commit_free(&s->commit); /* its last letters are opened next */
    s->shared.commit = NULL;
    worker_group_settle(s->workers);
    for (unsigned i = 0; i < worker_group_count(s->workers); i++)
        session_table_close_all(worker_group_get(s->workers, i));
    worker_group_settle(s->workers);
    alarm_commit_free(&s->alarm_commit);
    for (unsigned i = 0; i < worker_group_count(s->workers); i++) {
        struct worker *w = worker_group_get(s->workers, i);

        session_table_deinit(w);
        site_deinit(w);
        home_deinit(w);
    }
    worker_group_free(&s->workers);
    root_map_unref(&s->roots);
    lobby_free(&s->http_lobby);
    lobby_free(&s->lobby);
}

static void stop(struct server *s)
{
    if (s->loop != NULL)
        control_close(s);
    notify_stop(s->notify); /* requests may wait for it */
    server_http_stop(s);
    if (s->workers != NULL) {
        stop_workers(s);
        secret_sync_save_uses(s);
    }
    server_http_close(s);
    device_orders_close(s);
    loop_free(&s->loop);
    login_guard_free(&s->device_logins);
    login_guard_free(&s->app_logins);
    secret_usage_free(&s->secret_usage);
    tls_context_close(&s->tls);
    journal_close(&s->journal);
    notifier_sync_close(s);
    alarm_store_close(&s->alarms);
    registry_close(&s->registry);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
}

int server_run(const struct config *c)
{
    struct server s = {
        .config = c,
        .control_fd = -1,
        .lock_fd = -1,
        .sync = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER}};
    char error[SERVER_ERROR_LEN] = "";
    enum status st;

    log_set_level(c->log_level);
    /* Before anything is hashed: peers must not choose collisions. */
    hash_seed(ident_random(IDENT_PROJECT));
    signal(SIGPIPE, SIG_IGN);
    s.fd_max = raise_descriptor_limit();
    st = start(&s, error);
    if (st == ST_OK) {
        log_event(EV_STARTED, "workers", log_int((int64_t)worker_group_count(s.workers)));
        loop_run(s.loop);
        log_event(EV_STOPPING);
        first_start_remove_demo(c);
    } else {
        fprintf(stderr, "eztcloud: %s\n", error[0] != '\0' ? error : status_text(st));
    }
    stop(&s);
    if (st == ST_OK)
        log_event(EV_STOPPED);
    log_flush_all();
    return st == ST_OK ? 0 : 1;
}
