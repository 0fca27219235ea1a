/*
 * Downlinks through the connected device. A gateway speaks the dialect whose topics it has
 * subscribed to; one that has subscribed to both hears of a sub-device in the dialect in which it
 * was last heard to speak of it.
 *
 * The session tells steps of commands by a trace alone. For the commands of sub-devices the link
 * keeps whose they are: a trace with the highest bit is a place in its list.
 */
#include "service/sub_link.h"

#include "base/invariant.h"
#include "platform/device_command.h"

/* --- messages -------------------------------------------------------------------------------- */

/* What goes to sub-devices, and where in the message it stands. */
static const struct wrapping {
    enum device_topic own, wrapped;
    const char *member;
} wrappings[] = {
    {DEVICE_TOPIC_ATTRIBUTES_PUSH, DEVICE_TOPIC_SUB_ATTRIBUTES_PUSH, "\"attributes\": "},
    {DEVICE_TOPIC_COMMAND_SEND, DEVICE_TOPIC_SUB_COMMAND_SEND, "\"command\": "},
};

static const struct wrapping *find_wrapping(enum device_topic own)
{
    for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++) {
        if (wrappings[i].own == own)
            return &wrappings[i];
    }
    return NULL;
}

/* The dialect for this message; a path of several steps can be said in one of them only. */
static enum sub_dialect choose_dialect(const struct device *root, const struct device *d,
                                       enum device_topic topic, unsigned steps)
{
    enum sub_dialect preferred = (enum sub_dialect)d->sub->dialect;
    enum sub_dialect other = preferred == SUB_DIALECT_SUB ? SUB_DIALECT_GATEWAY : SUB_DIALECT_SUB;

    if (steps > 1)
        return SUB_DIALECT_SUB;
    return !device_link_has(root, sub_topic_in(preferred, topic)) &&
                   device_link_has(root, sub_topic_in(other, topic))
               ? other
               : preferred;
}

void sub_link_begin(enum sub_dialect dialect, enum device_topic topic, const struct sub_path *path,
                    struct buffer *out)
{
    buffer_append_u8(out, '{');
    sub_path_append(dialect, topic, path, out);
}

/* A text of JSON may begin with a byte order mark, but not in the middle of another one. */
static struct slice without_mark(struct slice json)
{
    struct slice mark = slice_of("\xef\xbb\xbf");

    return slice_starts_with(json, mark) ? slice_from(json, mark.len) : json;
}

const char *sub_link_deliver(struct device *d, const struct device_downlink *m)
{
    const struct wrapping *x = find_wrapping(m->topic);
    struct device *root = sub_device_root(d);
    struct device_downlink wrapped = *m;
    struct buffer payload = {0};
    enum sub_dialect dialect;
    struct sub_path path;
    const char *why;

    if (x == NULL)
        return "there is no such message for a sub-device";
    sub_path_of(d, &path);
    dialect = choose_dialect(root, d, x->wrapped, path.count);
    sub_link_begin(dialect, x->wrapped, &path, &payload);
    buffer_append_text(&payload, x->member);
    buffer_append_slice(&payload, without_mark(m->payload));
    buffer_append_u8(&payload, '}');
    wrapped.topic = sub_topic_in(dialect, x->wrapped);
    wrapped.payload = buffer_slice(&payload);
    wrapped.of = d;
    wrapped.is_recorded = false; /* that is the sub-device's matter */
    why = device_link_deliver(root, &wrapped);
    buffer_deinit(&payload);
    return why;
}

void sub_link_answer(struct device *root, enum sub_dialect dialect, enum device_topic topic,
                     struct slice payload)
{
    struct device_downlink m = {.topic = sub_topic_in(dialect, topic), .payload = payload};

    (void)device_link_deliver(root, &m); /* a device that has not subscribed does not want it */
}

/* --- traces ---------------------------------------------------------------------------------- */

uint64_t sub_link_trace(struct device_link *link, const struct device *d, uint64_t number,
                        bool ends_when_sent)
{
    struct device_trace trace = {d->device_id, number, ends_when_sent};
    uint32_t i = 0;

    while (i < link->trace_count && link->traces[i].device_id != 0)
        i++;
    if (i == link->trace_count) {
        link->trace_count = i == 0 ? 4 : i * 2;
        link->traces =
            mem_resize(MEM_SESSION, link->traces, link->trace_count * sizeof(*link->traces));
        memset(link->traces + i, 0, (link->trace_count - i) * sizeof(*link->traces));
    }
    link->traces[i] = trace;
    return SUB_TRACE_BIT | i;
}

static struct device_trace *find_trace(struct device_link *link, uint64_t trace)
{
    uint64_t i = trace & ~SUB_TRACE_BIT;

    invariant(i < link->trace_count && link->traces[i].device_id != 0);
    return &link->traces[i];
}

void sub_link_untrace(struct device_link *link, uint64_t trace)
{
    if ((trace & SUB_TRACE_BIT) != 0)
        find_trace(link, trace)->device_id = 0;
}

struct device *sub_link_traced(struct device_link *link, uint64_t trace, enum delivery_step step,
                               uint64_t *number)
{
    struct device_trace *t;
    struct device *d;

    *number = trace;
    if ((trace & SUB_TRACE_BIT) == 0)
        return link->device;
    t = find_trace(link, trace);
    *number = t->number;
    d = home_find_device(link->device->home, t->device_id);
    if (step != DELIVERY_SENT || t->ends_when_sent)
        t->device_id = 0;
    return d;
}

void sub_link_session_ended(struct device *root)
{
    for (struct list *n = root->below.next; n != &root->below; n = n->next) {
        struct device *d = list_entry(n, struct sub_device, sibling_node)->device;

        device_command_session_ended(d);
        sub_link_session_ended(d);
    }
}
