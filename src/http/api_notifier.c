/*
 * Notifiers: who is told of a project's alarms, and how that goes.
 *
 * What a notifier is told stands in its definition (docs/alarms.md), whose members are the ones of
 * the API; null in the API is a member that is not there. A path may be a secret of the receiver's,
 * so viewers see the host alone. The secret by which we sign leaves only where it is made.
 */
#include "base/clock.h"
#include "http/api.h"
#include "http/definition_members.h"
#include "platform/notifier.h"
#include "service/notify.h"
#include "store/registry_notifier.h"

enum { TEST_WAIT_MORE_MS = 5000 /* behind the time of a try: others may be tried before */ };

/* The members of a definition. */
static const char *const names[] = {"url", "enabled", "levels", "changes", "devices", "types"};
static const struct definition_members members = {names, sizeof(names) / sizeof(names[0])};

/* A notifier in hands; free_held when done. */
struct held {
    struct registry_notifier row;
    struct buffer definition; /* that the row's leads to */
};

static void free_held(struct held *h)
{
    secret_wipe(&h->row, sizeof(h->row));
    buffer_deinit(&h->definition);
}

/* The notifier of the path; false: answered. */
static bool find(struct http_call *call, struct held *h)
{
    enum status st =
        registry_notifier_find(call->registry, call->project.project_id,
                               http_call_parameter(call, "name"), &h->row, &h->definition);

    return http_succeeded(call, st, "the notifier");
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Without what stands behind the host. */
static json_t *host_of(const char *url)
{
    struct slice rest = slice_of(url);
    size_t len;

    (void)slice_cut(&rest, '/');
    (void)slice_cut(&rest, '/');
    (void)slice_cut(&rest, '/');
    len = strlen(url) - rest.len;
    return json_stringn(url, len);
}

static json_t *describe(const struct http_call *call, const struct registry_notifier *x)
{
    json_t *definition = http_json_stored(x->definition);
    json_t *object = json_pack("{s:s}", "name", x->name);

    definition_members_show(&members, definition, object);
    if (json_object_get(definition, "enabled") == NULL)
        (void)json_object_set_new(object, "enabled", json_true());
    if (!call->caller.is_admin)
        (void)json_object_set_new(object, "url",
                                  host_of(json_string_value(json_object_get(definition, "url"))));
    (void)json_object_set_new(object, "created_ms", json_integer(x->created_ms));
    json_decref(definition);
    return object;
}

static json_t *secret_of(const struct registry_notifier *x)
{
    char text[NOTIFIER_SECRET_TEXT_MAX + 1];
    json_t *value;

    notifier_secret_text(x->secret, text);
    value = json_string(text);
    secret_wipe(text, sizeof(text));
    return value;
}

static json_t *describe_result(const struct notify_result *r)
{
    return json_pack("{s:s, s:I, s:b, s:b, s:o, s:o, s:I}", "delivery", r->delivery, "at_ms",
                     (json_int_t)r->at_ms, "test", r->is_test, "delivered", r->is_delivered,
                     "status", r->status == 0 ? json_null() : json_integer(r->status), "cause",
                     r->cause[0] == '\0' ? json_null() : json_string(r->cause), "tries",
                     (json_int_t)r->tries);
}

/* --- the body --------------------------------------------------------------------------------- */

/* The member that a fault names in quotes. */
static const char *member_of(const char *error)
{
    for (size_t i = 0; i < members.count; i++) {
        char quoted[16];

        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", names[i]);
        if (strstr(error, quoted) != NULL)
            return names[i];
    }
    return "url";
}

/* Takes the members of the body into the definition; false: answered. */
static bool take(struct http_call *call, struct held *h)
{
    char error[NOTIFIER_ERROR_MAX];
    struct notifier *n;
    enum status st;

    definition_members_take(&members, call->body, h->row.definition, &h->definition);
    h->row.definition = buffer_slice(&h->definition);
    st = notifier_parse(1, h->row.project_id, h->row.name, slice_of(h->row.secret),
                        h->row.definition, &n, error);
    if (st != ST_OK)
        http_fail_field(call, PROBLEM_invalid, member_of(error), "%s", error);
    notifier_unref(&n);
    return st == ST_OK;
}

/* --- one -------------------------------------------------------------------------------------- */

static void fail_add(struct http_call *call, enum status st)
{
    if (st == ST_EXISTS)
        http_fail_field(call, PROBLEM_conflict, "name", "the project has a notifier of this name");
    else if (st == ST_FULL)
        http_fail(call, PROBLEM_conflict, "a project has at most %d notifiers",
                  REGISTRY_NOTIFIERS_MAX);
    else
        http_fail_status(call, st, "the notifier");
}

void api_notifier_add(struct http_call *call)
{
    struct held h = {.row = {.project_id = call->project.project_id,
                             .created_ms = clock_unix_ms(),
                             .definition = slice_of("{}")}};
    char base[96];
    json_t *object;
    enum status st;

    (void)http_take_text(call, "name", h.row.name, IDENT_MEMBER_MAX);
    ident_random_text(h.row.secret, REGISTRY_NOTIFIER_SECRET_LEN);
    if (take(call, &h)) {
        st = registry_notifier_add(call->registry, &h.row);
        if (st == ST_OK) {
            (void)snprintf(base, sizeof(base), "/api/v1/projects/%s/notifiers/",
                           http_call_parameter(call, "project_key"));
            object = describe(call, &h.row);
            (void)json_object_set_new(object, "secret", secret_of(&h.row));
            http_answer_made(call, base, h.row.name, object);
            http_response_header(call->answer, "Cache-Control", "no-store");
        } else {
            fail_add(call, st);
        }
    }
    free_held(&h);
}

void api_notifier_show(struct http_call *call)
{
    struct held h = {0};

    if (find(call, &h))
        http_answer(call, describe(call, &h.row));
    free_held(&h);
}

void api_notifier_change(struct http_call *call)
{
    struct held h = {0};
    enum status st;

    if (find(call, &h) && take(call, &h)) {
        st = registry_notifier_update(call->registry, &h.row);
        if (http_succeeded(call, st, "the notifier"))
            http_answer(call, describe(call, &h.row));
    }
    free_held(&h);
}

void api_notifier_renew(struct http_call *call)
{
    struct held h = {0};
    enum status st;

    if (find(call, &h)) {
        ident_random_text(h.row.secret, REGISTRY_NOTIFIER_SECRET_LEN);
        st = registry_notifier_update(call->registry, &h.row);
        if (http_succeeded(call, st, "the notifier")) {
            http_answer(call, json_pack("{s:o}", "secret", secret_of(&h.row)));
            http_response_header(call->answer, "Cache-Control", "no-store");
        }
    }
    free_held(&h);
}

void api_notifier_remove(struct http_call *call)
{
    enum status st = registry_notifier_remove(call->registry, call->project.project_id,
                                              http_call_parameter(call, "name"));

    if (http_succeeded(call, st, "the notifier"))
        http_answer_nothing(call);
}

/* --- list ------------------------------------------------------------------------------------- */

struct walk {
    struct http_call *call;
    struct http_page page;
    uint64_t position;
};

static bool on_notifier(const struct registry_notifier *x, void *arg)
{
    struct walk *w = arg;

    return ++w->position <= w->page.after ||
           http_page_add(&w->page, w->position, describe(w->call, x));
}

void api_notifier_list(struct http_call *call)
{
    struct walk w = {.call = call};
    enum status st;

    if (!http_page_begin(call, &w.page))
        return;
    st = registry_notifier_each(call->registry, call->project.project_id, on_notifier, &w);
    http_page_end(call, &w.page, st, "the notifiers");
}

/* --- how it goes ------------------------------------------------------------------------------ */

void api_notifier_status(struct http_call *call)
{
    struct held h = {0};
    struct notify_state state = {0}; /* of one that was added this moment */

    if (find(call, &h)) {
        (void)(notify_find(call->site->settings.notify, h.row.notifier_id, &state) == ST_OK);
        http_answer(call,
                    json_pack("{s:I, s:I, s:o}", "waiting", (json_int_t)state.waiting, "failures",
                              (json_int_t)state.failures, "last",
                              state.last.at_ms == 0 ? json_null() : describe_result(&state.last)));
    }
    free_held(&h);
}

void api_notifier_test(struct http_call *call)
{
    struct notify *notify = call->site->settings.notify;
    unsigned wait_ms = call->site->settings.webhook_timeout_ms + TEST_WAIT_MORE_MS;
    struct notify_result result;
    struct held h = {0};
    uint64_t ticket;
    enum status st;

    if (!find(call, &h))
        return;
    st = notify_test(notify, h.row.notifier_id, &ticket);
    if (st == ST_OK)
        st = notify_test_result(notify, h.row.notifier_id, ticket, wait_ms, &result);
    if (st == ST_OK)
        http_answer(call, describe_result(&result));
    else
        http_fail(call, PROBLEM_unavailable, "there is no result of the test: %s",
                  st == ST_AGAIN ? "many others are told at this time" : "the notifier is gone");
    free_held(&h);
}
