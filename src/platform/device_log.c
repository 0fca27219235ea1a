/* The message log of a device, its switches, and its entries as messages. */
#include "platform/device_log.h"

#include <stdio.h>

#include "base/mem.h"

static const struct message_log_limits limits_off = {DEVICE_LOG_OFF_ENTRIES, DEVICE_LOG_OFF_BYTES,
                                                     DEVICE_LOG_OFF_PAYLOAD};

static const struct message_log_limits *limits_of(const struct device *d)
{
    return d->is_logged ? &d->home->shared->log_limits : &limits_off;
}

/* --- switches -------------------------------------------------------------------------------- */

void device_log_switch_project(struct device *d)
{
    d->is_logged =
        d->log_own || atomic_load_explicit(&d->project->project->log, memory_order_relaxed);
    if (d->log != NULL)
        message_log_trim(d->log, limits_of(d));
}

void device_log_switch(struct device *d, bool own)
{
    d->log_own = own;
    device_log_switch_project(d);
}

/* --- entries --------------------------------------------------------------------------------- */

void device_log_note(struct home *h, enum message_verdict verdict, const char *why)
{
    h->note.is_set = true;
    h->note.verdict = verdict;
    (void)snprintf(h->note.why, sizeof(h->note.why), "%s", why);
}

/* A worker's parser is in use while a message is handled, so the log has its own. */
static struct json_parser *parser_of(struct home *h)
{
    if (h->log_json == NULL)
        h->log_json = json_parser_new(h->shared->payload_max);
    return h->log_json;
}

static void tell(struct device *d, const struct message_log_entry *e)
{
    struct device_publication p = {.kind = OPEN_KIND_LOG};
    struct buffer payload = {0};

    if (!router_is_wanted(d->project->project, OPEN_KIND_LOG))
        return;
    message_log_append_json(e, parser_of(d->home), &payload);
    p.payload = buffer_slice(&payload);
    (void)device_publish(d, &p, NULL);
    buffer_deinit(&payload);
}

static void add(struct device *d, struct message_log_entry *e)
{
    if (d->log == NULL)
        d->log = mem_new_of(MEM_LOG, struct message_log);
    message_log_add(d->log, limits_of(d), e);
    tell(d, e);
}

/* An entry that waits for the one of the message that caused it. */
struct later {
    struct list node;
    struct device *device; /* borrowed: none is removed while a message is handled */
    struct message_log_entry *entry;
};

void device_log_add(struct device *d, const struct logged_message *m)
{
    struct message_log_entry *e = message_log_entry_new(m, d->home->worker->unix_ms, limits_of(d));
    struct later *later;

    if (!d->home->note.is_handling) {
        add(d, e);
        return;
    }
    later = mem_new_of(MEM_LOG, struct later);
    later->device = d;
    later->entry = e;
    list_push_back(&d->home->note.later, &later->node);
}

/* An entry, if one is due. */
static void add_noted(struct device *d, const struct logged_message *m)
{
    const struct home_note *note = &d->home->note;
    struct logged_message noted = *m;

    if (note->is_set) {
        noted.verdict = note->verdict;
        noted.why = slice_of(note->why);
    }
    if (note->is_set || d->is_logged)
        device_log_add(d, &noted);
}

void device_log_begin_inner(struct home *h, struct device_log_outer *outer)
{
    outer->is_set = h->note.is_set;
    if (outer->is_set) {
        outer->verdict = h->note.verdict;
        memcpy(outer->why, h->note.why, sizeof(outer->why));
    }
    h->note.is_set = false;
}

void device_log_end_inner(struct device *d, const struct logged_message *m,
                          const struct device_log_outer *outer)
{
    struct home_note *note = &d->home->note;

    add_noted(d, m);
    note->is_set = outer->is_set;
    if (outer->is_set) {
        note->verdict = outer->verdict;
        memcpy(note->why, outer->why, sizeof(note->why));
    }
}

void device_log_handled(struct device *d, const struct logged_message *m)
{
    struct home_note *note = &d->home->note;
    struct list *node;

    if (!note->is_put_off)
        add_noted(d, m);
    while ((node = list_pop_front(&note->later)) != NULL) {
        struct later *later = list_entry(node, struct later, node);

        add(later->device, later->entry);
        mem_free(later);
    }
}

/* --- reading --------------------------------------------------------------------------------- */

typedef const struct message_log_entry *(*next_entry_fn)(const struct message_log *l,
                                                         uint64_t number);

static unsigned page(const struct device *d, next_entry_fn next, uint64_t from, unsigned max,
                     struct buffer *out, uint64_t *last)
{
    const struct message_log_entry *e = d->log == NULL ? NULL : next(d->log, from);
    unsigned count = 0;

    while (e != NULL && count < max) {
        if (count > 0)
            buffer_append_text(out, ", ");
        message_log_append_json(e, parser_of(d->home), out);
        *last = e->number;
        count++;
        e = next(d->log, e->number);
    }
    return count;
}

unsigned device_log_page(const struct device *d, uint64_t before, unsigned max, struct buffer *out,
                         uint64_t *last)
{
    return page(d, message_log_before, before, max, out, last);
}

unsigned device_log_page_after(const struct device *d, uint64_t after, unsigned max,
                               struct buffer *out, uint64_t *last)
{
    return page(d, message_log_after, after, max, out, last);
}
