/*
 * A record in bytes, big end first: version 1, state 1, level 1, number 8, project 8, device 8,
 * rule 8, time 8, name (length 2), values (the rest).
 */
#include "store/alarm_record.h"

#include "base/invariant.h"
#include "base/reader.h"
#include "base/writer.h"

enum { VERSION = 1, FIXED_LEN = 3 + 5 * 8 + 2 };

size_t alarm_record_len(const struct alarm_record *r)
{
    return FIXED_LEN + r->name.len + r->values.len;
}

void alarm_record_write(const struct alarm_record *r, struct buffer *out)
{
    size_t len = alarm_record_len(r);
    struct writer w = writer_of(buffer_reserve(out, len), len);

    invariant(r->name.len <= ALARM_RECORD_NAME_MAX && r->values.len <= ALARM_RECORD_VALUES_MAX);
    writer_u8(&w, VERSION);
    writer_u8(&w, r->state);
    writer_u8(&w, r->level);
    writer_u64(&w, r->number);
    writer_u64(&w, r->project_id);
    writer_u64(&w, r->device_id);
    writer_u64(&w, r->rule_id);
    writer_u64(&w, (uint64_t)r->ts_ms);
    writer_prefixed(&w, r->name);
    writer_bytes(&w, r->values);
    invariant(w.status == ST_OK);
    out->len += len;
}

enum status alarm_record_read(struct slice bytes, struct alarm_record *out)
{
    struct reader r = reader_of(bytes);
    uint8_t version = reader_u8(&r);

    *out = (struct alarm_record){0};

    out->state = reader_u8(&r);
    out->level = reader_u8(&r);
    out->number = reader_u64(&r);
    out->project_id = reader_u64(&r);
    out->device_id = reader_u64(&r);
    out->rule_id = reader_u64(&r);
    out->ts_ms = (int64_t)reader_u64(&r);
    out->name = reader_prefixed(&r);
    out->values = reader_bytes(&r, reader_left(&r));
    if (r.status != ST_OK || version != VERSION || out->state >= ALARM_RECORD_CODES_MAX ||
        out->level >= ALARM_RECORD_CODES_MAX || out->name.len > ALARM_RECORD_NAME_MAX ||
        out->values.len > ALARM_RECORD_VALUES_MAX)
        return ST_CORRUPT;
    return ST_OK;
}
