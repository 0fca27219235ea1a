/*
 * What all requests share: what the server was told, its way to the workers and to the main thread,
 * connections to the registry, and who fails to log in.
 *
 * Made by `app` before the HTTP server starts; immutable but for the pool. Any thread.
 */
#pragma once

#include <pthread.h>

#include "http/call_rate.h"
#include "net/worker.h"
#include "service/login.h"
#include "service/secret_usage.h"
#include "store/registry.h"

enum { HTTP_REGISTRIES_MAX = 16, HTTP_SETUP_TOKEN_LEN = 32 };

/* X(name of the service, as in the JSON) */
#define HTTP_ENDPOINT_LIST(X) \
    X(device_mqtt) X(device_ws) X(device_mqtts) X(app_mqtts) X(app_wss) X(https)

enum http_endpoint {
#define X(name) HTTP_ENDPOINT_##name,
    HTTP_ENDPOINT_LIST(X)
#undef X
        HTTP_ENDPOINT_COUNT
};

struct alarm_store;
struct journal;
struct notify;

/** What the program that runs us does for us. */
struct http_host {
    /** What was written to the registry is in force when this returns: the workers have it. Any
     * thread but the main one. */
    void (*apply)(void *arg);
    void *arg;
};

struct http_settings {
    const char *version;
    const char *data_dir;
    const char *public_host;
    char *endpoints[HTTP_ENDPOINT_COUNT]; /* URLs, borrowed; NULL: off */
    const char *metrics_token;            /* "": none */
    unsigned threads;                     /* that serve requests, 1 to HTTP_REGISTRIES_MAX */
    unsigned login_failures;              /* a minute; 0: any number */
    unsigned connections_max;
    unsigned connect_calls;       /* quick connections of an address an hour; 0: there are none */
    unsigned connect_devices_max; /* of a project, for these to make one more; 0: any number */
    struct worker_group *workers;
    struct login_guard *app_logins; /* of the application API: one lock-out for both ways in */
    struct secret_usage *secret_usage;
    struct alarm_store *alarms; /* the history; borrowed */
    struct journal *journal;    /* borrowed */
    struct notify *notify;      /* borrowed */
    unsigned webhook_timeout_ms;
    struct http_host host;
};

struct http_site {
    struct http_settings settings;
    int64_t started_ms;
    struct login_guard *logins;                 /* owned: operators' */
    struct call_rate *connect_rate;             /* owned */
    char setup_token[HTTP_SETUP_TOKEN_LEN + 1]; /* for the first operator */
    char *openapi;                              /* owned, jansson's: the document as text */
    pthread_mutex_t lock;
    struct registry *idle[HTTP_REGISTRIES_MAX]; /* owned: connections that nobody uses */
    size_t idle_count;
};

/** One line of `error` on failure. Errors: those of registry_open. */
enum status http_site_open(const struct http_settings *settings, struct http_site **out,
                           char *error, size_t error_len) MUST_CHECK;
/** Closes one that no request uses any more; NULL inside is accepted. */
void http_site_close(struct http_site **s);

/** A connection to the registry, the caller's until it gives it back. NULL: it cannot be opened. */
struct registry *http_site_take_registry(struct http_site *s);
void http_site_give_registry(struct http_site *s, struct registry **r);

/** The name of a service: `app_wss`. */
const char *http_endpoint_name(enum http_endpoint e);
