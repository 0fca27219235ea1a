/*
 * The commands of one device: those outstanding, which reply belongs to which, the same-id guard,
 * time-outs; and the last ones that have ended.
 *
 * Part of the device, belongs to its home worker. Source: open-api.md 3.3 "Commands and replies"
 */
#pragma once

#include "base/json.h"
#include "base/list.h"
#include "base/status.h"

enum {
    COMMAND_ID_MAX = 64,           /* bytes of a string id */
    COMMAND_OUTSTANDING_MAX = 256, /* a device */
    COMMAND_ENDED_MAX = 16         /* likewise, kept to be looked up */
};

/* X(NAME, word, whether a command with it has ended), in the order in which they come */
#define COMMAND_STATUS_LIST(X)       \
    X(ACCEPTED, "accepted", false)   \
    X(SENT, "sent", false)           \
    X(DELIVERED, "delivered", false) \
    X(REPLIED, "replied", true)      \
    X(EXPIRED, "expired", true)      \
    X(OFFLINE, "offline", true)      \
    X(REJECTED, "rejected", true)

enum command_status {
#define X(name, word, ended) COMMAND_##name,
    COMMAND_STATUS_LIST(X)
#undef X
        COMMAND_STATUS_COUNT
};

const char *command_status_word(enum command_status s);
bool command_status_is_end(enum command_status s);

/** An identifier: in one form, so that equal ones have equal bytes. */
struct command_id {
    bool is_string; /* 1 and "1" differ */
    uint8_t len;
    char text[COMMAND_ID_MAX + 1]; /* string: unescaped (may hold zero bytes); number: its digits */
};

struct command {
    struct list node;
    uint64_t number; /* of the ledger; from 1 */
    struct command_id id;
    uint8_t status;              /* enum command_status */
    bool is_told;                /* `accepted` was; before, nothing may be */
    uint64_t deadline_ms;        /* monotonic */
    int64_t accepted_ms;         /* Unix */
    int64_t changed_ms;          /* likewise: when it got its status */
    struct slice method;         /* inside the block */
    struct slice response_topic; /* of a v5 publisher whose response topic is the device's
                                    command_reply; empty: none */
    struct slice correlation_data;
    bool has_response_topic, has_correlation_data;
};

/** A zeroed one must be initialised. */
struct command_ledger {
    struct list outstanding; /* oldest first; owned */
    struct list ended;       /* likewise */
    uint32_t count;          /* of those outstanding */
    uint32_t ended_count;
    uint64_t last_number;
    int64_t next_id;
};

struct command_request {
    const struct json_member *id; /* NULL: the ledger gives one */
    struct slice method;          /* unescaped or raw, the caller's choice, the same for replies */
    uint64_t deadline_ms;
    int64_t accepted_ms;
    bool has_response_topic, has_correlation_data;
    struct slice response_topic, correlation_data;
};

/** Makes an empty ledger; the ids that it gives count from `first_id` on, so that they do not
 * repeat after a restart (Unix ms is a good one). */
void command_ledger_init(struct command_ledger *l, int64_t first_id);

/** Frees what it holds; a zeroed ledger is accepted. */
void command_ledger_deinit(struct command_ledger *l);

/** Reads an identifier. False: no command can have it (neither an integer of 64 bits nor a string
 * of 1 to COMMAND_ID_MAX bytes). */
bool command_id_read(const struct json_member *m, struct command_id *out);

/** Appends an identifier as JSON. */
void command_id_append(const struct command_id *id, struct buffer *out);

/**
 * Enters a command with the status `accepted`.
 *
 * @param out  set to it, borrowed
 * Errors: ST_EXISTS: the same id is outstanding; ST_INVALID: an impossible id; ST_FULL:
 * COMMAND_OUTSTANDING_MAX are
 */
enum status command_ledger_add(struct command_ledger *l, const struct command_request *r,
                               struct command **out) MUST_CHECK;

/** Enters a command that was before: its members are copied, those that hold a place excepted.
 * Errors: ST_EXISTS, ST_FULL as above. */
enum status command_ledger_restore(struct command_ledger *l, const struct command *c) MUST_CHECK;

/** The outstanding one with this number, borrowed; NULL: it is not, or no longer. */
struct command *command_ledger_find(const struct command_ledger *l, uint64_t number);

/** Whether a command with this id (NULL: none) is outstanding. */
bool command_ledger_has(const struct command_ledger *l, const struct json_member *id);

/** Takes the command out that a reply belongs to: the same id, or without one (NULL) the oldest
 * with this method. The caller owns what it gets; NULL: it matches nothing. */
struct command *command_ledger_take(struct command_ledger *l, const struct json_member *id,
                                    struct slice method);

/** Takes out an outstanding one. The caller owns it. */
void command_ledger_take_out(struct command_ledger *l, struct command *c);

/** Takes out the next command whose deadline has passed, or NULL. The caller owns it. */
struct command *command_ledger_take_expired(struct command_ledger *l, uint64_t now_ms);

/** Keeps a command that was taken out and has ended, in the place of the one that ended first;
 * empties the giver's pointer. */
void command_ledger_keep(struct command_ledger *l, struct command **c);

/** The newest of the ended ones kept that this reply would have belonged to, borrowed, or NULL. */
const struct command *command_ledger_find_ended(const struct command_ledger *l,
                                                const struct json_member *id, struct slice method);

/** The first deadline (monotonic ms) of those outstanding, UINT64_MAX when there is none: when to
 * look for expired ones next. */
uint64_t command_ledger_next_deadline(const struct command_ledger *l);

/** Frees a command that was taken out and empties the giver's pointer; NULL inside is accepted. */
void command_free(struct command **cp);
