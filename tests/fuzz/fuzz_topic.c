/*
 * Topic names, filters, matching. The input is a filter and a topic with a zero byte between them.
 *
 * The answers are compared with a second implementation that takes both apart into levels and
 * follows the standard's text word by word.
 */
#include "base/invariant.h"
#include "codec_check.h"
#include "mqtt/topic.h"

/* A level, and whether another one follows. */
static struct slice next_level(struct slice *rest, bool *more)
{
    struct slice level = slice_cut(rest, '/');

    *more = rest->data != NULL;
    return level;
}

static bool has_wildcard(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '+' || s.data[i] == '#')
            return true;
    return false;
}

static bool naive_is_filter(struct slice filter)
{
    bool more = filter.len > 0;

    if (!more)
        return false;
    while (more) {
        struct slice level = next_level(&filter, &more);

        if (has_wildcard(level) && level.len > 1)
            return false;
        if (slice_is(level, "#") && more)
            return false;
    }
    return true;
}

static bool naive_is_shared(struct slice text, struct slice *group, struct slice *filter)
{
    bool more;

    if (!slice_is(next_level(&text, &more), "$share") || !more)
        return false;
    *group = next_level(&text, &more);
    *filter = text;
    return true;
}

/* What is left of both, level by level; `topic_more` is false when the topic has no more levels. */
static bool naive_levels_match(struct slice filter, struct slice topic, bool topic_more)
{
    bool filter_more, more;
    struct slice f = next_level(&filter, &filter_more), t;

    if (slice_is(f, "#"))
        return true; /* any number of levels, and none: the parent */
    if (!topic_more)
        return false;
    t = next_level(&topic, &more);
    if (!slice_is(f, "+") && !slice_equal(f, t))
        return false;
    return filter_more ? naive_levels_match(filter, topic, more) : !more;
}

static bool naive_matches(struct slice filter, struct slice topic)
{
    if (topic.len == 0)
        return false;
    if (topic.data[0] == '$' && has_wildcard(slice_make(filter.data, 1)))
        return false;
    return naive_levels_match(filter, topic, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice topic = slice_make(data, size), text = slice_cut(&topic, '\0');
    struct slice group = {NULL, 0}, filter = text;
    bool shared = naive_is_shared(text, &group, &filter);
    bool valid = text.len <= UINT16_MAX && naive_is_filter(filter) &&
                 (!shared || (group.len > 0 && !has_wildcard(group)));
    struct topic_filter out;

    invariant(topic_is_name(topic) ==
              (topic.len > 0 && topic.len <= UINT16_MAX && !has_wildcard(topic)));
    invariant((topic_parse_filter(text, &out) == ST_OK) == valid);
    if (!valid)
        return 0;
    codec_check_inside(out.share_group, text);
    codec_check_inside(out.filter, text);
    invariant(slice_equal(out.share_group, group));
    invariant(slice_equal(out.filter, filter));
    invariant(topic_matches(out.filter, topic) == naive_matches(out.filter, topic));
    if (topic_is_name(out.filter))
        invariant(topic_matches(out.filter, out.filter));
    return 0;
}
