/*
 * The steps of a request; each answers and gives false when it ends there.
 *
 * If-Match is decided by the GET route of the same path, run inside the transaction of the change:
 * nobody can come between the comparison and the change.
 */
#include "http/http_dispatch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/invariant.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/http_auth.h"
#include "http/http_schema.h"
#include "platform/json_fault.h"

enum { QUERY_NAME_MAX = 64, ALLOW_MAX = 64 };

http_fallback_fn http_fallback;

/* --- route ------------------------------------------------------------------------------------ */

static void format_allowed(unsigned allowed, char out[ALLOW_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        if ((allowed & 1u << m) != 0)
            len += (size_t)snprintf(out + len, ALLOW_MAX - len, "%s%s", len == 0 ? "" : ", ",
                                    http_method_name((enum http_method)m));
    }
}

static void answer_elsewhere(struct http_call *call, unsigned allowed)
{
    const struct http_request *q = call->request;
    char list[ALLOW_MAX];

    if (allowed == 0) {
        if (http_fallback != NULL && http_method_is_safe(q->method))
            http_fallback(q, call->answer);
        if (call->answer->status == 0)
            http_fail(call, PROBLEM_not_found, "there is nothing at this path");
        return;
    }
    format_allowed(allowed, list);
    if (q->method == HTTP_METHOD_OPTIONS) {
        call->answer->status = 204;
    } else {
        http_fail(call, PROBLEM_method_not_allowed, "here: %s", list);
    }
    http_response_header(call->answer, "Allow", list);
}

static bool find_route(struct http_call *call)
{
    unsigned allowed;

    if (call->request->method == HTTP_METHOD_COUNT) {
        http_fail(call, PROBLEM_not_implemented, "this method is known to nothing here");
        return false;
    }
    if (route_find(call->request->method, call->request->path, &call->match, &allowed))
        return true;
    answer_elsewhere(call, allowed);
    return false;
}

/* True when the name is one of the route's words. */
static bool is_listed(const char *list, const char *name)
{
    struct slice rest = slice_of(list);

    while (rest.len > 0) {
        if (slice_is(slice_cut(&rest, ' '), name))
            return true;
    }
    return false;
}

/* A parameter with a typing error would otherwise be a filter that does not filter. */
static bool check_query(struct http_call *call)
{
    struct slice rest = call->request->query;
    char name[QUERY_NAME_MAX + 1];

    while (http_request_next_name(&rest, name, QUERY_NAME_MAX)) {
        if ((call->match.route->flags & ROUTE_HOSTED) != 0 ||
            is_listed(call->match.route->query, name))
            continue;
        http_fail_field(call, PROBLEM_invalid, name, "is no query parameter of this path");
        return false;
    }
    return true;
}

/* --- what the path names ---------------------------------------------------------------------- */

static const char *find_parameter(const struct http_call *call, const char *name)
{
    for (size_t i = 0; i < call->match.parameter_count; i++) {
        if (strcmp(call->match.names[i], name) == 0)
            return call->match.values[i];
    }
    return NULL;
}

static bool load_project(struct http_call *call, uint64_t project_id)
{
    enum status st = ST_NOT_FOUND;

    if (project_id != 0)
        st = registry_project_find(call->registry, project_id, &call->project);
    if (st == ST_OK)
        return true;
    call->project.project_id = 0;
    http_fail_status(call, st, "the project");
    return false;
}

static bool load_device(struct http_call *call, const char *username)
{
    uint64_t device_id = ident_parse(IDENT_DEVICE, slice_of(username));
    enum status st = ST_NOT_FOUND;

    if (device_id != 0)
        st = registry_device_find(call->registry, device_id, &call->device);
    if (st == ST_OK && call->project.project_id == 0)
        return load_project(call, call->device.project_id);
    if (st == ST_OK && call->device.project_id != call->project.project_id)
        st = ST_NOT_FOUND;
    if (st == ST_OK)
        return true;
    http_fail_status(call, st, "the device");
    return false;
}

/* Strangers do not learn what exists: who is nobody gets 401 before this. */
static bool load_path(struct http_call *call)
{
    const char *project = find_parameter(call, "project_key");
    const char *device = find_parameter(call, "device");

    if (project != NULL && !load_project(call, ident_parse(IDENT_PROJECT, slice_of(project))))
        return false;
    return device == NULL || load_device(call, device);
}

static bool is_known(struct http_call *call)
{
    enum http_right right = call->match.route->right;

    if (call->caller.kind != HTTP_CALLER_NOBODY || right == HTTP_RIGHT_ANYONE ||
        right == HTTP_RIGHT_METRICS)
        return true;
    return http_auth_permit(call); /* says that it is nobody */
}

/* --- body ------------------------------------------------------------------------------------- */

static void fail_json(struct http_call *call, struct slice text, const json_error_t *error)
{
    struct problem_place place = {.line = (unsigned)error->line, .column = (unsigned)error->column};
    char why[JSON_FAULT_LEN_MAX];

    json_fault_describe(text, why, sizeof(why), &place.line, &place.column);
    http_response_problem(call->answer, PROBLEM_malformed, &place, why);
}

/* Deeper than this is no JSON of ours. */
static bool depth_is_fine(const json_t *value, unsigned depth)
{
    const char *name;
    size_t i;
    json_t *one;

    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (depth >= JSON_DEPTH_MAX)
        return false;
    json_object_foreach ((json_t *)(uintptr_t)value, name, one) {
        if (!depth_is_fine(one, depth + 1))
            return false;
    }
    json_array_foreach ((json_t *)(uintptr_t)value, i, one) {
        if (!depth_is_fine(one, depth + 1))
            return false;
    }
    return true;
}

static bool parse_body(struct http_call *call)
{
    struct slice text = call->request->body;
    json_error_t error;

    if (slice_starts_with(text, slice_of("\xEF\xBB\xBF")))
        text = slice_from(text, 3);
    call->body = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, &error);
    if (call->body == NULL) {
        fail_json(call, text, &error);
        return false;
    }
    if (!depth_is_fine(call->body, 0)) {
        http_fail(call, PROBLEM_malformed, "nested more than %d deep", JSON_DEPTH_MAX);
        return false;
    }
    return true;
}

static bool check_media_type(struct http_call *call)
{
    if (call->request->body.len == 0 || (call->match.route->flags & ROUTE_HOSTED) != 0 ||
        http_request_has_type(call->request, "application/json"))
        return true;
    http_fail(call, PROBLEM_unsupported_media_type, "send the body as application/json");
    return false;
}

static bool read_body(struct http_call *call)
{
    const char *schema = call->match.route->body;
    struct http_schema_fault fault;

    if (schema[0] == '\0' || strcmp(schema, "*bytes") == 0)
        return true;
    if (!check_media_type(call))
        return false;
    if (schema[0] == '*')
        return true; /* read where it goes */
    if (!parse_body(call))
        return false;
    if (http_schema_check(schema, call->body, &fault))
        return true;
    http_fail_field(call, PROBLEM_invalid, fault.field, "%s%s%s", fault.field,
                    fault.field[0] == '\0' ? "the body " : " ", fault.why);
    return false;
}

/* --- entity tags ------------------------------------------------------------------------------ */

static void end_call(struct http_call *call)
{
    json_decref(call->body);
    call->body = NULL;
    secret_wipe(&call->project, sizeof(call->project));
    secret_wipe(&call->device, sizeof(call->device));
}

/* What GET of this path would answer now. NULL: it has none, or it fails. */
static bool tag_now(struct http_call *call, char tag[HTTP_ETAG_MAX + 1])
{
    struct http_response answer = {0};
    struct http_request request = *call->request;
    struct http_call get = *call;
    unsigned allowed;
    bool is_there;

    request.method = HTTP_METHOD_GET;
    request.query = slice_make(NULL, 0);
    get.request = &request;
    get.answer = &answer;
    get.body = NULL;
    if (!route_find(HTTP_METHOD_GET, request.path, &get.match, &allowed))
        return false;
    get.match.route->handler(&get);
    is_there = answer.status == 200;
    if (is_there)
        (void)snprintf(tag, HTTP_ETAG_MAX + 1, "%s", http_response_tag(&answer));
    end_call(&get);
    http_response_deinit(&answer);
    return is_there;
}

static bool check_if_match(struct http_call *call)
{
    const char *list = http_request_header(call->request, "If-Match");
    char tag[HTTP_ETAG_MAX + 1];

    if (list == NULL || http_method_is_safe(call->match.route->method) ||
        (tag_now(call, tag) && http_request_etag_matches(list, tag)))
        return true;
    http_fail(call, PROBLEM_gone_stale, "read it again: it is not what If-Match says");
    return false;
}

/* A body that the caller has already is not sent again. */
static void tag_answer(struct http_call *call)
{
    const char *list = http_request_header(call->request, "If-None-Match");
    const char *tag;

    if (call->match.route->method != HTTP_METHOD_GET || call->answer->status != 200)
        return;
    tag = http_response_tag(call->answer);
    if (http_response_find_header(call->answer, "Cache-Control") == NULL)
        http_response_header(call->answer, "Cache-Control", "private, no-cache");
    if (list == NULL || !http_request_etag_matches(list, tag))
        return;
    call->answer->status = 304;
    call->answer->content_type = NULL;
    call->answer->body.len = 0;
    call->answer->fixed = slice_make(NULL, 0);
}

/* --- the handler ------------------------------------------------------------------------------ */

/* What the path names is read again inside, so that it is what the transaction sees. */
static void run_in_transaction(struct http_call *call)
{
    enum status st = registry_begin(call->registry);

    if (!http_succeeded(call, st, "the registry"))
        return;
    if (load_path(call) && check_if_match(call))
        call->match.route->handler(call);
    if (call->answer->status >= 300) {
        registry_rollback(call->registry);
        return;
    }
    st = registry_commit(call->registry);
    if (!http_succeeded(call, st, "the registry"))
        return;
    call->site->settings.host.apply(call->site->settings.host.arg);
}

static void run(struct http_call *call)
{
    if (!find_route(call) || !check_query(call) || !http_auth_identify(call) || !is_known(call) ||
        !load_path(call) || !http_auth_permit(call) || !read_body(call))
        return;
    if ((call->match.route->flags & ROUTE_WRITES) != 0)
        run_in_transaction(call);
    else if (check_if_match(call))
        call->match.route->handler(call);
    invariant(call->answer->status != 0); /* every handler answers */
    tag_answer(call);
}

static void count_answer(const struct http_request *q, const struct http_response *a,
                         uint64_t begun_us)
{
    struct counter *const by_class[] = {NULL,
                                        NULL,
                                        &CT_http_answers_2xx,
                                        &CT_http_answers_3xx,
                                        &CT_http_answers_4xx,
                                        &CT_http_answers_5xx};

    counter_inc(http_requests);
    counter_add(by_class[a->status / 100], 1);
    log_event(EV_HTTP_REQUEST, "peer", q->peer, "method",
              q->method < HTTP_METHOD_COUNT ? http_method_name(q->method) : "?", "path",
              log_slice(q->path), "status", log_int(a->status), "us",
              log_int((int64_t)(clock_mono_us() - begun_us)));
}

/* Of the route's own header fields, these are for every answer. */
static void secure(struct http_response *a)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (http_response_find_header(a, headers[i].name) == NULL)
            http_response_header(a, headers[i].name, headers[i].value);
    }
    if (a->status == problem_http_status(PROBLEM_unauthenticated))
        http_response_header(a, "WWW-Authenticate", "Bearer realm=\"eztcloud\"");
}

void http_dispatch(struct http_site *site, const struct http_request *q, struct http_response *a)
{
    struct http_call *call = mem_new_of(MEM_BASE, struct http_call);
    uint64_t begun_us = clock_mono_us();

    call->request = q;
    call->answer = a;
    call->site = site;
    call->registry = http_site_take_registry(site);
    if (call->registry == NULL)
        http_fail(call, PROBLEM_unavailable, "the registry cannot be opened");
    else
        run(call);
    end_call(call);
    http_site_give_registry(site, &call->registry);
    secure(a);
    count_answer(q, a, begun_us);
    project_secret_unref(&call->caller.secret);
    secret_wipe(&call->caller, sizeof(call->caller));
    mem_free(call);
}

void http_dispatch_refuse(const struct http_request *q, struct http_response *a, enum problem p,
                          const char *detail)
{
    http_response_problem(a, p, NULL, detail);
    secure(a);
    count_answer(q, a, clock_mono_us());
}
