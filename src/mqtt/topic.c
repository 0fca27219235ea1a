/*
 * Topic names and filters as the standards define them: levels, wildcards, share groups.
 *
 * Nothing is copied; the parts point into the caller's text. What a topic of ours means stands in
 * the layers above. Pure functions, any thread.
 */
#include "mqtt/topic.h"

enum { TOPIC_LEN_MAX = 65535 }; /* a two-byte length stands before it */

static bool has_byte(struct slice s, char byte)
{
    return s.len > 0 && memchr(s.data, byte, s.len) != NULL;
}

bool topic_is_name(struct slice topic)
{
    return topic.len > 0 && topic.len <= TOPIC_LEN_MAX && !has_byte(topic, '+') &&
           !has_byte(topic, '#');
}

/* Wildcards stand alone in their level, `#` in the last one only. */
static bool wildcards_are_right(struct slice filter)
{
    const uint8_t *last = filter.data + filter.len - 1;

    for (const uint8_t *c = filter.data; c <= last; c++) {
        if (*c != '+' && *c != '#')
            continue;
        if (c > filter.data && c[-1] != '/')
            return false;
        if (c < last && (*c == '#' || c[1] != '/'))
            return false;
    }
    return true;
}

enum status topic_parse_filter(struct slice text, struct topic_filter *out)
{
    struct slice share = slice_of("$share/");
    struct slice filter = text, group = {NULL, 0};

    if (text.len > TOPIC_LEN_MAX)
        return ST_MALFORMED;
    if (slice_starts_with(text, share)) {
        const uint8_t *slash;

        group = slice_from(text, share.len);
        slash = group.len == 0 ? NULL : memchr(group.data, '/', group.len);
        if (slash == NULL)
            return ST_MALFORMED;
        filter = slice_from(group, (size_t)(slash - group.data) + 1);
        group.len = (size_t)(slash - group.data);
        if (!topic_is_name(group))
            return ST_MALFORMED; /* empty, or with a wildcard */
    }
    if (filter.len == 0 || !wildcards_are_right(filter))
        return ST_MALFORMED;
    *out = (struct topic_filter){group, filter};
    return ST_OK;
}

bool topic_matches(struct slice filter, struct slice topic)
{
    const uint8_t *f = filter.data, *f_end;
    const uint8_t *t = topic.data, *t_end;

    if (filter.len == 0 || topic.len == 0)
        return false;
    f_end = f + filter.len;
    t_end = t + topic.len;
    if (*t == '$' && (*f == '+' || *f == '#'))
        return false; /* [MQTT-4.7.2-1] */
    while (f < f_end) {
        if (*f == '#')
            return true;
        if (*f == '+') {
            while (t < t_end && *t != '/')
                t++;
            f++;
        } else if (t < t_end && *f == *t) {
            f++;
            t++;
        } else {
            /* `a/#` is about `a` too: the parent level. */
            return t == t_end && f_end - f == 2 && f[0] == '/' && f[1] == '#';
        }
    }
    return t == t_end;
}
