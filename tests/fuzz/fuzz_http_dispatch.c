/*
 * http_dispatch.h: the whole HTTPS API, but for the HTTP library: a request at a registry with a
 * project, a type, devices, and at workers with threads, since requests wait for them.
 *
 * Every answer has the form that /openapi.json shows for it, a refusal included, and no request
 * makes the server fail. Credentials come into an input by name: a header whose value is `@admin`
 * has the cookie of a log-in, `@csrf` what goes with it, `@app` a bearer token, `@signature` that
 * of the timestamp 1800000000. What was written is undone behind each input.
 */
#include "http/http_dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/json.h"
#include "http/counters.h"
#include "http/http_auth.h"
#include "http/http_schema.h"
#include "http_text.h"
#include "mqtt/session.h"
#include "net/tls_digest.h"
#include "platform/device.h"
#include "platform/alarm_history.h"
#include "service/login.h"
#include "service/notify.h"
#include "service/site.h"
#include "store/journal.h"
#include "store/registry_notifier.h"
#include "../sim/world.h"

#define PROJECT   "PR_SIM0000001"
#define TOKEN     "0123456789abcdefghijABCDEFGHIJ0123456789"
#define LOGIN     "0123456789abcdefghijABCDEFGHIJ01234567890AB"
#define TIMESTAMP "1800000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORKERS = 2, DEVICES = 3, PAYLOAD_MAX = 65536 };

static const struct journal_limits journal_limits = {UINT64_C(1) << 20, UINT64_C(1) << 40};
static const struct session_limits session_limits = {1000, 1 << 20, 1 << 20};
static struct site_settings site_settings;
static struct home_shared shared;
static struct worker_group *workers;
static struct http_site *site;
static struct login_guard *logins;
static struct alarm_store *alarms;
static struct notify *notify;
static char data_dir[64];
static char admin_cookie[128], admin_csrf[64], app_bearer[HTTP_BEARER_MAX], signature[64];

/* --- what is there ---------------------------------------------------------------------------- */

static void apply(void *arg)
{
    (void)arg;
}

static uint64_t project_id(void)
{
    return ident_parse(IDENT_PROJECT, slice_of(PROJECT));
}

static uint64_t device_id(unsigned i)
{
    char text[IDENT_TEXT_LEN + 1];

    (void)snprintf(text, sizeof(text), "DU_SIM000000%c", (char)('0' + i));
    return ident_parse(IDENT_DEVICE, slice_of(text));
}

/* The project and its devices, on their homes. */
static void open_homes(void)
{
    struct secret_digest password = secret_digest_of(slice_of("password"));
    struct project *p = project_new(project_id(), true, true);

    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = worker_group_get(workers, i);

        site_init(w, &site_settings);
        session_table_init(w, &session_limits);
        home_init(w, &shared);
        home_put_project(home_of(w), p);
    }
    project_unref(&p);
    for (unsigned i = 0; i < DEVICES; i++) {
        unsigned home = home_of_root(workers, device_id(i));

        (void)home_add_device(home_of(worker_group_get(workers, home)), project_id(), device_id(i),
                              &password, true);
    }
}

static void open_workers(void)
{
    world_prepare();
    http_counters_register();
    clock_hold(1000, INT64_C(1800000000000));
    workers = worker_group_new(WORKERS, true);
    shared = (struct home_shared){.sink = &site_sink,
                                  .journal = journal_memory_new(&journal_limits),
                                  .payload_max = PAYLOAD_MAX,
                                  .command_timeout_ms = 1000,
                                  .log_limits = {10, 4096, 256}};
    shared.commit = journal_commit_new(shared.journal, true, router_on_committed, workers);
    site_settings = (struct site_settings){.payload_max = PAYLOAD_MAX,
                                           .filter_max = 512,
                                           .subscriptions_max = 10,
                                           .app_clients_max = 10,
                                           .app_sessions_max = 10,
                                           .app_logins = login_guard_new(0),
                                           .secret_usage = secret_usage_new()};
    open_homes();
    worker_group_start(workers);
}

static void add_project(struct registry *r)
{
    struct registry_project p = {.project_id = project_id(),
                                 .name = "project",
                                 .token = TOKEN,
                                 .enabled = true,
                                 .open_mqtt = true};
    struct registry_type t = {.type_id = ident_parse(IDENT_TYPE, slice_of("PK_SIM01")),
                              .project_id = project_id(),
                              .name = "type",
                              .code = "code",
                              .definition = slice_of("{\"connection\": {\"a\": \"${sn}\"}}")};

    memset(p.secret, 's', IDENT_SECRET_LEN);
    invariant(registry_project_add(r, &p) == ST_OK && registry_type_add(r, &t) == ST_OK);
    for (unsigned i = 0; i < DEVICES; i++) {
        struct registry_device d = {.device_id = device_id(i),
                                    .project_id = project_id(),
                                    .type_id = i == 0 ? t.type_id : 0,
                                    .name = "device",
                                    .password = "password",
                                    .enabled = true};

        if (i == 0)
            (void)snprintf(d.sn, sizeof(d.sn), "SN-1");
        invariant(registry_device_add(r, &d) == ST_OK);
    }
}

static uint64_t rule_id(void)
{
    return ident_parse(IDENT_RULE, slice_of("AL_SIM0000001"));
}

static void add_rule(struct registry *r)
{
    struct registry_rule rule = {
        .rule_id = rule_id(),
        .project_id = project_id(),
        .definition = slice_of("{\"name\": \"hot\", \"level\": \"urgent\", \"source\": "
                               "{\"devices\": [\"DU_SIM0000000\"]}, \"trigger\": {\"any\": "
                               "[{\"attribute\": \"t\", \"operator\": \">\", \"value\": 1}]}}")};
    struct registry_notifier n = {.project_id = project_id(),
                                  .name = "hook",
                                  .secret = "secret",
                                  .definition = slice_of("{\"url\": \"https://host.test/\"}")};

    invariant(registry_rule_add(r, &rule) == ST_OK && registry_notifier_add(r, &n) == ST_OK);
}

static void add_operator(struct registry *r)
{
    struct registry_operator o = {.username = "admin", .password_hash = "none", .is_admin = true};
    struct registry_login l = {.username = "admin",
                               .is_admin = true,
                               .created_ms = clock_unix_ms(),
                               .used_ms = clock_unix_ms()};

    secret_hash(slice_of(LOGIN), l.token_hash);
    invariant(registry_operator_add(r, &o) == ST_OK && registry_login_add(r, &l) == ST_OK);
}

static void make_credentials(struct registry *r)
{
    struct http_call call = {.registry = r, .site = site};
    char secret[IDENT_SECRET_LEN + 1];
    struct buffer bearer = {0};

    memset(secret, 's', IDENT_SECRET_LEN);
    secret[IDENT_SECRET_LEN] = '\0';
    http_auth_csrf(&call, slice_of(LOGIN), admin_csrf);
    (void)snprintf(admin_cookie, sizeof(admin_cookie), HTTP_COOKIE "=" LOGIN);
    http_auth_make_bearer(&call, project_id(), "main", secret, clock_unix_ms() + HTTP_BEARER_MS,
                          &bearer);
    (void)snprintf(app_bearer, sizeof(app_bearer), "Bearer %.*s", (int)bearer.len,
                   (const char *)bearer.data);
    buffer_deinit(&bearer);
    tls_digest_md5_hex(slice_of(TIMESTAMP TOKEN), signature);
}

static void remove_file(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, name);
    (void)unlink(path);
}

static void remove_folder(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", data_dir, name);
    (void)rmdir(path);
}

static void free_requests(struct alarm_request *first, void *arg)
{
    (void)arg;
    alarm_request_free(&first);
}

/* A history with a change in it; and one who would tell it, but has stopped, so that nothing leaves
 * this process. */
static void open_alarms(void)
{
    struct alarm_commit_plan plan = {.limits = {INT64_MAX / 2, UINT64_MAX}, .waiting_max = 4096};
    struct alarm_record change = {.project_id = project_id(),
                                  .device_id = device_id(0),
                                  .rule_id = rule_id(),
                                  .ts_ms = INT64_C(1800000000000),
                                  .state = ALARM_CHANGE_ALERTING,
                                  .name = slice_of("hot"),
                                  .values = slice_of("{\"t\":2}")};
    struct notify_settings settings = {.web = {.agent = "", .ca_file = ""}};
    struct alarm_commit *commit;
    char error[256];

    invariant(alarm_store_open(data_dir, &alarms, error, sizeof(error)) == ST_OK);
    commit = alarm_commit_new(alarms, &plan, free_requests, NULL);
    alarm_commit_submit(commit, alarm_request_new(&change));
    invariant(alarm_commit_turn(commit));
    alarm_commit_free(&commit);
    settings.store = alarms;
    invariant(notify_new(&settings, &notify) == ST_OK);
    notify_stop(notify);
}

static void close_alarms(void)
{
    notify_free(&notify);
    alarm_store_close(&alarms);
    remove_file("alarms/data.mdb");
    remove_file("alarms/lock.mdb");
    remove_folder("alarms");
}

static void close_site(void)
{
    http_site_close(&site);
    login_guard_free(&logins);
    remove_file("registry.db");
    remove_file("registry.db-wal");
    remove_file("registry.db-shm");
}

static void at_exit(void)
{
    close_site();
    close_alarms();
    worker_group_stop(workers);
    remove_file("secret.key");
    (void)rmdir(data_dir);
}

static void open_site(void)
{
    struct http_settings settings = {.version = "0",
                                     .data_dir = data_dir,
                                     .public_host = "localhost",
                                     .endpoints = {"mqtt://localhost:7883", NULL,
                                                   "mqtts://localhost:7887", NULL,
                                                   "https://localhost:7888"},
                                     .metrics_token = "metrics",
                                     .threads = 1,
                                     .login_failures = 3,
                                     .connections_max = 10,
                                     .connect_calls = 1000000,
                                     .workers = workers,
                                     .secret_usage = site_settings.secret_usage,
                                     .alarms = alarms,
                                     .notify = notify,
                                     .host = {apply, NULL}};
    struct registry *r;
    char error[512];

    logins = login_guard_new(3);
    settings.app_logins = logins;
    if (http_site_open(&settings, &site, error, sizeof(error)) != ST_OK)
        (void)fprintf(stderr, "%s\n", error);
    invariant(site != NULL);
    r = http_site_take_registry(site);
    invariant(r != NULL && registry_begin(r) == ST_OK);
    add_project(r);
    add_rule(r);
    add_operator(r);
    invariant(registry_commit(r) == ST_OK);
    make_credentials(r);
    http_site_give_registry(site, &r);
}

static void open_once(void)
{
    if (site != NULL)
        return;
    open_workers();
    (void)snprintf(data_dir, sizeof(data_dir), "%s/eztcloud-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    invariant(mkdtemp(data_dir) != NULL);
    open_alarms();
    open_site();
    invariant(atexit(at_exit) == 0);
}

/* --- what is answered ------------------------------------------------------------------------- */

static const char *replace(const char *value)
{
    if (strcmp(value, "@admin") == 0)
        return admin_cookie;
    if (strcmp(value, "@csrf") == 0)
        return admin_csrf;
    if (strcmp(value, "@app") == 0)
        return app_bearer;
    return strcmp(value, "@signature") == 0 ? signature : value;
}

static void check_schema(const char *name, const json_t *value)
{
    struct http_schema_fault fault;

    if (http_schema_check(name, value, &fault))
        return;
    (void)fprintf(stderr, "%s: %s %s\n", name, fault.field, fault.why);
    invariant(false);
}

static void check_page(const char *name, const json_t *page)
{
    const json_t *next = json_object_get(page, "next");
    json_t *items = json_object_get(page, "items"), *one;
    size_t i;

    invariant(json_is_array(items) && (json_is_string(next) || json_is_null(next)));
    json_array_foreach (items, i, one)
        check_schema(name, one);
}

static void check_json(const struct route *route, const struct http_response *a)
{
    struct slice body = a->fixed.len > 0 ? a->fixed : buffer_slice(&a->body);
    json_t *value =
        json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

    invariant(value != NULL);
    if (strcmp(a->content_type, "application/problem+json") == 0)
        check_schema("Problem", value);
    else if (a->status >= 300)
        invariant(json_object_get(value, "result") != NULL); /* as the hosted platform's */
    else if (strncmp(route->answer, "[]", 2) == 0)
        check_page(route->answer + 2, value);
    else
        check_schema(route->answer, value);
    json_decref(value);
}

/* A test has nobody here who would send it. */
static bool is_test(const struct route *route)
{
    return route != NULL && strstr(route->pattern, "/notifiers/{name}/test") != NULL;
}

static void check_answer(const struct http_request *q, const struct http_response *a)
{
    struct route_match match = {0};
    unsigned allowed;

    for (size_t i = 0; i < a->header_count; i++) {
        for (const char *c = a->headers[i].value; *c != '\0'; c++)
            invariant(*c >= 0x20 && *c < 0x7F);
    }
    if (q->method != HTTP_METHOD_COUNT)
        (void)route_find(q->method, q->path, &match, &allowed);
    invariant(a->status >= 200 &&
              (a->status < 500 || a->status == 501 || (a->status == 503 && is_test(match.route))));
    invariant(match.route == NULL || a->status >= 300 || a->status == match.route->status);
    if (a->content_type != NULL && strstr(a->content_type, "json") != NULL)
        check_json(match.route, a);
}

static int64_t last_change(void)
{
    struct registry *r = http_site_take_registry(site);
    int64_t number;

    invariant(r != NULL && registry_last_change(r, &number) == ST_OK);
    http_site_give_registry(site, &r);
    return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_response answer = {0};
    struct http_text t;
    int64_t before;
    bool has_written;

    open_once();
    before = last_change();
    http_text_init(&t, slice_make(data, size), replace);
    http_dispatch(site, &t.request, &answer);
    check_answer(&t.request, &answer);
    has_written =
        last_change() != before || (answer.status < 300 && t.request.method != HTTP_METHOD_COUNT &&
                                    !http_method_is_safe(t.request.method));
    http_response_deinit(&answer);
    http_text_deinit(&t);
    if (has_written) {
        close_site();
        open_site();
    }
    return 0;
}
