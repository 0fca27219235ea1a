/*
 * Outstanding commands of one device, oldest first in one list.
 *
 * There are few (COMMAND_OUTSTANDING_MAX at most), so each question walks the list. A command is
 * one block: the struct, then method, response topic and correlation data, whose lengths the packet
 * limits. Identifiers are compared in one form: a string unescaped, a number by its value. Belongs
 * to the device's home worker; what a taken command means for applications is the caller's matter.
 * Source: open-api.md 3.3
 */
#include "platform/command_ledger.h"

#include <stdio.h>

#include "base/invariant.h"
#include "base/mem.h"

struct command_id {
    uint8_t type; /* enum json_type */
    size_t len;
    char text[COMMAND_ID_MAX + 1];
};

static void set_number(struct command_id *id, int64_t value)
{
    id->type = JSON_TYPE_NUMBER;
    id->len = (size_t)snprintf(id->text, sizeof(id->text), "%lld", (long long)value);
}

/* False for what no command can have. */
static bool read_id(const struct json_member *m, struct command_id *id)
{
    int64_t value;

    if (json_member_int64(m, &value) == ST_OK) {
        set_number(id, value);
        return true;
    }
    id->type = JSON_TYPE_STRING;
    return json_text(m, id->text, COMMAND_ID_MAX, &id->len) == ST_OK && id->len > 0;
}

static struct command *command_of(struct list *node)
{
    return list_entry(node, struct command, node);
}

static struct command *find_id(const struct command_ledger *l, const struct command_id *id)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        struct command *c = command_of(n);

        if (c->id_type == id->type && c->id_len == id->len && memcmp(c->id, id->text, id->len) == 0)
            return c;
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

static struct slice store(uint8_t **at, struct slice s)
{
    struct slice stored = {*at, s.len};

    if (s.len > 0)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return stored;
}

static struct command *command_new(const struct command_request *r, const struct command_id *id)
{
    struct slice topic = r->has_response_topic ? r->response_topic : (struct slice){NULL, 0};
    struct slice data = r->has_correlation_data ? r->correlation_data : (struct slice){NULL, 0};
    struct command *c = mem_alloc(MEM_DEVICE, sizeof(*c) + r->method.len + topic.len + data.len);
    uint8_t *at = (uint8_t *)(c + 1);

    *c = (struct command){
        .id_type = id->type,
        .id_len = (uint8_t)id->len,
        .deadline_ms = r->deadline_ms,
        .has_response_topic = r->has_response_topic,
        .has_correlation_data = r->has_correlation_data,
    };
    memcpy(c->id, id->text, id->len); /* the zero behind it is there */
    c->method = store(&at, r->method);
    c->response_topic = store(&at, topic);
    c->correlation_data = store(&at, data);
    return c;
}

static struct command *take_out(struct command_ledger *l, struct command *c)
{
    if (c != NULL) {
        invariant(l->count > 0);
        list_remove(&c->node);
        l->count--;
    }
    return c;
}

void command_ledger_init(struct command_ledger *l, int64_t first_id)
{
    list_init(&l->outstanding);
    l->count = 0;
    l->next_id = first_id;
}

void command_ledger_deinit(struct command_ledger *l)
{
    struct list *node;

    if (l->outstanding.next == NULL)
        return; /* zeroed */
    while ((node = list_pop_front(&l->outstanding)) != NULL)
        mem_free(command_of(node));
    *l = (struct command_ledger){0};
}

enum status command_ledger_add(struct command_ledger *l, const struct command_request *r,
                               int64_t *given_id)
{
    struct command_id id;

    *given_id = 0;
    if (r->id != NULL && !read_id(r->id, &id))
        return ST_INVALID;
    if (r->id != NULL && find_id(l, &id) != NULL)
        return ST_EXISTS;
    if (l->count == COMMAND_OUTSTANDING_MAX)
        return ST_FULL;
    if (r->id == NULL) {
        do {
            *given_id = l->next_id++;
            set_number(&id, *given_id);
        } while (find_id(l, &id) != NULL);
    }
    list_push_back(&l->outstanding, &command_new(r, &id)->node);
    l->count++;
    return ST_OK;
}

struct command *command_ledger_take(struct command_ledger *l, const struct json_member *id,
                                    struct slice method)
{
    struct command_id wanted;

    if (id == NULL)
        return take_out(l, find_method(l, method));
    return read_id(id, &wanted) ? take_out(l, find_id(l, &wanted)) : NULL;
}

struct command *command_ledger_take_expired(struct command_ledger *l, uint64_t now_ms)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        if (command_of(n)->deadline_ms <= now_ms)
            return take_out(l, command_of(n));
    }
    return NULL;
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

struct command *command_ledger_take_newest(struct command_ledger *l)
{
    struct list *node = l->outstanding.prev;

    if (node == &l->outstanding)
        return NULL;
    list_remove(node);
    l->count--;
    return list_entry(node, struct command, node);
}
