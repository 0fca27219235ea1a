/*
 * Commands that were sent to a device: those outstanding, and the last ones that have ended.
 *
 * They are nowhere but at the device's home. Newest first; a cursor is the number of the last one
 * that was shown.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "http/api.h"
#include "platform/device.h"

enum { KEPT_MAX = COMMAND_OUTSTANDING_MAX + COMMAND_ENDED_MAX };

struct found {
    uint64_t number; /* of the ledger */
    enum command_status status;
    struct command_id id;
    json_t *json; /* owned */
};

struct gathering {
    uint64_t device_id;
    bool is_known;
    size_t count;
    struct found items[KEPT_MAX];
};

static json_t *describe_id(const struct command_id *id)
{
    return id->is_string ? json_stringn(id->text, id->len)
                         : json_integer(strtoll(id->text, NULL, 10));
}

static json_t *describe(const struct worker *w, const struct command *c)
{
    bool is_over = command_status_is_end((enum command_status)c->status);
    int64_t left_ms = (int64_t)(c->deadline_ms - w->now_ms);

    return json_pack("{s:o, s:s%, s:s, s:I, s:I, s:o}", "id", describe_id(&c->id), "method",
                     (const char *)c->method.data, c->method.len, "status",
                     command_status_word((enum command_status)c->status), "accepted_ms",
                     (json_int_t)c->accepted_ms, "changed_ms", (json_int_t)c->changed_ms,
                     "expires_ms", is_over ? json_null() : json_integer(w->unix_ms + left_ms));
}

static void gather_list(const struct worker *w, const struct list *commands, struct gathering *g)
{
    for (const struct list *n = commands->next; n != commands && g->count < KEPT_MAX; n = n->next) {
        const struct command *c = list_entry(n, struct command, node);

        g->items[g->count++] =
            (struct found){c->number, (enum command_status)c->status, c->id, describe(w, c)};
    }
}

/* On the device's home. */
static void gather(struct worker *w, void *arg)
{
    struct gathering *g = arg;
    const struct device *d = home_find_device(home_of(w), g->device_id);

    g->is_known = d != NULL;
    if (d == NULL || d->ledger == NULL)
        return;
    gather_list(w, &d->ledger->outstanding, g);
    gather_list(w, &d->ledger->ended, g);
}

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

/* The commands in order; gathering_free. NULL: answered. */
static struct gathering *gathering_new(struct http_call *call)
{
    struct gathering *g = mem_new_of(MEM_BASE, struct gathering);

    g->device_id = call->device.device_id;
    (void)home_call(call->site->settings.workers, g->device_id, gather, g);
    if (!g->is_known) {
        mem_free(g);
        http_fail_status(call, ST_NOT_FOUND, "the device");
        return NULL;
    }
    qsort(g->items, g->count, sizeof(g->items[0]), newest_first);
    return g;
}

static void gathering_free(struct gathering *g)
{
    for (size_t i = 0; i < g->count; i++)
        json_decref(g->items[i].json);
    mem_free(g);
}

/* --- list ------------------------------------------------------------------------------------- */

/* COMMAND_STATUS_COUNT: any. False: answered. */
static bool take_status(struct http_call *call, enum command_status *out)
{
    char text[ROUTE_PARAMETER_MAX + 1];

    *out = COMMAND_STATUS_COUNT;
    if (!http_call_query(call, "status", text))
        return call->answer->status == 0;
    for (unsigned s = 0; s < COMMAND_STATUS_COUNT; s++) {
        if (strcmp(text, command_status_word((enum command_status)s)) != 0)
            continue;
        *out = (enum command_status)s;
        return true;
    }
    http_fail_field(call, PROBLEM_invalid, "status", "there is no such status of a command");
    return false;
}

void api_command_list(struct http_call *call)
{
    struct http_page page;
    enum command_status status;
    struct gathering *g;

    if (!take_status(call, &status) || !http_page_begin(call, &page))
        return;
    g = gathering_new(call);
    if (g == NULL) {
        json_decref(page.items);
        return;
    }
    for (size_t i = 0; i < g->count; i++) {
        const struct found *f = &g->items[i];

        if ((page.after != 0 && f->number >= page.after) ||
            (status != COMMAND_STATUS_COUNT && f->status != status))
            continue;
        if (!http_page_add(&page, f->number, json_incref(f->json)))
            break;
    }
    gathering_free(g);
    http_page_end(call, &page, ST_OK, "the commands");
}

/* --- one -------------------------------------------------------------------------------------- */

/* A text in quotes is the text inside. What looks like a number may be a text too, if there is no
 * such number. */
static const struct found *find(const struct gathering *g, const char *given)
{
    struct slice text = slice_of(given);
    bool is_quoted = text.len >= 2 && given[0] == '"' && given[text.len - 1] == '"';

    if (is_quoted)
        text = slice_make(text.data + 1, text.len - 2);
    for (unsigned is_string = is_quoted; is_string <= 1; is_string++) {
        for (size_t i = 0; i < g->count; i++) {
            const struct command_id *id = &g->items[i].id;

            if (id->is_string == (is_string != 0) &&
                slice_equal(slice_make(id->text, id->len), text))
                return &g->items[i];
        }
    }
    return NULL;
}

void api_command_show(struct http_call *call)
{
    struct gathering *g = gathering_new(call);
    const struct found *f;

    if (g == NULL)
        return;
    f = find(g, http_call_parameter(call, "id"));
    if (f != NULL)
        http_answer(call, json_incref(f->json));
    else
        http_fail(call, PROBLEM_not_found,
                  "no command with this id is outstanding or among the last that have ended");
    gathering_free(g);
}
