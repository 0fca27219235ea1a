/*
 * Devices: list with filters, one and many, connection information.
 *
 * What the registry has comes from it; whether a device is online or alerting, from its home. A
 * filter by that scans page by page, so such a list may give fewer than `limit` and still go on.
 */
#include "http/api_device.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/connection_info.h"
#include "http/device_ask.h"
#include "http/http_auth.h"
#include "http/http_credential.h"

enum { SCANNED_MAX = 20000 /* rows that one request looks at */ };

json_t *api_device_describe(const struct registry_device *d, const struct device_state *state,
                            bool with_password)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:b, s:b, s:b, s:I}", "username",
        http_json_ident(IDENT_DEVICE, d->device_id), "project_key",
        http_json_ident(IDENT_PROJECT, d->project_id), "name", d->name, "type",
        http_json_ident(IDENT_TYPE, d->type_id), "enabled", d->enabled, "sn",
        d->sn[0] == '\0' ? json_null() : json_string(d->sn), "parent",
        http_json_ident(IDENT_DEVICE, d->parent_id), "address",
        d->parent_id == 0 ? json_null() : json_string(d->address), "online", state->is_online,
        "alerting", state->is_alerting, "log", d->log, "created_ms", (json_int_t)d->created_ms);

    if (with_password)
        (void)json_object_set_new(object, "password", json_string(d->password));
    return object;
}

/* --- list ------------------------------------------------------------------------------------- */

/* What a list is asked for. */
struct filter {
    struct registry_device_filter registry;
    char text[ROUTE_PARAMETER_MAX + 1]; /* part of a name, user name or serial number; empty: any */
    bool by_online, online, by_alarm, alarm;
};

struct found {
    uint64_t position;
    struct registry_device device;
};

struct scan {
    const struct filter *filter;
    struct buffer rows; /* owned: struct found */
    size_t wanted;      /* rows at once */
    size_t scanned;
    uint64_t last; /* position of the last row looked at */
    bool is_cut;   /* there are more */
};

/* `true` or `false`. False: answered. */
static bool take_switch(struct http_call *call, const char *name, bool *given, bool *value)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    *given = http_call_query(call, name, text);
    if (!*given)
        return call->answer->status == 0;
    *value = strcmp(text, "true") == 0;
    if (*value || strcmp(text, "false") == 0)
        return true;
    http_fail_field(call, PROBLEM_invalid, name, "%s must be true or false", name);
    return false;
}

/* An identifier, or `none`. False: answered. */
static bool take_ident(struct http_call *call, const char *name, enum ident_kind kind, bool *given,
                       uint64_t *id)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    *given = http_call_query(call, name, text);
    if (!*given)
        return call->answer->status == 0;
    *id = ident_parse(kind, slice_of(text));
    if (*id != 0 || strcmp(text, "none") == 0)
        return true;
    http_fail_field(call, PROBLEM_invalid, name, "%s must be an identifier, or none", name);
    return false;
}

/* False: answered. */
static bool take_filter(struct http_call *call, struct filter *f)
{
    f->registry.project_id = call->project.project_id;
    return (http_call_query(call, "q", f->text) || call->answer->status == 0) &&
           take_ident(call, "type", IDENT_TYPE, &f->registry.by_type, &f->registry.type_id) &&
           take_ident(call, "parent", IDENT_DEVICE, &f->registry.by_parent,
                      &f->registry.parent_id) &&
           take_switch(call, "online", &f->by_online, &f->online) &&
           take_switch(call, "alarm", &f->by_alarm, &f->alarm);
}

static bool has_text(const struct registry_device *d, const char *text)
{
    char username[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, d->device_id, username);
    return text[0] == '\0' || strcasestr(d->name, text) != NULL ||
           strcasestr(username, text) != NULL || strcasestr(d->sn, text) != NULL;
}

static bool on_row(uint64_t position, const struct registry_device *d, void *arg)
{
    struct scan *s = arg;
    struct found found = {position, *d};

    if (s->rows.len / sizeof(found) >= s->wanted || s->scanned >= SCANNED_MAX) {
        s->is_cut = true;
        return false;
    }
    s->scanned++;
    s->last = position;
    if (has_text(d, s->filter->text))
        buffer_append(&s->rows, &found, sizeof(found));
    return true;
}

static bool passes(const struct filter *f, const struct device_state *s)
{
    return !(f->by_online && s->is_online != f->online) &&
           !(f->by_alarm && s->is_alerting != f->alarm);
}

/* Asks for the states of what was found, and adds to the page what passes. */
static void add_found(struct http_call *call, struct scan *s, struct http_page *page)
{
    size_t count = s->rows.len / sizeof(struct found);
    const struct found *found = (const struct found *)(void *)s->rows.data;
    struct device_state *states = mem_new(MEM_BASE, count * sizeof(*states));

    for (size_t i = 0; i < count; i++)
        states[i].device_id = found[i].device.device_id;
    device_ask_states(call, states, count);
    for (size_t i = 0; i < count; i++) {
        if (passes(s->filter, &states[i]) &&
            http_credential_allows_device(call, found[i].device.device_id,
                                          found[i].device.type_id) &&
            !http_page_add(page, found[i].position,
                           api_device_describe(&found[i].device, &states[i], false)))
            break;
    }
    mem_free(states);
}

void api_device_list(struct http_call *call)
{
    struct filter f = {0};
    struct http_page page;
    struct scan s = {.filter = &f, .is_cut = true};
    enum status st = ST_OK;

    if (!take_filter(call, &f) || !http_page_begin(call, &page))
        return;
    s.wanted = page.limit;
    s.last = page.after;
    while (st == ST_OK && s.is_cut && !page.is_full && s.scanned < SCANNED_MAX &&
           json_array_size(page.items) < page.limit) {
        f.registry.after = s.last;
        s.is_cut = false;
        s.rows.len = 0;
        st = registry_device_page(call->registry, &f.registry, on_row, &s);
        if (st == ST_OK)
            add_found(call, &s, &page);
    }
    buffer_deinit(&s.rows);
    if (!page.is_full && s.is_cut) { /* it goes on behind the last row that was looked at */
        page.is_full = true;
        page.next = s.last;
    }
    http_page_end(call, &page, st, "the devices");
}

/* --- one -------------------------------------------------------------------------------------- */

static void answer_device(struct http_call *call, const struct registry_device *d)
{
    struct device_state state = {.device_id = d->device_id};

    device_ask_states(call, &state, 1);
    http_answer(call, api_device_describe(d, &state, http_auth_manages(call)));
}

void api_device_show(struct http_call *call)
{
    answer_device(call, &call->device);
}

/* A member of the body that may be null or left out. */
static const json_t *member(const json_t *body, const char *name)
{
    return json_object_get(body, name);
}

static void take_text(const json_t *body, const char *name, char *out, size_t max)
{
    const json_t *value = member(body, name);

    if (value == NULL)
        return;
    out[0] = '\0';
    if (json_is_string(value) && json_string_length(value) <= max)
        memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

/* The type of the project that a product key or a code names. False: answered. */
static bool take_type(struct http_call *call, const json_t *body, uint64_t *type_id)
{
    const json_t *value = member(body, "type");
    struct registry_type t;
    struct buffer definition = {0};
    enum status st;

    if (value == NULL)
        return true;
    *type_id = 0;
    if (json_is_null(value))
        return true;
    st = api_type_find(call, json_string_value(value), &t, &definition);
    buffer_deinit(&definition);
    if (st == ST_OK)
        *type_id = t.type_id;
    else if (st == ST_NOT_FOUND)
        http_fail_field(call, PROBLEM_invalid, "type",
                        "type: there is no such type in this project");
    else
        http_fail_status(call, st, "the type");
    return st == ST_OK;
}

/* Takes what the body says of a device. False: answered. */
static bool take(struct http_call *call, const json_t *body, struct registry_device *d)
{
    const json_t *parent = member(body, "parent");
    const json_t *enabled = member(body, "enabled");
    const json_t *log = member(body, "log");

    take_text(body, "name", d->name, REGISTRY_NAME_MAX);
    take_text(body, "password", d->password, REGISTRY_NAME_MAX);
    take_text(body, "sn", d->sn, REGISTRY_SN_MAX);
    take_text(body, "address", d->address, REGISTRY_NAME_MAX);
    if (enabled != NULL)
        d->enabled = json_is_true(enabled);
    if (log != NULL)
        d->log = json_is_true(log);
    if (parent != NULL)
        d->parent_id = json_is_null(parent)
                           ? 0
                           : ident_parse(IDENT_DEVICE, slice_of(json_string_value(parent)));
    if (d->parent_id == 0)
        d->address[0] = '\0';
    return take_type(call, body, &d->type_id);
}

/* What a failure of the registry means for a device. */
static void fail_device(struct http_call *call, enum status st)
{
    static const struct row {
        enum status st;
        enum problem problem;
        const char *why;
    } rows[] = {
        {ST_EXISTS, PROBLEM_conflict, "there is a device of this user name"},
        {ST_REFUSED, PROBLEM_conflict,
         "another device has this address below its parent, or this serial number in its type"},
        {ST_NOT_FOUND, PROBLEM_invalid, "there is no such parent in this project"},
        {ST_FULL, PROBLEM_invalid, "there would be too many levels of sub-devices"},
        {ST_INVALID, PROBLEM_invalid,
         "the name, password, address or serial number cannot be used, or the parent is below the "
         "device"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].st != st)
            continue;
        http_fail(call, rows[i].problem, "%s", rows[i].why);
        return;
    }
    http_fail_status(call, st, "the device");
}

/* Adds the device that the body describes. False: answered. */
static bool add_one(struct http_call *call, const json_t *body, struct registry_device *d)
{
    const json_t *username = member(body, "username");
    enum status st;

    *d = (struct registry_device){
        .project_id = call->project.project_id, .enabled = true, .created_ms = clock_unix_ms()};
    if (!take(call, body, d))
        return false;
    if (d->password[0] == '\0')
        ident_random_text(d->password, IDENT_PASSWORD_LEN);
    do {
        d->device_id = json_is_string(username)
                           ? ident_parse(IDENT_DEVICE, slice_of(json_string_value(username)))
                           : ident_random(IDENT_DEVICE);
        if (member(body, "name") == NULL)
            ident_format(IDENT_DEVICE, d->device_id, d->name);
        st = registry_device_add(call->registry, d);
    } while (st == ST_EXISTS && !json_is_string(username));
    if (st != ST_OK)
        fail_device(call, st);
    return st == ST_OK;
}

void api_device_add(struct http_call *call)
{
    struct device_state nothing = {0};
    struct registry_device d;
    char base[96], username[IDENT_TEXT_LEN + 1];

    if (!add_one(call, call->body, &d))
        return;
    ident_format(IDENT_DEVICE, d.device_id, username);
    (void)snprintf(base, sizeof(base), "/api/v1/projects/%s/devices/",
                   http_call_parameter(call, "project_key"));
    http_answer_made(call, base, username, api_device_describe(&d, &nothing, true));
    secret_wipe(&d, sizeof(d));
}

void api_device_change(struct http_call *call)
{
    struct registry_device *d = &call->device;
    enum status st;

    if (!take(call, call->body, d))
        return;
    st = registry_device_update(call->registry, d);
    if (st != ST_OK)
        fail_device(call, st);
    else
        answer_device(call, d);
}

void api_device_remove(struct http_call *call)
{
    enum status st = registry_device_remove(call->registry, call->device.device_id);

    if (http_succeeded(call, st, "the device"))
        http_answer_nothing(call);
}

/* --- many ------------------------------------------------------------------------------------- */

/* The n-th of `count` devices: the same form for all, with its number in the name. */
static json_t *numbered(const json_t *form, size_t number)
{
    const char *name = json_string_value(json_object_get(form, "name"));
    json_t *one = json_object();

    if (json_object_get(form, "type") != NULL)
        (void)json_object_set(one, "type", json_object_get(form, "type"));
    if (name != NULL)
        (void)json_object_set_new(one, "name", json_sprintf("%s %zu", name, number + 1));
    return one;
}

void api_device_add_many(struct http_call *call)
{
    const json_t *devices = json_object_get(call->body, "devices");
    json_int_t count = json_integer_value(json_object_get(call->body, "count"));
    size_t total = devices != NULL ? json_array_size(devices) : (size_t)count;
    json_t *items = json_array();
    struct device_state nothing = {0};
    struct registry_device d;

    for (size_t i = 0; i < total; i++) {
        json_t *form =
            devices != NULL ? json_incref(json_array_get(devices, i)) : numbered(call->body, i);
        bool is_added = add_one(call, form, &d);

        json_decref(form);
        if (!is_added) {
            json_decref(items);
            return; /* answered: the transaction is undone */
        }
        (void)json_array_append_new(items, api_device_describe(&d, &nothing, true));
    }
    secret_wipe(&d, sizeof(d));
    http_answer(call, json_pack("{s:o, s:n}", "items", items, "next"));
}

/* --- connection information, values ----------------------------------------------------------- */

void api_device_connection(struct http_call *call)
{
    json_t *info;
    enum status st = connection_info_new(call, &call->device, &info);

    if (!http_succeeded(call, st, "the endpoints"))
        return;
    http_answer(call, info);
    http_response_header(call->answer, "Cache-Control", "no-store");
}
