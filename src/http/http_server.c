/*
 * Between libmicrohttpd and http_dispatch: requests gathered, answers given back.
 *
 * Everything of a request that strangers write is bounded: the head by the library's memory of a
 * connection, the body here. Time is bounded by whoever hands the connections over.
 */
#include "http/http_server.h"

#include <microhttpd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/invariant.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/events.h"
#include "http/http_dispatch.h"
#include "net/peer_address.h"

enum {
    CONNECTION_MEMORY = 32 * 1024, /* head of a request and of its answer */
    CONNECTION_TIMEOUT_S = 300     /* far above those of net, which come first */
};

struct http_server {
    struct http_site *site;    /* borrowed */
    struct MHD_Daemon *daemon; /* owned */
    pthread_mutex_t lock;
    bool takes; /* false: it stops */
};

/* A request that is coming. */
struct incoming {
    struct buffer target; /* owned, as sent */
    struct buffer body;   /* owned */
    bool is_begun, is_too_large, target_is_too_long;
};

/* --- a request -------------------------------------------------------------------------------- */

/* Called with the target before anything is undone in it; what it gives is the request's. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *c)
{
    struct incoming *in = mem_new_of(MEM_CONN, struct incoming);

    (void)arg;
    (void)c;
    in->target_is_too_long = strlen(target) > HTTP_TARGET_MAX;
    if (!in->target_is_too_long)
        buffer_append_text(&in->target, target);
    return in;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct incoming *in = *request;

    (void)arg;
    (void)c;
    (void)code;
    *request = NULL;
    if (in == NULL)
        return;
    secret_wipe(in->body.data, in->body.len);
    buffer_deinit(&in->target);
    buffer_deinit(&in->body);
    mem_free(in);
}

static const char *find_header(const void *arg, const char *name)
{
    /* the library's function takes its connection without const, and does not change it */
    struct MHD_Connection *c = (struct MHD_Connection *)(uintptr_t)arg;

    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void gather(struct incoming *in, const char *data, size_t len)
{
    if (in->is_too_large || len > HTTP_BODY_MAX - in->body.len) {
        in->is_too_large = true; /* the rest is read away */
        in->body.len = 0;
        return;
    }
    buffer_append(&in->body, data, len);
}

/* --- an answer -------------------------------------------------------------------------------- */

static void free_body(void *data)
{
    struct buffer b = {.data = data};

    buffer_deinit(&b);
}

/* Takes the body, if it is not a fixed one. */
static struct MHD_Response *make_response(struct http_response *a)
{
    struct MHD_Response *r;

    if (a->fixed.len > 0)
        return MHD_create_response_from_buffer(a->fixed.len, (void *)(uintptr_t)a->fixed.data,
                                               MHD_RESPMEM_PERSISTENT);
    if (a->body.len == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    r = MHD_create_response_from_buffer_with_free_callback(a->body.len, a->body.data, free_body);
    if (r != NULL)
        a->body = (struct buffer){0};
    return r;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, struct http_response *a)
{
    struct MHD_Response *r = make_response(a);
    enum MHD_Result result;

    if (r == NULL)
        return MHD_NO;
    if (a->content_type != NULL)
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    for (size_t i = 0; i < a->header_count; i++)
        (void)MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    result = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return result;
}

static void split_target(const struct incoming *in, struct http_request *q)
{
    struct slice rest = buffer_slice(&in->target);

    q->path = slice_cut(&rest, '?');
    q->query = rest;
    if (q->path.len == 0)
        q->path = slice_of("/");
}

static enum MHD_Result answer(struct http_server *s, struct MHD_Connection *c, struct incoming *in,
                              const char *method)
{
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_storage address = {0};
    char text[PEER_ADDRESS_TEXT];
    struct http_response a = {0};
    struct http_request q = {.method = http_method_parse(method),
                             .peer = text,
                             .find_header = find_header,
                             .headers = c};
    enum MHD_Result result;

    if (peer != NULL && peer->client_addr->sa_family == AF_INET)
        memcpy(&address, peer->client_addr, sizeof(struct sockaddr_in));
    else if (peer != NULL)
        memcpy(&address, peer->client_addr, sizeof(struct sockaddr_in6));
    q.peer_address = slice_make(text, peer_address_format(&address, text));
    split_target(in, &q);
    (void)buffer_reserve(&in->body, JSON_PADDING);
    q.body = buffer_slice(&in->body);
    if (in->is_too_large)
        http_dispatch_refuse(&q, &a, PROBLEM_too_large, "a body has 1 MiB at most");
    else if (in->target_is_too_long)
        http_dispatch_refuse(&q, &a, PROBLEM_uri_too_long,
                             "path and query have 4096 bytes at most");
    else
        http_dispatch(s->site, &q, &a);
    result = send_answer(c, &a);
    http_response_deinit(&a);
    return result;
}

/* Called with the head, then with each part of the body, then with nothing. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **request)
{
    struct incoming *in = *request;

    (void)url;
    (void)version;
    invariant(in != NULL);
    counter_thread_attach();
    if (!in->is_begun) {
        in->is_begun = true;
        return MHD_YES;
    }
    if (*len > 0) {
        gather(in, data, *len);
        *len = 0;
        return MHD_YES;
    }
    return answer(arg, c, in, method);
}

/* --- its life --------------------------------------------------------------------------------- */

/* What the library says of a socket that is no TCP one: it cannot push what is gathered, since
 * nothing is. */
static const char *const expected[] = {"TCP", "Setting", "Failed to push the data"};

static void on_log(void *arg, const char *format, va_list args)
{
    char line[256];

    (void)arg;
    (void)vsnprintf(line, sizeof(line), format, args);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (strstr(line, expected[i]) != NULL)
            return;
    }
    log_event(EV_HTTP_LIBRARY, "text", log_slice(slice_of(line)));
}

enum status http_server_start(struct http_site *site, struct http_server **out)
{
    struct http_server *s = mem_new_of(MEM_BASE, struct http_server);
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    s->site = site;
    s->takes = true;
    invariant(pthread_mutex_init(&s->lock, NULL) == 0);
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, site->settings.connections_max + site->settings.threads,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_THREAD_POOL_SIZE,
        site->settings.threads, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
        1, MHD_OPTION_END);
    if (s->daemon == NULL) {
        http_server_free(&s);
        return ST_IO;
    }
    *out = s;
    return ST_OK;
}

void http_server_stop_serving(struct http_server *s)
{
    if (s == NULL)
        return;
    invariant(pthread_mutex_lock(&s->lock) == 0);
    s->takes = false;
    invariant(pthread_mutex_unlock(&s->lock) == 0);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}

void http_server_free(struct http_server **sp)
{
    struct http_server *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    invariant(s->daemon == NULL);
    invariant(pthread_mutex_destroy(&s->lock) == 0);
    mem_free(s);
}

bool http_server_take(void *arg, int fd, const struct sockaddr_storage *peer, socklen_t peer_len)
{
    struct http_server *s = arg;
    bool is_taken = false;

    invariant(pthread_mutex_lock(&s->lock) == 0);
    if (s->takes)
        is_taken =
            MHD_add_connection(s->daemon, fd, (const struct sockaddr *)peer, peer_len) == MHD_YES;
    else
        (void)close(fd);
    invariant(pthread_mutex_unlock(&s->lock) == 0);
    return is_taken;
}
