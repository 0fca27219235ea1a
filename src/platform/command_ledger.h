/*
 * The outstanding commands of one device: which reply belongs to which, the same-id guard,
 * time-outs. Part of the device, belongs to its home worker. Source: open-api.md 3.3 "Commands and
 * replies"
 */
#pragma once

#include "base/json.h"
#include "base/list.h"
#include "base/status.h"

enum {
    COMMAND_ID_MAX = 64,          /* bytes of a string id */
    COMMAND_OUTSTANDING_MAX = 256 /* a device */
};

struct command {
    struct list node;
    uint8_t id_type; /* enum json_type: JSON_TYPE_STRING or JSON_TYPE_NUMBER; 1 and "1" differ */
    uint8_t id_len;
    char id[COMMAND_ID_MAX + 1]; /* string: unescaped; number: its digits */
    uint64_t deadline_ms;        /* monotonic */
    struct slice method;         /* inside the block */
    struct slice response_topic; /* of a v5 publisher whose response topic is the device's
                                    command_reply; empty: none */
    struct slice correlation_data;
    bool has_response_topic, has_correlation_data;
};

/** A zeroed one must be initialised. */
struct command_ledger {
    struct list outstanding; /* oldest first; owned */
    uint32_t count;
    int64_t next_id;
};

struct command_request {
    const struct json_member *id; /* NULL: the ledger gives one */
    struct slice method;          /* unescaped or raw, the caller's choice, the same for replies */
    uint64_t deadline_ms;
    bool has_response_topic, has_correlation_data;
    struct slice response_topic, correlation_data;
};

/** Makes an empty ledger; the ids that it gives count from `first_id` on, so that they do not
 * repeat after a restart (Unix ms is a good one). */
void command_ledger_init(struct command_ledger *l, int64_t first_id);

/** Frees what is outstanding; a zeroed ledger is accepted. */
void command_ledger_deinit(struct command_ledger *l);

/**
 * Enters a command.
 *
 * @param given_id  set to the id that the ledger gave when the request had none (otherwise 0)
 * Errors: ST_EXISTS: the same id is outstanding; ST_INVALID: the id is neither an integer of 64
 * bits nor a string of 1 to COMMAND_ID_MAX bytes; ST_FULL: COMMAND_OUTSTANDING_MAX are
 */
enum status command_ledger_add(struct command_ledger *l, const struct command_request *r,
                               int64_t *given_id) MUST_CHECK;

/** Takes the command out that a reply belongs to: the same id, or without one (NULL) the oldest
 * with this method. The caller owns what it gets (command_free); NULL: it matches nothing. */
struct command *command_ledger_take(struct command_ledger *l, const struct json_member *id,
                                    struct slice method);

/** Takes out the next command whose deadline has passed, or NULL. The caller owns it. */
struct command *command_ledger_take_expired(struct command_ledger *l, uint64_t now_ms);

/** The first deadline (monotonic ms) of those outstanding, UINT64_MAX when there is none: when to
 * look for expired ones next. */
uint64_t command_ledger_next_deadline(const struct command_ledger *l);

/** Frees a command that was taken out and empties the giver's pointer; NULL inside is accepted. */
void command_free(struct command **cp);

/** Takes out the command that was entered last (it could not be sent after all), or NULL. The
 * caller owns it. */
struct command *command_ledger_take_newest(struct command_ledger *l);
