/*
 * A subscription's filter, compiled to a small value. Topics have a fixed shape, so no topic tree
 * is needed. Pure functions, any thread. Source: open-api.md 3.1
 */
#pragma once

#include "platform/open_topic.h"

enum open_stream { OPEN_STREAM_NONE /* no data topics */, OPEN_STREAM_ANY, OPEN_STREAM_ONE };

struct open_filter {
    uint64_t project_id;
    uint64_t device_id;                     /* 0: any device */
    uint16_t kinds;                         /* bits 1 << enum open_kind */
    enum open_stream stream;                /* which data topics, if DATA is among the kinds */
    char stream_name[IDENT_MEMBER_MAX + 1]; /* with OPEN_STREAM_ONE */
};

/**
 * Compiles a filter (syntax checked by topic_parse_filter, share group taken off) for an
 * application of `own_project`.
 *
 * @param shared  it stood behind a share group: a bare `#` is refused then
 * @param why     set to a sentence (static) that names the level at fault, or NULL
 * Errors: ST_REFUSED (0x87): not literally inside `open/<own>/` or `$open/<own>/`;
 *         ST_MALFORMED (0x8F): inside, and can never match: an unknown kind, a device that has not
 *         the form of a deviceUsername, a level too many or too few, no possible stream
 *
 * `+` and `#` mean what the standard's matching makes of them; a bare `#` is `open/<own>/#`. Kinds
 * that belong to no device (`$open/<own>/errors`, `notice`) have device_id 0; `ctl`, which nobody
 * receives, is never among the kinds.
 */
enum status open_filter_compile(struct slice filter, uint64_t own_project, bool shared,
                                struct open_filter *out, const char **why) MUST_CHECK;

/** True when data topics of this stream are meant (for filters with DATA among their kinds). */
static inline bool open_filter_matches_stream(const struct open_filter *f, struct slice stream)
{
    return f->stream == OPEN_STREAM_ANY || slice_is(stream, f->stream_name);
}

/** True when a message of this device, kind and stream matches. The project is the caller's to
 * compare. */
bool open_filter_matches(const struct open_filter *f, uint64_t device_id, enum open_kind kind,
                         struct slice stream);
