/*
 * What the files of the registry share: the connection, and queries with a sticky status.
 *
 * A query is a prepared statement in use: bind its parameters in order, walk its rows, read their
 * columns in order, end it. The first failure stays and makes the rest do nothing, so that
 * straight-line code looks once, at the end. A statement is used by one query at a time.
 */
#pragma once

#include <sqlite3.h>

#include "store/registry.h"
#include "store/secret.h"

enum registry_statement {
#define STATEMENT(name, ...) REGISTRY_STATEMENT_##name,
#include "store/registry_statement.def"
#undef STATEMENT
    REGISTRY_STATEMENT_COUNT
};

struct registry {
    uint32_t magic;
    sqlite3 *db;                                        /* owned */
    sqlite3_stmt *statements[REGISTRY_STATEMENT_COUNT]; /* owned; NULL: not used yet */
    struct secret_key *key;                             /* owned */
    struct buffer scratch; /* owned: what is sealed or unsealed now; wiped after each use */
    int64_t data_version;  /* at the last registry_has_changed */
    bool is_open;          /* before, a failure is told by registry_open's line and not logged */
    bool in_transaction;
};

enum { REGISTRY_MAGIC = 0x52454731 };

struct registry_query {
    struct registry *registry; /* borrowed */
    sqlite3_stmt *statement;   /* borrowed from the registry; NULL when it cannot be prepared */
    enum status status;
    int parameter; /* bound so far */
    int column;    /* read so far of this row */
};

/** The version of the schema that this program makes. */
int registry_schema_version(void);

/** What SQLite's result means to a caller; a failure of the world is logged here. */
enum status registry_status(struct registry *r, int result);

struct registry_query registry_query_start(struct registry *r, enum registry_statement which);

/** Around several statements that belong together: a transaction of their own, unless the caller
 * has one already, who then undoes them all when one fails. */
enum status registry_begin_part(struct registry *r, bool *is_own);
enum status registry_end_part(struct registry *r, bool is_own, enum status st);

/** True for a secret or token: as registry_text_is_valid, and no longer than those that we make. */
bool registry_credential_is_valid(const char *text);

/** Whether a project may have one more of what the statement counts. Errors: ST_FULL, ST_IO. */
enum status registry_check_room(struct registry *r, enum registry_statement count,
                                uint64_t project_id, int64_t max) MUST_CHECK;

/** Adds the row of a secret, whatever their number. */
enum status registry_secret_add_row(struct registry *r, const struct registry_secret *x);

/** The member to which the text of a secret of this name is bound. Those of the first schema were
 * members of the project, and a migration cannot seal anew, so `main` is that still. */
struct registry_secret_place {
    char member[IDENT_MEMBER_MAX + 16];
};
struct registry_secret_place registry_secret_place_of(const char *name);

/** Binds the next parameter. Text and blobs are borrowed until the query ends. */
void registry_query_bind_int(struct registry_query *q, int64_t value);
void registry_query_bind_text(struct registry_query *q, const char *text);
void registry_query_bind_slice(struct registry_query *q, struct slice text);
void registry_query_bind_blob(struct registry_query *q, struct slice blob);

/** Binds `text` sealed for the place `entity`/`id`/`member`. */
void registry_query_bind_secret(struct registry_query *q, enum registry_entity entity, uint64_t id,
                                const char *member, const char *text);

/** The next row; false at the end and after a failure. */
bool registry_query_row(struct registry_query *q);

/** Reads the next column. ST_CORRUPT: longer than `max` bytes; `out` has one more for the zero. */
int64_t registry_query_read_int(struct registry_query *q);
/** As registry_query_read_int for an identifier. ST_CORRUPT, and gives 0: it is none. */
uint64_t registry_query_read_id(struct registry_query *q, enum ident_kind kind);
void registry_query_read_text(struct registry_query *q, char *out, size_t max);

/** Reads a column that registry_query_bind_secret wrote for the same place; NULL, in the row of a
 * join, gives the empty text. ST_CORRUPT: it does not unseal. */
void registry_query_read_secret(struct registry_query *q, enum registry_entity entity, uint64_t id,
                                const char *member, char *out, size_t max);

/** Appends the bytes of the next column. */
void registry_query_read_blob(struct registry_query *q, struct buffer *out);

/** Walks: what is wrong with this row is logged, and the walk goes on with the next one. */
void registry_query_skip_damaged(struct registry_query *q, enum ident_kind kind, uint64_t id);

/** Gives the statement back; what became of the query. */
enum status registry_query_end(struct registry_query *q);

/** Runs a statement without rows to its end and ends it. ST_NOT_FOUND: with `must_change`, no row
 * was touched. */
enum status registry_query_run(struct registry_query *q, bool must_change);

/** Whether a device may stand where its row says, between what is above it and what is below it.
 * Errors: ST_FULL (too many levels), ST_INVALID (its parent is itself, or is below it), ST_IO. */
enum status registry_sub_device_check(struct registry *r,
                                      const struct registry_device *d) MUST_CHECK;
