/*
 * Queries over prepared statements, and the sealing of their secret columns.
 *
 * A secret is bound to its entity, row and member, so that one that was copied to another row or
 * column does not unseal there.
 */
#include "store/registry_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/utf8.h"
#include "store/events.h"

static const char *const statement_texts[REGISTRY_STATEMENT_COUNT] = {
#define STATEMENT(name, ...) [REGISTRY_STATEMENT_##name] = #__VA_ARGS__,
#include "store/registry_statement.def"
#undef STATEMENT
};

enum status registry_status(struct registry *r, int result)
{
    enum status st;

    switch (result & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ST_OK;
    case SQLITE_CONSTRAINT:
        return result == SQLITE_CONSTRAINT_FOREIGNKEY || result == SQLITE_CONSTRAINT_TRIGGER
                   ? ST_NOT_FOUND
               : result == SQLITE_CONSTRAINT_UNIQUE ? ST_EXISTS
                                                    : ST_INVALID;
    case SQLITE_BUSY:
        st = ST_BUSY;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        st = ST_CORRUPT;
        break;
    default:
        st = ST_IO;
        break;
    }
    if (r->is_open)
        log_event(EV_REGISTRY_FAILED, "cause", sqlite3_errmsg(r->db));
    return st;
}

struct registry_query registry_query_start(struct registry *r, enum registry_statement which)
{
    struct registry_query q = {.registry = r, .status = ST_OK};
    sqlite3_stmt **statement = &r->statements[which];

    invariant(r->magic == REGISTRY_MAGIC);
    if (*statement == NULL) {
        int result = sqlite3_prepare_v3(r->db, statement_texts[which], -1,
                                        SQLITE_PREPARE_PERSISTENT, statement, NULL);

        q.status = registry_status(r, result);
    }
    /* A full disk ends a transaction behind our back; what follows must not be committed alone. */
    if (r->in_transaction && sqlite3_get_autocommit(r->db) != 0)
        q.status = ST_IO;
    q.statement = *statement;
    invariant(q.statement == NULL || sqlite3_stmt_busy(q.statement) == 0);
    return q;
}

static void keep(struct registry_query *q, int result)
{
    q->status = registry_status(q->registry, result);
}

void registry_query_bind_int(struct registry_query *q, int64_t value)
{
    if (q->status == ST_OK)
        keep(q, sqlite3_bind_int64(q->statement, ++q->parameter, value));
}

void registry_query_bind_text(struct registry_query *q, const char *text)
{
    if (q->status == ST_OK)
        keep(q, sqlite3_bind_text(q->statement, ++q->parameter, text, -1, SQLITE_STATIC));
}

void registry_query_bind_slice(struct registry_query *q, struct slice text)
{
    if (q->status == ST_OK)
        keep(q, sqlite3_bind_text64(q->statement, ++q->parameter, (const char *)text.data, text.len,
                                    SQLITE_STATIC, SQLITE_UTF8));
}

void registry_query_bind_blob(struct registry_query *q, struct slice blob)
{
    if (q->status == ST_OK)
        keep(q,
             sqlite3_bind_blob64(q->statement, ++q->parameter, blob.data, blob.len, SQLITE_STATIC));
}

/* The place that a secret is bound to: `device/<number>/password`. */
struct place {
    char text[128];
};

static struct slice place_of(struct place *p, enum registry_entity entity, uint64_t id,
                             const char *member)
{
    static const char *const entities[] = {
        [REGISTRY_PROJECT] = "project", [REGISTRY_DEVICE] = "device",
        [REGISTRY_TYPE] = "type",       [REGISTRY_RULE] = "rule",
        [REGISTRY_SECRETS] = "secrets", [REGISTRY_NOTIFIER] = "notifier"};
    int len = snprintf(p->text, sizeof(p->text), "%s/%" PRIu64 "/%s", entities[entity], id, member);

    invariant(len > 0 && (size_t)len < sizeof(p->text));
    return slice_make(p->text, (size_t)len);
}

static void scratch_wipe(struct registry *r)
{
    secret_wipe(r->scratch.data, r->scratch.len);
    r->scratch.len = 0;
}

void registry_query_bind_secret(struct registry_query *q, enum registry_entity entity, uint64_t id,
                                const char *member, const char *text)
{
    struct registry *r = q->registry;
    struct place p;

    if (q->status != ST_OK)
        return;
    secret_seal(r->key, place_of(&p, entity, id, member), slice_of(text), &r->scratch);
    keep(q, sqlite3_bind_blob64(q->statement, ++q->parameter, r->scratch.data, r->scratch.len,
                                SQLITE_TRANSIENT));
    scratch_wipe(r);
}

bool registry_query_row(struct registry_query *q)
{
    int result;

    if (q->status != ST_OK)
        return false;
    result = sqlite3_step(q->statement);
    q->column = 0;
    keep(q, result);
    return result == SQLITE_ROW;
}

int64_t registry_query_read_int(struct registry_query *q)
{
    return q->status == ST_OK ? sqlite3_column_int64(q->statement, q->column++) : 0;
}

uint64_t registry_query_read_id(struct registry_query *q, enum ident_kind kind)
{
    uint64_t id = (uint64_t)registry_query_read_int(q);

    if (ident_is_valid(kind, id))
        return id;
    if (q->status == ST_OK)
        q->status = ST_CORRUPT;
    return 0;
}

/* Copies to a zero-ended text; what does not fit, or has a zero inside, was not written by us. */
static void copy_text(struct registry_query *q, struct slice from, char *out, size_t max)
{
    if (from.len > max || memchr(from.data, 0, from.len) != NULL) {
        q->status = ST_CORRUPT;
        return;
    }
    memcpy(out, from.data, from.len);
    out[from.len] = '\0';
}

/* The bytes of the next column, text or blob; never NULL. */
static struct slice read_bytes(struct registry_query *q)
{
    const void *data = sqlite3_column_blob(q->statement, q->column);
    int len = sqlite3_column_bytes(q->statement, q->column++);

    return slice_make(data == NULL ? "" : data, (size_t)len);
}

void registry_query_read_text(struct registry_query *q, char *out, size_t max)
{
    if (q->status == ST_OK)
        copy_text(q, read_bytes(q), out, max);
}

void registry_query_read_secret(struct registry_query *q, enum registry_entity entity, uint64_t id,
                                const char *member, char *out, size_t max)
{
    struct registry *r = q->registry;
    struct place p;

    if (q->status != ST_OK)
        return;
    if (sqlite3_column_type(q->statement, q->column) == SQLITE_NULL) {
        q->column++;
        out[0] = '\0';
        return;
    }
    q->status = secret_unseal(r->key, place_of(&p, entity, id, member), read_bytes(q), &r->scratch);
    if (q->status == ST_OK)
        copy_text(q, buffer_slice(&r->scratch), out, max);
    scratch_wipe(r);
}

void registry_query_read_blob(struct registry_query *q, struct buffer *out)
{
    if (q->status == ST_OK)
        buffer_append_slice(out, read_bytes(q));
}

void registry_query_skip_damaged(struct registry_query *q, enum ident_kind kind, uint64_t id)
{
    static const char *const keys[] = {[IDENT_PROJECT] = "project",
                                       [IDENT_DEVICE] = "device",
                                       [IDENT_TYPE] = "type",
                                       [IDENT_RULE] = "rule"};

    char text[IDENT_TEXT_LEN + 1] = "";

    if (id != 0)
        ident_format(kind, id, text);
    log_event(EV_REGISTRY_ROW_DAMAGED, keys[kind], text);
    q->status = ST_OK;
}

enum status registry_query_end(struct registry_query *q)
{
    if (q->statement != NULL) {
        (void)sqlite3_reset(q->statement); /* its result was that of the last step */
        (void)sqlite3_clear_bindings(q->statement);
    }
    return q->status;
}

enum status registry_query_run(struct registry_query *q, bool must_change)
{
    enum status st;

    while (registry_query_row(q))
        ;
    st = registry_query_end(q);
    if (st == ST_OK && must_change && sqlite3_changes(q->registry->db) == 0)
        return ST_NOT_FOUND;
    return st;
}

bool registry_credential_is_valid(const char *text)
{
    return strlen(text) <= IDENT_SECRET_LEN && registry_text_is_valid(text);
}

bool registry_text_is_valid(const char *text)
{
    struct slice s = slice_of(text);

    if (s.len == 0 || s.len > REGISTRY_NAME_MAX || !utf8_is_text(s))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] == 0x7F)
            return false;
    }
    return true;
}

bool registry_sn_is_valid(const char *text)
{
    return registry_text_is_valid(text) && strlen(text) <= REGISTRY_SN_MAX &&
           strpbrk(text, "/+#") == NULL;
}

enum status registry_check_room(struct registry *r, enum registry_statement count,
                                uint64_t project_id, int64_t max)
{
    struct registry_query q = registry_query_start(r, count);
    int64_t found = 0;

    registry_query_bind_int(&q, (int64_t)project_id);
    if (registry_query_row(&q))
        found = registry_query_read_int(&q);
    if (registry_query_end(&q) != ST_OK)
        return q.status;
    return found < max ? ST_OK : ST_FULL;
}
