/*
 * The pool of connections to the registry: as many as threads have asked at once, opened when they
 * are first needed.
 */
#include "http/http_site.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "http/events.h"
#include "http/http_schema.h"
#include "http/openapi.h"

static const char *const endpoint_names[HTTP_ENDPOINT_COUNT] = {
#define X(name) #name,
    HTTP_ENDPOINT_LIST(X)
#undef X
};

const char *http_endpoint_name(enum http_endpoint e)
{
    return endpoint_names[e];
}

static char *make_document(const char *version)
{
    json_t *document = openapi_new(version);
    char *text = json_dumps(document, JSON_INDENT(1));

    json_decref(document);
    invariant(text != NULL);
    return text;
}

enum status http_site_open(const struct http_settings *settings, struct http_site **out,
                           char *error, size_t error_len)
{
    struct http_site *s = mem_new_of(MEM_BASE, struct http_site);
    enum status st;

    invariant(settings->threads >= 1 && settings->threads <= HTTP_REGISTRIES_MAX);
    s->settings = *settings;
    s->started_ms = clock_unix_ms();
    s->logins = login_guard_new(settings->login_failures);
    s->connect_rate = call_rate_new(settings->connect_calls);
    ident_random_text(s->setup_token, HTTP_SETUP_TOKEN_LEN);
    invariant(pthread_mutex_init(&s->lock, NULL) == 0);
    http_schema_init();
    s->openapi = make_document(settings->version);
    *out = s;
    st = registry_open(settings->data_dir, &s->idle[0], error, error_len);
    if (st == ST_OK)
        s->idle_count = 1;
    else
        http_site_close(out);
    return st;
}

void http_site_close(struct http_site **sp)
{
    struct http_site *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    while (s->idle_count > 0)
        registry_close(&s->idle[--s->idle_count]);
    login_guard_free(&s->logins);
    call_rate_free(&s->connect_rate);
    invariant(pthread_mutex_destroy(&s->lock) == 0);
    secret_wipe(s->setup_token, sizeof(s->setup_token));
    free(s->openapi);
    http_schema_deinit();
    mem_free(s);
}

struct registry *http_site_take_registry(struct http_site *s)
{
    struct registry *r = NULL;
    char error[512];

    invariant(pthread_mutex_lock(&s->lock) == 0);
    if (s->idle_count > 0)
        r = s->idle[--s->idle_count];
    invariant(pthread_mutex_unlock(&s->lock) == 0);
    if (r == NULL && registry_open(s->settings.data_dir, &r, error, sizeof(error)) != ST_OK) {
        log_event(EV_HTTP_REGISTRY, "cause", error);
        r = NULL;
    }
    return r;
}

void http_site_give_registry(struct http_site *s, struct registry **rp)
{
    struct registry *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    invariant(pthread_mutex_lock(&s->lock) == 0);
    if (s->idle_count < HTTP_REGISTRIES_MAX) {
        s->idle[s->idle_count++] = r;
        r = NULL;
    }
    invariant(pthread_mutex_unlock(&s->lock) == 0);
    registry_close(&r);
}
