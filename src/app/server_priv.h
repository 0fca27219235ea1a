/* What the parts of a running server share. Main thread. */
#pragma once

#include <pthread.h>

#include "app/config.h"
#include "app/endpoint.h"
#include "http/http_server.h"
#include "net/conn_http.h"
#include "net/listener.h"
#include "net/tls_context.h"
#include "platform/home.h"
#include "platform/registrar.h"
#include "service/notify.h"
#include "service/site.h"
#include "store/alarm_commit.h"
#include "store/journal_commit.h"
#include "store/registry.h"

enum { SERVER_LISTENERS_MAX = 8, SERVER_ERROR_LEN = 512 };

/** Requests of HTTP threads that the main thread applies what is new in the registry. */
struct server_sync {
    pthread_mutex_t lock;
    pthread_cond_t done;
    uint64_t asked, answered; /* numbers of requests */
    bool is_over;             /* the main loop has ended: nobody answers any more */
};

struct server {
    const struct config *config;
    struct registry *registry; /* owned, as all below */
    struct alarm_store *alarms;
    struct alarm_commit *alarm_commit;
    struct notify *notify;
    struct buffer webhook_ranges; /* owned: struct address_range */
    struct tls_context *tls;
    struct journal *journal;
    struct journal_commit *commit;
    struct lobby *lobby, *http_lobby;
    struct worker_group *workers;
    struct login_guard *device_logins, *app_logins;
    struct secret_usage *secret_usage;
    uint64_t uses_saved_ms; /* when what is in it was last written to the registry */
    struct listener *listeners[SERVER_LISTENERS_MAX];
    unsigned listener_count;
    struct loop *loop; /* the main thread's */
    struct loop_watch *control_watch;
    int fd_max; /* descriptors from this one on are not for connections */
    struct http_site *http_site;
    struct http_server *http;
    struct conn_http_door http_door;
    char endpoints[ENDPOINT_COUNT][ENDPOINT_URL_MAX + 1];
    struct server_sync sync;
    int control_fd;
    int lock_fd;
    int64_t applied_change; /* the registry's last change that the workers know */
    bool sync_is_due;       /* the last changes could not be read */
    bool is_running;        /* the workers' threads run */
    struct root_map *roots; /* as the workers know it */
    struct device_orders *orders;
    struct registrar registrar;
    struct home_shared shared;
    struct site_settings settings;
    struct session_limits session_limits;
};

/* registry_sync.c: from the registry to the workers */

/** Loads everything; the workers do not run yet. */
enum status registry_sync_load(struct server *s) MUST_CHECK;

/** Applies what other processes have changed since, and waits until all workers know it. */
void registry_sync_apply(struct server *s);

/** Posts a letter without an object to every worker. */
void registry_sync_post(struct server *s, const struct letter *letter);
/** Waits until all workers have opened what was posted to them. */
void registry_sync_wait(struct server *s);

/* device_sync.c: the same for devices, which belong to one worker each */
enum status device_sync_load(struct server *s) MUST_CHECK;
/** `changes`: struct registry_change; those of other entities are passed over. */
void device_sync_apply(struct server *s, const struct buffer *changes);
/** The home of a device, as the workers know it. */
unsigned device_sync_home(const struct server *s, uint64_t device_id);

/* device_orders.c: devices that workers have made */
void device_orders_open(struct server *s);
/** Carries out all orders that wait. */
void device_orders_run(struct server *s);
void device_orders_close(struct server *s);

/* journal_sync.c: between journal and registry, while the workers do not run */

/** Before anything commits to the journal: drops what it has of projects that were removed while no
 * server ran, and takes in what an older program kept elsewhere. */
enum status journal_sync_open(struct server *s, char *error) MUST_CHECK;
/** Gives devices back what they had. */
enum status journal_sync_load(struct server *s) MUST_CHECK;
/** At a stop, before the last commit: all that is not written yet. */
void journal_sync_save(struct server *s);

/* notifier_sync.c: who is told of alarms */

/** Makes what tells them; before anything is committed. */
enum status notifier_sync_open(struct server *s, char *error) MUST_CHECK;
/** Reads all notifiers from the registry. */
enum status notifier_sync_load(struct server *s) MUST_CHECK;
/** Reads them again if one of these changes (struct registry_change) is about any. */
void notifier_sync_apply(struct server *s, const struct buffer *changes);
void notifier_sync_close(struct server *s);
/** Answers the command line, which has a test sent and asks for its result (app/control.c). */
void notifier_sync_test(struct server *s, struct slice rest, struct buffer *answer);
void notifier_sync_result(struct server *s, struct slice rest, struct buffer *answer);

/* server_http.c: the HTTP server, and what it asks of the main thread */
enum status server_http_open(struct server *s, char *error) MUST_CHECK;
/** Ends it, while the workers still run. */
void server_http_stop(struct server *s);
/** Frees it, when no connection is left. */
void server_http_close(struct server *s);
/** Answers requests to apply the registry; in the main loop. */
void server_http_on_wake(struct server *s);
/** The link of the first visit; NULL: there is an operator already. */
const char *server_http_setup_url(struct server *s, char *out, size_t out_len);

/* control.c: the socket by which the command line asks this server */
enum status control_open(struct server *s, char *error, size_t error_len) MUST_CHECK;
void control_close(struct server *s);
