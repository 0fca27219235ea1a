/*
 * Retained downlinks. As bytes: each is a record of the journal's form behind four bytes with its
 * length, big-endian.
 */
#include "platform/device_retained.h"

#include "base/reader.h"
#include "base/writer.h"
#include "platform/events.h"
#include "platform/open_record.h"

static struct open_message **slot_of(struct device *d, enum open_kind kind)
{
    return &d->retained[kind == OPEN_KIND_ATTRIBUTES_PUSH ? DEVICE_RETAINED_PUSH
                                                          : DEVICE_RETAINED_COMMAND];
}

void device_retained_set(struct device *d, enum open_kind kind, struct open_message *m)
{
    struct open_message **slot = slot_of(d, kind);

    if (*slot != NULL)
        open_message_unref(slot);
    if (m->message.payload_len > 0)
        *slot = open_message_ref(m);
    list_remove(&d->retained_node);
    if (d->retained[DEVICE_RETAINED_PUSH] != NULL || d->retained[DEVICE_RETAINED_COMMAND] != NULL)
        list_push_back(&d->project->retained, &d->retained_node);
}

static void write_message(const struct open_message *m, struct buffer *out)
{
    size_t len = open_record_len(m);
    uint8_t *at = buffer_reserve(out, sizeof(uint32_t) + len);
    struct writer w = writer_of(at, sizeof(uint32_t));

    writer_u32(&w, (uint32_t)len);
    open_record_write(m, at + sizeof(uint32_t));
    out->len += sizeof(uint32_t) + len;
}

void device_retained_write(const struct device *d, struct buffer *out)
{
    for (unsigned i = 0; i < DEVICE_RETAINED_COUNT; i++) {
        if (d->retained[i] != NULL)
            write_message(d->retained[i], out);
    }
}

static enum status restore(struct device *d, struct slice record)
{
    const struct worker *w = d->home->worker;
    struct open_message *m;
    enum status st =
        open_record_read(record, d->project->project->project_id, w->now_ms, w->unix_ms, &m);

    if (st != ST_OK)
        return st;
    m->publisher = 0; /* a retained message comes whoever published it */
    if (!open_kinds[m->kind].may_publish || m->device_id != d->device_id)
        st = ST_CORRUPT;
    else if (m->message.expires_ms == 0 || m->message.expires_ms > w->now_ms)
        device_retained_set(d, m->kind, m);
    open_message_unref(&m);
    return st;
}

void device_retained_restore(struct device *d, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    enum status st = ST_OK;

    while (st == ST_OK && reader_left(&r) > 0) {
        struct slice record = reader_bytes(&r, reader_u32(&r));

        st = r.status == ST_OK ? restore(d, record) : ST_CORRUPT;
    }
    if (st != ST_OK)
        log_event(EV_RETAINED_DAMAGED, "device", d->text);
}

bool device_retained_is_sound(struct slice bytes)
{
    struct reader r = reader_of(bytes);
    struct open_record_head head;

    while (reader_left(&r) > 0) {
        struct slice record = reader_bytes(&r, reader_u32(&r));

        if (r.status != ST_OK || open_record_peek(record, &head) != ST_OK ||
            !open_kinds[head.kind].may_publish)
            return false;
    }
    return true;
}
