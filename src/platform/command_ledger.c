/*
 * Commands of one device, oldest first in two lists.
 *
 * There are few (COMMAND_OUTSTANDING_MAX at most), so each question walks a list. A command is one
 * block: the struct, then method, response topic and correlation data, whose lengths the packet
 * limits. Identifiers are compared in one form: a string unescaped, a number by its value. Belongs
 * to the device's home worker; what a taken command means for applications is the caller's matter.
 * Source: open-api.md 3.3
 */
#include "platform/command_ledger.h"

#include <stdio.h>

#include "base/invariant.h"
#include "base/mem.h"

static const struct status_info {
    const char *word;
    bool is_end;
} statuses[COMMAND_STATUS_COUNT] = {
#define X(name, word, ended) [COMMAND_##name] = {word, ended},
    COMMAND_STATUS_LIST(X)
#undef X
};

const char *command_status_word(enum command_status s)
{
    return statuses[s].word;
}

bool command_status_is_end(enum command_status s)
{
    return statuses[s].is_end;
}

/* --- identifiers ----------------------------------------------------------------------------- */

static void set_number(struct command_id *id, int64_t value)
{
    id->is_string = false;
    id->len = (uint8_t)snprintf(id->text, sizeof(id->text), "%lld", (long long)value);
}

bool command_id_read(const struct json_member *m, struct command_id *out)
{
    int64_t value;
    size_t len;

    *out = (struct command_id){0};
    if (json_member_int64(m, &value) == ST_OK) {
        set_number(out, value);
        return true;
    }
    out->is_string = true;
    if (json_text(m, out->text, COMMAND_ID_MAX, &len) != ST_OK || len == 0)
        return false;
    out->len = (uint8_t)len;
    return true;
}

void command_id_append(const struct command_id *id, struct buffer *out)
{
    struct slice text = slice_make(id->text, id->len);

    if (id->is_string)
        json_append_string(out, text);
    else
        buffer_append_slice(out, text);
}

static bool id_equal(const struct command_id *a, const struct command_id *b)
{
    return a->is_string == b->is_string && a->len == b->len &&
           memcmp(a->text, b->text, a->len) == 0;
}

/* --- finding --------------------------------------------------------------------------------- */

static struct command *command_of(struct list *node)
{
    return list_entry(node, struct command, node);
}

static struct command *find_id(const struct command_ledger *l, const struct command_id *id)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (id_equal(&command_of(n)->id, id))
            return command_of(n);
    }
    return NULL;
}

static struct command *find_method(const struct command_ledger *l, struct slice method)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (slice_equal(command_of(n)->method, method))
            return command_of(n);
    }
    return NULL;
}

struct command *command_ledger_find(const struct command_ledger *l, uint64_t number)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (command_of(n)->number == number)
            return command_of(n);
    }
    return NULL;
}

bool command_ledger_has(const struct command_ledger *l, const struct json_member *id)
{
    struct command_id wanted;

    return id != NULL && command_id_read(id, &wanted) && find_id(l, &wanted) != NULL;
}

const struct command *command_ledger_find_ended(const struct command_ledger *l,
                                                const struct json_member *id, struct slice method)
{
    struct command_id wanted;

    if (id != NULL && !command_id_read(id, &wanted))
        return NULL;
    for (struct list *n = l->ended.prev; n != &l->ended; n = n->prev) {
        const struct command *c = command_of(n);

        if (id != NULL ? id_equal(&c->id, &wanted) : slice_equal(c->method, method))
            return c;
    }
    return NULL;
}

/* --- entering -------------------------------------------------------------------------------- */

static struct slice store(uint8_t **at, struct slice s)
{
    struct slice stored = {*at, s.len};

    if (s.len > 0)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return stored;
}

/* A command with these members, in one block of its own. */
static struct command *copy(const struct command *from)
{
    struct command *c =
        mem_alloc(MEM_DEVICE, sizeof(*c) + from->method.len + from->response_topic.len +
                                  from->correlation_data.len);
    uint8_t *at = (uint8_t *)(c + 1);

    *c = *from;
    c->node = (struct list){0};
    c->method = store(&at, from->method);
    c->response_topic = store(&at, from->response_topic);
    c->correlation_data = store(&at, from->correlation_data);
    return c;
}

static struct command *enter(struct command_ledger *l, const struct command *from)
{
    struct command *c = copy(from);

    list_push_back(&l->outstanding, &c->node);
    l->count++;
    return c;
}

void command_ledger_init(struct command_ledger *l, int64_t first_id)
{
    *l = (struct command_ledger){.next_id = first_id};
    list_init(&l->outstanding);
    list_init(&l->ended);
}

static void free_all(struct list *commands)
{
    struct list *node;

    while ((node = list_pop_front(commands)) != NULL)
        mem_free(command_of(node));
}

void command_ledger_deinit(struct command_ledger *l)
{
    if (l->outstanding.next == NULL)
        return; /* zeroed */
    free_all(&l->outstanding);
    free_all(&l->ended);
    *l = (struct command_ledger){0};
}

enum status command_ledger_add(struct command_ledger *l, const struct command_request *r,
                               struct command **out)
{
    struct command c = {
        .status = COMMAND_ACCEPTED,
        .deadline_ms = r->deadline_ms,
        .accepted_ms = r->accepted_ms,
        .changed_ms = r->accepted_ms,
        .method = r->method,
        .has_response_topic = r->has_response_topic,
        .has_correlation_data = r->has_correlation_data,
    };

    *out = NULL;
    if (r->id != NULL && !command_id_read(r->id, &c.id))
        return ST_INVALID;
    if (r->id != NULL && find_id(l, &c.id) != NULL)
        return ST_EXISTS;
    if (l->count == COMMAND_OUTSTANDING_MAX)
        return ST_FULL;
    if (r->id == NULL) {
        do
            set_number(&c.id, l->next_id++);
        while (find_id(l, &c.id) != NULL);
    }
    if (r->has_response_topic)
        c.response_topic = r->response_topic;
    if (r->has_correlation_data)
        c.correlation_data = r->correlation_data;
    c.number = ++l->last_number;
    *out = enter(l, &c);
    return ST_OK;
}

enum status command_ledger_restore(struct command_ledger *l, const struct command *c)
{
    struct command *kept;

    if (c->number > l->last_number)
        l->last_number = c->number;
    if (command_status_is_end(c->status)) {
        kept = copy(c);
        command_ledger_keep(l, &kept);
        return ST_OK;
    }
    if (find_id(l, &c->id) != NULL || command_ledger_find(l, c->number) != NULL)
        return ST_EXISTS;
    if (l->count == COMMAND_OUTSTANDING_MAX)
        return ST_FULL;
    (void)enter(l, c);
    return ST_OK;
}

/* --- taking out ------------------------------------------------------------------------------ */

void command_ledger_take_out(struct command_ledger *l, struct command *c)
{
    invariant(l->count > 0);
    list_remove(&c->node);
    l->count--;
}

static struct command *take_found(struct command_ledger *l, struct command *c)
{
    if (c != NULL)
        command_ledger_take_out(l, c);
    return c;
}

struct command *command_ledger_take(struct command_ledger *l, const struct json_member *id,
                                    struct slice method)
{
    struct command_id wanted;

    if (id == NULL)
        return take_found(l, find_method(l, method));
    return command_id_read(id, &wanted) ? take_found(l, find_id(l, &wanted)) : NULL;
}

struct command *command_ledger_take_expired(struct command_ledger *l, uint64_t now_ms)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (command_of(n)->deadline_ms <= now_ms)
            return take_found(l, command_of(n));
    }
    return NULL;
}

void command_ledger_keep(struct command_ledger *l, struct command **cp)
{
    struct command *c = *cp;

    *cp = NULL;
    invariant(!list_is_linked(&c->node) && command_status_is_end(c->status));
    /* What only a reply needs stands behind the method, and goes. */
    c->response_topic = c->correlation_data = (struct slice){NULL, 0};
    c->has_response_topic = c->has_correlation_data = false;
    c = mem_resize(MEM_DEVICE, c, sizeof(*c) + c->method.len);
    c->method.data = (const uint8_t *)(c + 1);
    list_push_back(&l->ended, &c->node);
    if (++l->ended_count > COMMAND_ENDED_MAX) {
        mem_free(command_of(list_pop_front(&l->ended)));
        l->ended_count--;
    }
}

uint64_t command_ledger_next_deadline(const struct command_ledger *l)
{
    uint64_t first = UINT64_MAX;

    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (command_of(n)->deadline_ms < first)
            first = command_of(n)->deadline_ms;
    }
    return first;
}

void command_free(struct command **cp)
{
    mem_free(*cp);
    *cp = NULL;
}
