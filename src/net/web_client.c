/*
 * Requests as easy handles of one multi handle. The name of a server is looked up by a thread of
 * libcurl's, which is left behind when the request ends before it.
 */
#include "net/web_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address_public.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    IDLE_CONNECTIONS_MAX = 32,
    ANSWER_MAX = 64 * 1024, /* bytes of a body that are read; behind them it is cut off */
    HEADER_MAX = 512,
    CONNECT_MAX_MS = 5000
};

struct web_client {
    struct web_client_options options;
    CURLM *multi;      /* owned */
    struct list calls; /* owned */
};

struct call {
    struct list node;
    struct web_client *client;  /* borrowed: holds it */
    CURL *easy;                 /* owned */
    struct curl_slist *headers; /* owned */
    web_answer_fn fn;
    void *arg;
    size_t received;
    bool is_refused, is_tried; /* an address was */
};

struct web_client *web_client_new(const struct web_client_options *o)
{
    struct web_client *c = mem_new_of(MEM_BASE, struct web_client);

    invariant(curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK);
    c->options = *o;
    c->multi = curl_multi_init();
    invariant(c->multi != NULL);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
    list_init(&c->calls);
    return c;
}

static void end_call(struct call *call)
{
    (void)curl_multi_remove_handle(call->client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    list_remove(&call->node);
    mem_free(call);
}

void web_client_free(struct web_client **cp)
{
    struct web_client *c = *cp;

    *cp = NULL;
    if (c == NULL)
        return;
    while (!list_is_empty(&c->calls))
        end_call(list_entry(c->calls.next, struct call, node));
    (void)curl_multi_cleanup(c->multi);
    curl_global_cleanup();
    mem_free(c);
}

/* --- where it goes ---------------------------------------------------------------------------- */

/* False: of another family. */
static bool read_address(const struct curl_sockaddr *from, struct address *to)
{
    static const struct address v4 = {{[10] = 0xFF, [11] = 0xFF}};

    *to = v4;
    if (from->family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &from->addr, sizeof(in));
        memcpy(to->bytes + sizeof(to->bytes) - sizeof(in.sin_addr), &in.sin_addr,
               sizeof(in.sin_addr));
        return true;
    }
    if (from->family == AF_INET6 && from->addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;

        memcpy(&in, &from->addr, sizeof(in));
        memcpy(to->bytes, &in.sin6_addr, sizeof(to->bytes));
        return true;
    }
    return false;
}

static bool is_allowed(const struct web_client_options *o, const struct address *a)
{
    for (size_t i = 0; i < o->allowed_count; i++) {
        if (address_range_has(&o->allowed[i], a))
            return true;
    }
    return address_is_public(a);
}

/* The one place where a socket is made for a request. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct call *call = arg;
    struct address a;

    if (purpose != CURLSOCKTYPE_IPCXN || !read_address(to, &a) ||
        !is_allowed(&call->client->options, &a)) {
        call->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    call->is_tried = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* --- what comes back -------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct call *call = arg;

    (void)bytes;
    call->received += size * count;
    return call->received <= ANSWER_MAX ? size * count : 0;
}

static void tell(const CURLMsg *message)
{
    struct web_answer answer = {0};
    struct call *call = NULL;
    long status = 0;

    invariant(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call) ==
              CURLE_OK);
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result == CURLE_OK || call->received > ANSWER_MAX)
        answer.status = (unsigned)status;
    else if (call->is_refused && !call->is_tried)
        answer.cause = "its address is not a public one, and not allowed by webhook_private";
    else
        answer.cause = curl_easy_strerror(message->data.result);
    call->fn(&answer, call->arg);
    end_call(call);
}

void web_client_turn(struct web_client *c, unsigned wait_ms)
{
    const CURLMsg *message;
    int running, left;

    (void)curl_multi_perform(c->multi, &running);
    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            tell(message);
        wait_ms = 0; /* whoever was told may have more to send */
    }
    if (wait_ms > 0)
        (void)curl_multi_poll(c->multi, NULL, 0, (int)wait_ms, NULL);
}

void web_client_wake(struct web_client *c)
{
    (void)curl_multi_wakeup(c->multi);
}

/* --- a request -------------------------------------------------------------------------------- */

static void add_header(struct call *call, const char *name, const char *value)
{
    char line[HEADER_MAX];
    int len = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *longer;

    invariant(len > 0 && len < HEADER_MAX);
    longer = curl_slist_append(call->headers, line);
    invariant(longer != NULL);
    call->headers = longer;
}

static void set_text(CURL *easy, CURLoption option, const char *value)
{
    invariant(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

static void set_number(CURL *easy, CURLoption option, long value)
{
    invariant(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

static void set_rules(const struct web_client_options *o, CURL *easy)
{
    set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_text(easy, CURLOPT_PROXY, "");
    set_text(easy, CURLOPT_USERAGENT, o->agent);
    set_number(easy, CURLOPT_FOLLOWLOCATION, 0);
    set_number(easy, CURLOPT_SSL_VERIFYPEER, 1);
    set_number(easy, CURLOPT_SSL_VERIFYHOST, 2);
    set_number(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_number(easy, CURLOPT_NOSIGNAL, 1);
    set_number(easy, CURLOPT_QUICK_EXIT, 1);
    set_number(easy, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MAX_MS);
    if (o->ca_file[0] != '\0')
        set_text(easy, CURLOPT_CAINFO, o->ca_file);
}

static void set_callbacks(struct call *call, CURL *easy)
{
    bool is_set = curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)call) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)call) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)call) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;

    invariant(is_set);
}

void web_client_post(struct web_client *c, const struct web_post *post, web_answer_fn fn, void *arg)
{
    struct call *call = mem_new_of(MEM_BASE, struct call);

    *call = (struct call){.client = c, .fn = fn, .arg = arg, .easy = curl_easy_init()};
    invariant(call->easy != NULL);
    list_push_back(&c->calls, &call->node);
    for (size_t i = 0; i < post->header_count; i++)
        add_header(call, post->headers[i].name, post->headers[i].value);
    add_header(call, "Expect", ""); /* no round trip before the body */
    set_rules(&c->options, call->easy);
    set_callbacks(call, call->easy);
    set_text(call->easy, CURLOPT_URL, post->url);
    invariant(curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)post->body.len) == CURLE_OK);
    set_text(call->easy, CURLOPT_COPYPOSTFIELDS, (const char *)post->body.data);
    invariant(curl_multi_add_handle(c->multi, call->easy) == CURLM_OK);
}
