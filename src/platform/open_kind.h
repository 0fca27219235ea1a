/*
 * The kinds of open messages: one table, from which names, parser, sets and tests derive.
 * Source: open-api.md 3.1, 3.2
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum open_root { OPEN_ROOT_OPEN /* "open/" */, OPEN_ROOT_SYSTEM /* "$open/" */ };

/* X(NAME, word in the topic, root, belongs to a device, has a stream, an application may publish
 * it) */
#define OPEN_KIND_LIST(X)                                                     \
    X(ATTRIBUTES, "attributes", OPEN_ROOT_OPEN, true, false, false)           \
    X(EVENT_REPORT, "event_report", OPEN_ROOT_OPEN, true, false, false)       \
    X(COMMAND_REPLY, "command_reply", OPEN_ROOT_OPEN, true, false, false)     \
    X(DATA, "data", OPEN_ROOT_OPEN, true, true, false)                        \
    X(ALARM, "alarm", OPEN_ROOT_OPEN, true, false, false)                     \
    X(ONLINE, "online", OPEN_ROOT_OPEN, true, false, false)                   \
    X(ATTRIBUTES_PUSH, "attributes_push", OPEN_ROOT_OPEN, true, false, true)  \
    X(COMMAND_SEND, "command_send", OPEN_ROOT_OPEN, true, false, true)        \
    X(COMMAND_STATUS, "command_status", OPEN_ROOT_SYSTEM, true, false, false) \
    X(ALARM_DETAIL, "alarm_detail", OPEN_ROOT_SYSTEM, true, false, false)     \
    X(LOG, "log", OPEN_ROOT_SYSTEM, true, false, false)                       \
    X(ERRORS, "errors", OPEN_ROOT_SYSTEM, false, false, false)                \
    X(NOTICE, "notice", OPEN_ROOT_SYSTEM, false, false, false)                \
    X(CTL, "ctl", OPEN_ROOT_SYSTEM, false, false, true)

enum open_kind {
#define X(name, word, root, device, stream, publish) OPEN_KIND_##name,
    OPEN_KIND_LIST(X)
#undef X
        OPEN_KIND_COUNT
};
_Static_assert(OPEN_KIND_COUNT <= 16, "a set of kinds is a uint16_t");

struct open_kind_info {
    const char *word;
    uint8_t word_len;
    enum open_root root;
    bool has_device, has_stream, may_publish;
};

extern const struct open_kind_info open_kinds[OPEN_KIND_COUNT];

/** The words of the roots, without a slash. */
extern const struct slice open_kind_roots[OPEN_ROOT_SYSTEM + 1];

/** The root of this first level; false when it is none. */
bool open_kind_parse_root(struct slice word, enum open_root *out);

/** The kind of this word under this root, or OPEN_KIND_COUNT. */
enum open_kind open_kind_parse(enum open_root root, struct slice word);

/** Bits of all kinds under a root that belong to a device (or not). */
uint16_t open_kind_set(enum open_root root, bool has_device);
