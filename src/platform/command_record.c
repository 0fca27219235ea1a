/*
 * The form: version; then each command, oldest first, those outstanding before those that have
 * ended: status, flags; number, accepted, changed, deadline (Unix ms); id, method, response topic,
 * correlation data, each behind two bytes with its length. Big-endian.
 */
#include "platform/command_record.h"

#include "base/invariant.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    RECORD_VERSION = 1,
    RECORD_HEAD_LEN = 1 + 1 + 4 * 8,
    RECORD_LENGTHS_LEN = 4 * 2,

    /* flags */
    RECORD_STRING_ID = 1,
    RECORD_RESPONSE_TOPIC = 2,
    RECORD_CORRELATION_DATA = 4,
    RECORD_FLAGS = 7
};

static struct slice id_text(const struct command *c)
{
    return slice_make(c->id.text, c->id.len);
}

static void write_command(const struct command *c, uint64_t now_ms, int64_t unix_ms,
                          struct buffer *out)
{
    uint64_t left_ms = c->deadline_ms > now_ms ? c->deadline_ms - now_ms : 0;
    size_t len = RECORD_HEAD_LEN + RECORD_LENGTHS_LEN + c->id.len + c->method.len +
                 c->response_topic.len + c->correlation_data.len;
    struct writer w = writer_of(buffer_reserve(out, len), len);

    writer_u8(&w, c->status);
    writer_u8(&w, (uint8_t)((c->id.is_string ? RECORD_STRING_ID : 0) |
                            (c->has_response_topic ? RECORD_RESPONSE_TOPIC : 0) |
                            (c->has_correlation_data ? RECORD_CORRELATION_DATA : 0)));
    writer_u64(&w, c->number);
    writer_u64(&w, (uint64_t)c->accepted_ms);
    writer_u64(&w, (uint64_t)c->changed_ms);
    writer_u64(&w, (uint64_t)unix_ms + left_ms);
    writer_prefixed(&w, id_text(c));
    writer_prefixed(&w, c->method);
    writer_prefixed(&w, c->response_topic);
    writer_prefixed(&w, c->correlation_data);
    invariant(w.status == ST_OK && writer_len(&w) == len);
    out->len += len;
}

void command_record_write(const struct command_ledger *l, uint64_t now_ms, int64_t unix_ms,
                          struct buffer *out)
{
    if (l->count == 0 && l->ended_count == 0)
        return;
    buffer_append_u8(out, RECORD_VERSION);
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next)
        write_command(list_entry(n, struct command, node), now_ms, unix_ms, out);
    for (struct list *n = l->ended.next; n != &l->ended; n = n->next)
        write_command(list_entry(n, struct command, node), now_ms, unix_ms, out);
}

static enum status read_command(struct reader *r, uint64_t now_ms, int64_t unix_ms,
                                struct command *out)
{
    uint8_t flags;
    uint64_t expires_ms;
    struct slice id;

    *out = (struct command){.status = reader_u8(r), .is_told = true};
    flags = reader_u8(r);
    out->number = reader_u64(r);
    out->accepted_ms = (int64_t)reader_u64(r);
    out->changed_ms = (int64_t)reader_u64(r);
    expires_ms = reader_u64(r);
    id = reader_prefixed(r);
    out->method = reader_prefixed(r);
    out->response_topic = reader_prefixed(r);
    out->correlation_data = reader_prefixed(r);
    if (r->status != ST_OK || out->status >= COMMAND_STATUS_COUNT || (flags & ~RECORD_FLAGS) != 0 ||
        id.len == 0 || id.len > COMMAND_ID_MAX)
        return ST_CORRUPT;
    out->id.is_string = (flags & RECORD_STRING_ID) != 0;
    out->id.len = (uint8_t)id.len;
    memcpy(out->id.text, id.data, id.len);
    out->has_response_topic = (flags & RECORD_RESPONSE_TOPIC) != 0;
    out->has_correlation_data = (flags & RECORD_CORRELATION_DATA) != 0;
    out->deadline_ms =
        now_ms + (expires_ms > (uint64_t)unix_ms ? expires_ms - (uint64_t)unix_ms : 0);
    return ST_OK;
}

enum status command_record_read(struct command_ledger *l, struct slice bytes, uint64_t now_ms,
                                int64_t unix_ms)
{
    struct reader r = reader_of(bytes);

    if (reader_u8(&r) != RECORD_VERSION)
        return ST_CORRUPT;
    while (reader_left(&r) > 0) {
        struct command c;

        if (read_command(&r, now_ms, unix_ms, &c) != ST_OK ||
            command_ledger_restore(l, &c) != ST_OK)
            return ST_CORRUPT;
    }
    return ST_OK;
}
