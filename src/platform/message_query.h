/*
 * Questions to the journal: the open messages of a project by device, kind and time, page by page,
 * from either end. Reads only; any thread. Source: open-api.md 3.4
 */
#pragma once

#include "platform/open_record.h"
#include "store/journal.h"

struct message_query {
    uint64_t project_id;
    uint64_t device_id;     /* 0: any */
    uint16_t kinds;         /* bits 1 << enum open_kind; 0: all */
    struct slice stream;    /* of data; empty: any */
    int64_t from_ms, to_ms; /* from_ms <= committed < to_ms; 0: any */
    bool oldest_first;
    uint64_t place; /* the last number that was seen; 0: begin */
    size_t limit;   /* messages at most, 1 or more */
};

/** A message that matches; borrowed during the call. False: it does not count. */
typedef bool (*message_query_fn)(uint64_t seq, int64_t committed_ms,
                                 const struct open_record_head *m, void *arg);

enum { MESSAGE_QUERY_LOOKS_MAX = 50000 /* records looked at for one page */ };

/** Reads a page. Gives the place to go on from, 0: all has been read. A page may be short although
 * it goes on: only so many records are looked at. */
uint64_t message_query_read(struct journal *j, const struct message_query *q, message_query_fn fn,
                            void *arg);
