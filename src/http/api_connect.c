/*
 * Quick connection, as on the hosted platform: a device that knows its product and its serial
 * number, and no credentials, asks how it connects.
 *
 * Nobody logs in for it, so calls are counted by address. Most devices are there already: only what
 * is missing is written, in a transaction that looks once more.
 * Source: device-protocol.md "Quick connection"
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/api.h"
#include "http/connection_info.h"
#include "http/events.h"
#include "platform/connection_template.h"
#include "platform/device_type.h"

/* Of the hosted platform. */
enum { PROJECT_UNKNOWN = 420, PRODUCT_UNKNOWN = 436, DEVICE_UNKNOWN = 401 };
enum { PROJECT_FULL = 403 }; /* ours */

/* Who asks, and what was found. */
struct quick {
    json_t *body; /* owned; NULL: none */
    char project[IDENT_TEXT_LEN + 1];
    char product[IDENT_MEMBER_MAX + 1];
    char sn[REGISTRY_SN_MAX + 1];
    bool may_make;
    struct registry_type type;
    struct buffer definition; /* owned: of the type */
    bool has_type;
    bool has_made;
};

/* --- what is asked ---------------------------------------------------------------------------- */

/* False: answered. */
static bool admit(struct http_call *call)
{
    char seconds[16];
    unsigned retry_s;

    if (call->site->settings.connect_calls == 0) {
        http_fail_hosted(call, 404, "there are no quick connections here");
        return false;
    }
    if (call_rate_admits(call->site->connect_rate, call->request->peer_address, clock_mono_ms(),
                         &retry_s))
        return true;
    http_fail_hosted(call, 429, "too many quick connections from this address; wait a while");
    (void)snprintf(seconds, sizeof(seconds), "%u", retry_s);
    http_response_header(call->answer, "Retry-After", seconds);
    return false;
}

/* The body is an object, or empty. False: answered. */
static bool read_body(struct http_call *call, struct quick *q)
{
    struct slice text = call->request->body;

    if (text.len == 0)
        return true;
    q->body = json_loadb((const char *)text.data, text.len, 0, NULL);
    if (json_is_object(q->body))
        return true;
    http_fail_hosted(call, 400, "the body is not a JSON object");
    return false;
}

/* A parameter of the body, otherwise of the query; empty when it is missing, or is none. */
static void take(const struct http_call *call, const struct quick *q, const char *name, char *out,
                 size_t max)
{
    const json_t *value = json_object_get(q->body, name);

    out[0] = '\0';
    if (json_is_integer(value))
        (void)snprintf(out, max + 1, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_string(value) && json_string_length(value) <= max)
        memcpy(out, json_string_value(value), json_string_length(value) + 1);
    else if (value == NULL && http_request_query(call->request, name, out, max) != ST_OK)
        out[0] = '\0';
}

/* --- what is there ---------------------------------------------------------------------------- */

/* False: answered. */
static bool find_project(struct http_call *call, uint64_t project_id)
{
    enum status st = project_id == 0
                         ? ST_NOT_FOUND
                         : registry_project_find(call->registry, project_id, &call->project);

    if (st == ST_OK && !call->project.enabled)
        st = ST_NOT_FOUND;
    if (st == ST_NOT_FOUND)
        http_fail_hosted(call, PROJECT_UNKNOWN, "there is no such project");
    else if (st != ST_OK)
        http_fail_status(call, st, "the project");
    return st == ST_OK;
}

/* The type by its key, or by its code: one of the project, or without a project the only one of
 * this code. */
static enum status find_type(struct http_call *call, struct quick *q)
{
    uint64_t type_id = ident_parse(IDENT_TYPE, slice_of(q->product));
    uint64_t project_id = call->project.project_id;
    enum status st = ST_OK;

    if (type_id == 0 && project_id != 0)
        return registry_type_find_code(call->registry, project_id, q->product, &q->type,
                                       &q->definition);
    if (type_id == 0)
        st = registry_type_find_only(call->registry, q->product, &type_id);
    if (st == ST_OK)
        st = registry_type_find(call->registry, type_id, &q->type, &q->definition);
    return st == ST_OK && project_id != 0 && q->type.project_id != project_id ? ST_NOT_FOUND : st;
}

static enum status find_device(struct http_call *call, const struct quick *q)
{
    if (!q->has_type)
        return ST_NOT_FOUND;
    return registry_device_find_sn(call->registry, q->type.project_id, q->type.type_id, q->sn,
                                   &call->device);
}

/* What there is: ST_NOT_FOUND when the type or the device is missing. */
static enum status look_up(struct http_call *call, struct quick *q)
{
    enum status st = find_type(call, q);

    q->has_type = st == ST_OK;
    return st == ST_OK ? find_device(call, q) : st;
}

/* --- what is missing -------------------------------------------------------------------------- */

static enum status make_type(struct http_call *call, struct quick *q)
{
    enum status st;

    if (ident_parse(IDENT_TYPE, slice_of(q->product)) != 0 ||
        !ident_is_member(slice_of(q->product)))
        return ST_NOT_FOUND; /* a key of none, or no code */
    q->type = (struct registry_type){.project_id = call->project.project_id,
                                     .definition = slice_of("{}"),
                                     .created_ms = clock_unix_ms()};
    memcpy(q->type.name, q->product, sizeof(q->product));
    memcpy(q->type.code, q->product, sizeof(q->product));
    q->type.type_id = registry_type_new_id(call->registry);
    st = registry_type_add(call->registry, &q->type);
    q->has_type = st == ST_OK;
    return st;
}

/* Whether devices of the type may be made by who speaks of them. */
static bool makes_devices(const struct quick *q)
{
    char error[DEVICE_TYPE_ERROR_MAX];
    struct device_type *t;
    bool makes;

    if (device_type_parse(q->type.type_id, q->type.project_id, q->type.definition, &t, error) !=
        ST_OK)
        return false;
    makes = t->auto_create;
    device_type_unref(&t);
    return makes;
}

/* Nobody logs in for what is made here, so it has an end. Errors: ST_FULL. */
static enum status check_room(struct http_call *call, const struct quick *q)
{
    unsigned most = call->site->settings.connect_devices_max;
    size_t count = 0;
    enum status st = ST_OK;

    if (most != 0)
        st = registry_device_count(call->registry, call->project.project_id, &count);
    if (st != ST_OK || count < most || most == 0)
        return st;
    log_event(EV_QUICK_CONNECTION_FULL, "peer", call->request->peer, "project", q->project);
    return ST_FULL;
}

static enum status make_device(struct http_call *call, const struct quick *q)
{
    struct registry_device *d = &call->device;
    enum status st;

    *d = (struct registry_device){.project_id = q->type.project_id,
                                  .type_id = q->type.type_id,
                                  .enabled = true,
                                  .created_ms = clock_unix_ms()};
    memcpy(d->name, q->sn, sizeof(q->sn));
    memcpy(d->sn, q->sn, sizeof(q->sn));
    ident_random_text(d->password, IDENT_PASSWORD_LEN);
    do {
        d->device_id = ident_random(IDENT_DEVICE);
        st = registry_device_add(call->registry, d);
    } while (st == ST_EXISTS);
    return st;
}

/* Inside a transaction. */
static enum status make_missing(struct http_call *call, struct quick *q)
{
    enum status st = look_up(call, q); /* another call may have made it meanwhile */

    if (st != ST_NOT_FOUND)
        return st;
    if (q->has_type && !makes_devices(q))
        return ST_NOT_FOUND;
    st = check_room(call, q);
    if (st == ST_OK && !q->has_type)
        st = make_type(call, q);
    if (st == ST_OK)
        st = make_device(call, q);
    q->has_made = st == ST_OK;
    return st;
}

static enum status make(struct http_call *call, struct quick *q)
{
    enum status st = registry_begin(call->registry);

    if (st != ST_OK)
        return st;
    st = make_missing(call, q);
    if (st == ST_OK)
        st = registry_commit(call->registry);
    else
        registry_rollback(call->registry);
    if (st == ST_OK && q->has_made) {
        char device[IDENT_TEXT_LEN + 1];

        ident_format(IDENT_DEVICE, call->device.device_id, device);
        log_event(EV_QUICK_CONNECTION, "peer", call->request->peer, "project", q->project, "device",
                  device);
        call->site->settings.host.apply(call->site->settings.host.arg);
    }
    return st;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* The values that a template may name, without those of `info` (taken). */
static json_t *values_of(const struct http_call *call, const struct quick *q, json_t *info)
{
    (void)json_object_set_new(info, "device",
                              http_json_ident(IDENT_DEVICE, call->device.device_id));
    (void)json_object_set_new(info, "sn", json_string(q->sn));
    (void)json_object_set_new(info, "product", http_json_ident(IDENT_TYPE, q->type.type_id));
    (void)json_object_set_new(info, "project",
                              http_json_ident(IDENT_PROJECT, call->device.project_id));
    return info;
}

/* In the form that the product wants. */
static json_t *in_form(const struct http_call *call, const struct quick *q, json_t *info)
{
    json_t *definition = json_loadb((const char *)q->type.definition.data, q->type.definition.len,
                                    JSON_ALLOW_NUL, NULL);
    const json_t *form = json_object_get(definition, "connection");
    json_t *answer = info;

    if (form != NULL && connection_template_check(form) == NULL) {
        json_t *values = values_of(call, q, info);

        answer = connection_template_fill(form, values);
        json_decref(values);
    }
    json_decref(definition);
    return answer;
}

static void answer(struct http_call *call, const struct quick *q)
{
    json_t *info;
    enum status st;

    if (!call->device.enabled || call->device.parent_id != 0) {
        http_fail_hosted(call, DEVICE_UNKNOWN, "this device does not connect itself");
        return;
    }
    st = connection_info_new(call, &call->device, &info);
    if (!http_succeeded(call, st, "the endpoints"))
        return;
    http_answer(call, in_form(call, q, info));
    http_response_header(call->answer, "Cache-Control", "no-store");
}

static void answer_failure(struct http_call *call, const struct quick *q, enum status st)
{
    if (st == ST_NOT_FOUND && !q->has_type)
        http_fail_hosted(call, PRODUCT_UNKNOWN, "there is no such product");
    else if (st == ST_NOT_FOUND)
        http_fail_hosted(call, DEVICE_UNKNOWN, "there is no such device");
    else if (st == ST_FULL)
        http_fail_hosted(call, PROJECT_FULL, "the project has as many devices as it may");
    else
        http_fail_status(call, st, "the device");
}

/* Parameters that cannot be are those of nothing that is there. False: answered. */
static bool take_parameters(struct http_call *call, struct quick *q)
{
    take(call, q, "project", q->project, IDENT_TEXT_LEN);
    take(call, q, "product", q->product, IDENT_MEMBER_MAX);
    take(call, q, "sn", q->sn, REGISTRY_SN_MAX);
    if ((q->may_make || q->project[0] != '\0') &&
        !find_project(call, ident_parse(IDENT_PROJECT, slice_of(q->project))))
        return false;
    if (q->product[0] == '\0') {
        http_fail_hosted(call, PRODUCT_UNKNOWN, "product is missing");
        return false;
    }
    if (!registry_sn_is_valid(q->sn)) {
        http_fail_hosted(call, q->may_make ? 422 : DEVICE_UNKNOWN,
                         "sn must be 1 to 64 bytes without control characters, /, + and #");
        return false;
    }
    return true;
}

static void connect(struct http_call *call, struct quick *q)
{
    enum status st;

    if (!admit(call) || !read_body(call, q) || !take_parameters(call, q))
        return;
    st = look_up(call, q);
    if (st == ST_OK && call->project.project_id == 0 &&
        !find_project(call, call->device.project_id))
        return;
    if (st == ST_NOT_FOUND && q->may_make)
        st = make(call, q);
    if (st == ST_OK)
        answer(call, q);
    else
        answer_failure(call, q, st);
}

static void run(struct http_call *call, bool may_make)
{
    struct quick q = {.may_make = may_make};

    connect(call, &q);
    json_decref(q.body);
    buffer_deinit(&q.definition);
}

void api_connect_make(struct http_call *call)
{
    run(call, true);
}

void api_connect_find(struct http_call *call)
{
    run(call, false);
}
