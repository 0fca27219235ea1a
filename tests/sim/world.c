/*
 * How the server is put together and taken apart follows app/server.c.
 */
#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "mqtt/counters.h"
#include "mqtt/session.h"
#include "net/conn.h"
#include "net/counters.h"
#include "platform/counters.h"
#include "platform/device_store.h"
#include "platform/router.h"
#include "row_journal.h"
#include "service/app_service.h"
#include "service/counters.h"
#include "service/device_service.h"
#include "store/counters.h"
#include "store/secret.h"

enum { WORLD_START_MS = 1000000, WORLD_COMMAND_TIMEOUT_MS = 300000 };

static struct world *current; /* for callbacks that cannot know it */
static bool is_tracing;
static struct data_place *place; /* borrowed: of journals; NULL: in memory */

/* --- telling --------------------------------------------------------------------------------- */

static void print_line(const struct world *w, const char *format, va_list args)
{
    (void)fprintf(stderr, "seed %llu step %llu: ", (unsigned long long)w->seed,
                  (unsigned long long)w->step);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

void world_fail(const struct world *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(w, format, args);
    va_end(args);
    (void)fprintf(stderr, "again: EZTCLOUD_SIM_SEED=%llu EZTCLOUD_SIM_TRACE=1\n",
                  (unsigned long long)w->seed);
    current = NULL; /* told */
    abort();
}

bool world_is_tracing(void)
{
    return is_tracing;
}

void world_trace(const struct world *w, const char *format, ...)
{
    va_list args;

    if (!is_tracing)
        return;
    va_start(args, format);
    print_line(w, format, args);
    va_end(args);
}

/* An invariant or a sanitizer ends the process without coming by world_fail. */
static void on_abort(int signal_number)
{
    char text[96];
    int len = 0;

    if (current != NULL)
        len = snprintf(text, sizeof(text), "EZTCLOUD_SIM_SEED=%llu, at step %llu\n",
                       (unsigned long long)current->seed, (unsigned long long)current->step);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(EXIT_FAILURE);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

/* The sanitizers ask for these by name; their reports end with SIGABRT then. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

void world_tell_crashes(void)
{
    (void)signal(SIGABRT, on_abort);
}

void world_prepare(void)
{
    is_tracing = getenv("EZTCLOUD_SIM_TRACE") != NULL;
    log_set_level(is_tracing ? LOG_DEBUG : LOG_ERROR);
    invariant(secret_init() == ST_OK);
    net_counters_register();
    mqtt_counters_register();
    store_counters_register();
    platform_counters_register();
    service_counters_register();
    counter_thread_attach();
}

/* --- counters -------------------------------------------------------------------------------- */

static void remember_counters(struct world *w)
{
    const struct counter *c;
    size_t cursor = 0;

    while ((c = counter_next(&cursor)) != NULL)
        w->counters_before[c->index] = counter_read(c);
}

int64_t world_count(const struct world *w, const struct counter *c)
{
    return counter_read(c) - w->counters_before[c->index];
}

/* --- opening --------------------------------------------------------------------------------- */

static struct conn_handler handler; /* the server's, but that we hear of arrivals */

static void on_moved(struct conn *c)
{
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        if (current->links[i].conn == c)
            current->links[i].is_moving = false;
    }
    client_conn_handler.on_moved(c);
}

void world_narrow(struct world *w, uint32_t queue_messages, bool small_packets)
{
    w->is_narrow = true;
    w->has_small_packets = small_packets;
    w->session_limits.queue_messages = queue_messages;
}

void world_widen(struct world *w)
{
    w->session_limits = (struct session_limits){.queue_messages = 100000,
                                                .queue_bytes = 16 * 1024 * 1024,
                                                .queue_qos0_bytes = 4 * 1024 * 1024};
}

static void set_up_services(struct world *w, uint16_t receive_maximum)
{
    struct client_settings device = {.service = &device_service,
                                     .maximum_packet_size = WORLD_PACKET_MAX};
    struct client_settings app = {.service = &app_service, .maximum_packet_size = WORLD_PACKET_MAX};

    client_set_settings(SITE_DEVICE_SERVICE, &device);
    client_set_settings(SITE_APP_SERVICE, &app);
    world_widen(w);
    handler = client_conn_handler;
    handler.on_moved = on_moved;
    w->logins = login_guard_new(0);
    w->secret_usage = secret_usage_new();
    w->settings = (struct site_settings){
        .session_expiry_max_s = 7 * 24 * 3600,
        .session_expiry_default_s = 24 * 3600,
        .receive_maximum = receive_maximum,
        .payload_max = WORLD_PACKET_MAX,
        .filter_max = 512,
        .subscriptions_max = 100,
        .app_clients_max = 1000,
        .app_sessions_max = 1000,
        .device_logins = w->logins,
        .app_logins = w->logins,
        .secret_usage = w->secret_usage,
    };
}

struct secret_set *world_secrets(void)
{
    char error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *main_secret;

    invariant(project_secret_parse("main", slice_of(WORLD_PASSWORD), slice_of("{}"), &main_secret,
                                   error) == ST_OK);
    return secret_set_new(&main_secret, 1);
}

static void make_project(struct world *w)
{
    struct secret_digest secret = secret_digest_of(slice_of(WORLD_PASSWORD));
    struct secret_set *secrets = world_secrets();
    uint64_t project_id;
    struct project *p;

    (void)snprintf(w->project, sizeof(w->project), "%s", WORLD_PROJECT);
    project_id = ident_parse(IDENT_PROJECT, slice_of(w->project));
    p = project_new(project_id, true, true);
    for (unsigned i = 0; i < w->worker_count; i++) {
        home_put_project(home_of(worker_group_get(w->workers, i)), p);
        home_put_secrets(home_of(worker_group_get(w->workers, i)), project_id, secrets);
    }
    project_unref(&p);
    secret_set_unref(&secrets);
    for (unsigned i = 0; i < w->device_count; i++) {
        uint64_t device_id;
        unsigned home;

        (void)snprintf(w->devices[i], sizeof(w->devices[i]), "DU_SIM000000%c", (char)('0' + i));
        device_id = ident_parse(IDENT_DEVICE, slice_of(w->devices[i]));
        home = worker_home(hash_u64(device_id), w->worker_count);
        (void)home_add_device(home_of(worker_group_get(w->workers, home)), project_id, device_id,
                              &secret, true);
    }
}

static void start(struct world *w)
{
    w->workers = worker_group_new(w->worker_count, false);
    w->commit = journal_commit_new(w->journal, false, router_on_committed, w->workers);
    w->shared = (struct home_shared){.sink = &site_sink,
                                     .journal = w->journal,
                                     .commit = w->commit,
                                     .payload_max = WORLD_PACKET_MAX,
                                     .command_timeout_ms = WORLD_COMMAND_TIMEOUT_MS};
    for (unsigned i = 0; i < w->worker_count; i++) {
        struct worker *worker = worker_group_get(w->workers, i);

        site_init(worker, &w->settings);
        session_table_init(worker, &w->session_limits);
        home_init(worker, &w->shared);
    }
    make_project(w);
}

void world_keep_journals(struct data_place *p)
{
    place = p;
}

static void open_journal(struct world *w)
{
    static const struct journal_limits limits = {UINT64_C(1) << 32, UINT64_C(1) << 40};
    char error[256];

    if (place == NULL)
        w->journal = row_journal_new(journal_memory_new(&limits));
    else if (journal_lmdb_open(place->now, &limits, &w->journal, error, sizeof(error)) != ST_OK)
        world_fail(w, "%s", error);
}

void world_open(struct world *w, uint64_t seed, unsigned worker_count, unsigned device_count,
                uint16_t receive_maximum)
{
    *w = (struct world){.seed = seed,
                        .chance = {seed},
                        .worker_count = worker_count,
                        .device_count = device_count,
                        .bytes_before = mem_bytes_used_total()};
    remember_counters(w);
    current = w;
    clock_hold(WORLD_START_MS, INT64_C(1800000000000));
    hash_seed(seed);
    set_up_services(w, receive_maximum);
    open_journal(w);
    start(w);
}

/* --- connections ----------------------------------------------------------------------------- */

/* Looks whether the server has closed: its side of the pipe tells. */
static void notice_close(struct link *l)
{
    if (l->conn != NULL && l->end->server_closed) {
        l->conn = NULL;
        if (l->pipe == NULL)
            memory_transport_drop(&l->end);
    }
    if (l->conn == NULL && l->pipe == NULL)
        *l = (struct link){0};
}

static void notice_closes(struct world *w)
{
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        if (w->links[i].is_used)
            notice_close(&w->links[i]);
    }
}

struct link *world_connect_to(struct world *w, const struct conn_origin *origin, unsigned worker)
{
    struct link *l = NULL;

    for (unsigned i = 0; i < WORLD_LINKS_MAX && l == NULL; i++) {
        if (!w->links[i].is_used)
            l = &w->links[i];
    }
    if (l == NULL)
        return NULL;
    l->is_used = true;
    l->number = ++w->link_count;
    l->pipe = l->end = memory_transport_new();
    l->end->clock = &w->step;
    l->conn =
        conn_new(worker_group_get(w->workers, worker), -1, &l->pipe->base, &handler, origin, NULL);
    return l;
}

struct link *world_connect(struct world *w, unsigned service, unsigned worker)
{
    static const struct conn_origin origins[] = {
        [SITE_DEVICE_SERVICE] = {.service = SITE_DEVICE_SERVICE,
                                 .connect_timeout_ms = WORLD_CONNECT_TIMEOUT_MS},
        [SITE_APP_SERVICE] = {.service = SITE_APP_SERVICE,
                              .connect_timeout_ms = WORLD_CONNECT_TIMEOUT_MS},
    };

    return world_connect_to(w, &origins[service], worker);
}

/* The connection may have set off for its home. */
static void tell_ready(struct link *l, unsigned ready)
{
    int64_t moved = counter_read(&CT_conns_moved);

    conn_on_ready(l->conn, ready);
    l->is_moving = counter_read(&CT_conns_moved) != moved;
    notice_close(l);
}

bool world_arrive(struct world *w, struct link *l, size_t len)
{
    struct memory_transport *t = l->end;

    (void)w;
    if (l->conn == NULL || l->is_moving || conn_is_paused(l->conn))
        return false;
    (void)memory_transport_arrive(t, len);
    if (t->arrived == 0 && (t->to_server.len > 0 || t->end == MEMORY_OPEN))
        return false;
    tell_ready(l, LOOP_READ);
    return true;
}

void world_make_room(struct world *w, struct link *l, size_t room)
{
    (void)w;
    if (l->conn == NULL || l->is_moving)
        return;
    l->end->room = room;
    tell_ready(l, LOOP_WRITE);
}

void world_let_go(struct world *w, struct link **lp, enum memory_end end)
{
    struct link *l = *lp;

    (void)w;
    *lp = NULL;
    l->pipe->end = end;
    l->pipe->room = SIZE_MAX;
    if (l->conn == NULL)
        memory_transport_drop(&l->end);
    l->pipe = NULL;
    notice_close(l);
}

/* --- what happens ---------------------------------------------------------------------------- */

void world_turn(struct world *w, unsigned worker)
{
    (void)worker_turn(worker_group_get(w->workers, worker));
    notice_closes(w);
}

bool world_commit(struct world *w)
{
    return journal_commit_turn(w->commit);
}

void world_advance(struct world *w, uint64_t ms)
{
    (void)w;
    clock_advance(ms);
}

bool world_is_quiet(struct world *w)
{
    for (unsigned i = 0; i < w->worker_count; i++) {
        struct worker *worker = worker_group_get(w->workers, i);

        if (!inbox_is_empty(&worker->inbox) || !list_is_empty(&worker->dirty_conns) ||
            !list_is_empty(&worker->resumed_conns))
            return false;
    }
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        const struct link *l = &w->links[i];

        if (l->is_used && l->conn != NULL && (l->is_moving || l->end->to_server.len > 0))
            return false;
    }
    return true;
}

void world_verify(struct world *w)
{
    for (unsigned i = 0; i < w->worker_count; i++)
        open_index_verify(home_of(worker_group_get(w->workers, i))->index);
}

/* --- the end --------------------------------------------------------------------------------- */

/* Counters that go up and down: all must have come back. */
static void check_gauges(const struct world *w)
{
    const struct counter *c;
    size_t cursor = 0;

    while ((c = counter_next(&cursor)) != NULL) {
        if (c->kind == COUNTER_GAUGE && world_count(w, c) != 0)
            world_fail(w, "%s is %lld at the end", c->name, (long long)world_count(w, c));
    }
}

static void check_unmoved(const struct world *w, const struct counter *const *counters,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (world_count(w, counters[i]) != 0)
            world_fail(w, "%s is %lld", counters[i]->name, (long long)world_count(w, counters[i]));
    }
}

void world_check_losses(const struct world *w)
{
    static const struct counter *const never[] = {
        &CT_mqtt_faults,      &CT_mqtt_connects_refused, &CT_deliveries_dropped_expired,
        &CT_feed_lost,        &CT_journal_lost,          &CT_journal_given_up,
        &CT_reports_recorded, &CT_subscribes_refused,
    };
    static const struct counter *const never_in_wide[] = {
        &CT_deliveries_dropped_full,
        &CT_deliveries_dropped_too_large,
        &CT_sessions_overflowed,
    };

    check_unmoved(w, never, sizeof(never) / sizeof(never[0]));
    if (!w->is_narrow)
        check_unmoved(w, never_in_wide, sizeof(never_in_wide) / sizeof(never_in_wide[0]));
}

static void say_goodbye(struct world *w)
{
    for (unsigned i = 0; i < w->worker_count; i++) {
        struct worker *worker = worker_group_get(w->workers, i);
        struct session *session;
        size_t cursor = 0;

        while ((session = session_next(worker, &cursor)) != NULL) {
            if (session->client == NULL)
                continue;
            will_free(&session->will);
            client_disconnect(session->client, REASON_SERVER_SHUTTING_DOWN, slice_make(NULL, 0));
            cursor = 0;
        }
        (void)worker_turn(worker);
        conn_abort_all(worker);
    }
    notice_closes(w);
}

static void check_worker_is_empty(const struct world *w, struct worker *worker)
{
    if (!timer_wheel_is_empty(&worker->timers))
        world_fail(w, "worker %u has timers left", worker->index);
    if (!inbox_is_empty(&worker->inbox))
        world_fail(w, "worker %u has letters left", worker->index);
}

static void stop(struct world *w, bool saves)
{
    say_goodbye(w);
    worker_group_settle(w->workers);
    for (unsigned i = 0; saves && i < w->worker_count; i++)
        device_store_all(home_of(worker_group_get(w->workers, i)));
    worker_group_settle(w->workers);
    journal_commit_free(&w->commit);
    w->shared.commit = NULL;
    worker_group_settle(w->workers);
    for (unsigned i = 0; i < w->worker_count; i++)
        session_table_close_all(worker_group_get(w->workers, i));
    worker_group_settle(w->workers);
    for (unsigned i = 0; i < w->worker_count; i++) {
        struct worker *worker = worker_group_get(w->workers, i);

        session_table_deinit(worker);
        site_deinit(worker);
        home_deinit(worker);
        check_worker_is_empty(w, worker);
    }
    worker_group_free(&w->workers);
}

void world_restart(struct world *w, bool saves, uint64_t pause_ms)
{
    w->shared.is_stopping = true;
    stop(w, saves);
    if (place != NULL) {
        journal_close(&w->journal);
        open_journal(w);
    }
    clock_advance(pause_ms);
    start(w);
}

void world_kill(struct world *w, uint64_t pause_ms)
{
    data_place_copy(place);
    w->shared.is_stopping = true;
    stop(w, false);
    journal_close(&w->journal);
    data_place_move(place);
    open_journal(w);
    clock_advance(pause_ms);
    start(w);
}

void world_close(struct world *w)
{
    stop(w, true);
    journal_close(&w->journal);
    if (place != NULL)
        data_place_move(place); /* the next world begins with nothing */
    login_guard_free(&w->logins);
    secret_usage_free(&w->secret_usage);
    for (unsigned i = 0; i < WORLD_LINKS_MAX; i++) {
        if (w->links[i].is_used)
            world_fail(w, "connection %llu is left", (unsigned long long)w->links[i].number);
    }
    check_gauges(w);
    if (mem_bytes_used_total() != w->bytes_before)
        world_fail(w, "%lld bytes are left", (long long)(mem_bytes_used_total() - w->bytes_before));
    clock_release();
    current = NULL;
}
