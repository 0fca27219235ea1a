/*
 * The last messages of a device in both directions, for people who look for a fault: a bounded
 * list, newest last. Payloads are cut. Part of the device, belongs to its home worker. Source:
 * open-api.md 3.3 "Recorded"
 */
#pragma once

#include "base/json.h"
#include "base/list.h"

enum message_direction { MESSAGE_UP, MESSAGE_DOWN };

/* X(NAME, word, what it says) */
#define MESSAGE_VERDICT_LIST(X)                                       \
    X(ACCEPTED, "accepted", "carried out, perhaps without a part")    \
    X(REFUSED, "refused", "the sender was told that it is wrong")     \
    X(RECORDED, "recorded", "right, and of no effect: not handed on") \
    X(DROPPED, "dropped", "nobody could take it, or there were too many")

enum message_verdict {
#define X(name, word, text) MESSAGE_##name,
    MESSAGE_VERDICT_LIST(X)
#undef X
        MESSAGE_VERDICT_COUNT
};

/** What a log holds at most. */
struct message_log_limits {
    uint32_t entries;
    uint32_t bytes;   /* of all entries together, as far as they were sent */
    uint32_t payload; /* bytes of one; what is longer is cut */
};

/** A message as it is logged; borrowed. */
struct logged_message {
    enum message_direction direction;
    enum message_verdict verdict;
    uint8_t qos;
    struct slice topic;
    struct slice payload;
    size_t payload_len; /* before it was cut; 0: it was not */
    struct slice why;   /* one sentence; empty: nothing to say */
};

struct message_log_entry {
    struct list node;
    uint64_t number;               /* counts from 1, without a gap */
    int64_t ts_ms;                 /* Unix */
    struct logged_message message; /* its bytes stand behind the entry */
};

/** A zeroed one is empty. */
struct message_log {
    struct list entries; /* oldest first; owned */
    uint32_t count;
    uint64_t bytes;
    uint64_t last_number;
};

void message_log_deinit(struct message_log *l);

/** A copy of a message, its payload cut; the caller owns it (mem_free). */
struct message_log_entry *message_log_entry_new(const struct logged_message *m, int64_t ts_ms,
                                                const struct message_log_limits *limits);

/** Adds an entry, whose ownership passes; the oldest ones make room. It stays until the next
 * change. */
void message_log_add(struct message_log *l, const struct message_log_limits *limits,
                     struct message_log_entry *e);

/** The oldest ones go until the log keeps to these limits. */
void message_log_trim(struct message_log *l, const struct message_log_limits *limits);

/** The newest entry with a number below `number`, or NULL. */
const struct message_log_entry *message_log_before(const struct message_log *l, uint64_t number);

/** The oldest entry with a number above `number`, or NULL. */
const struct message_log_entry *message_log_after(const struct message_log *l, uint64_t number);

/** Appends `, "format": "json" | "text" | "hex", "payload": "…"`: a payload as people read it. */
void message_log_append_payload(struct slice payload, struct json_parser *json, struct buffer *out);

/** Appends an entry as a JSON object. `json` tells what is JSON. */
void message_log_append_json(const struct message_log_entry *e, struct json_parser *json,
                             struct buffer *out);
