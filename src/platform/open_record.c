/*
 * The form: version, kind, qos, flags; device, its type, publisher, accepted, end of life (Unix ms,
 * 0: none); lengths of topic, stream, properties, payload; then these bytes (the stream is the
 * topic's tail). Big-endian.
 */
#include "platform/open_record.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    RECORD_VERSION = 2,
    RECORD_RETAIN = 1, /* flag */
    RECORD_HEAD_LEN = 4 + 5 * 8 + 2 + 2 + 4 + 4
};

struct record {
    uint8_t version, kind, qos, flags;
    uint64_t device_id, type_id, publisher, accepted_ms, expires_unix_ms;
    uint16_t topic_len, stream_len;
    uint32_t properties_len, payload_len;
    struct slice topic, properties, payload;
};

size_t open_record_len(const struct open_message *m)
{
    return RECORD_HEAD_LEN + m->message.topic_len + m->message.properties_len +
           m->message.payload_len;
}

static void write_u64(struct writer *w, uint64_t value)
{
    writer_u32(w, (uint32_t)(value >> 32));
    writer_u32(w, (uint32_t)value);
}

static uint64_t read_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);

    return high << 32 | reader_u32(r);
}

void open_record_write(const struct open_message *m, uint8_t *out)
{
    struct writer w = writer_of(out, open_record_len(m));
    uint64_t expires_ms = m->message.expires_ms;

    if (expires_ms != 0)
        expires_ms = (uint64_t)clock_unix_ms() + expires_ms - clock_mono_ms();
    writer_u8(&w, RECORD_VERSION);
    writer_u8(&w, (uint8_t)m->kind);
    writer_u8(&w, m->message.qos);
    writer_u8(&w, m->message.retain ? RECORD_RETAIN : 0);
    write_u64(&w, m->device_id);
    write_u64(&w, m->type_id);
    write_u64(&w, m->publisher);
    write_u64(&w, (uint64_t)m->accepted_ms);
    write_u64(&w, expires_ms);
    writer_u16(&w, m->message.topic_len);
    writer_u16(&w, (uint16_t)m->stream.len);
    writer_u32(&w, m->message.properties_len);
    writer_u32(&w, m->message.payload_len);
    writer_bytes(&w, message_topic(&m->message));
    writer_bytes(&w, message_properties(&m->message));
    writer_bytes(&w, message_payload(&m->message));
    invariant(w.status == ST_OK && writer_len(&w) == open_record_len(m));
}

static enum status read_record(struct slice bytes, struct record *out)
{
    struct reader r = reader_of(bytes);

    out->version = reader_u8(&r);
    out->kind = reader_u8(&r);
    out->qos = reader_u8(&r);
    out->flags = reader_u8(&r);
    out->device_id = read_u64(&r);
    out->type_id = read_u64(&r);
    out->publisher = read_u64(&r);
    out->accepted_ms = read_u64(&r);
    out->expires_unix_ms = read_u64(&r);
    out->topic_len = reader_u16(&r);
    out->stream_len = reader_u16(&r);
    out->properties_len = reader_u32(&r);
    out->payload_len = reader_u32(&r);
    out->topic = reader_bytes(&r, out->topic_len);
    out->properties = reader_bytes(&r, out->properties_len);
    out->payload = reader_bytes(&r, out->payload_len);
    if (r.status != ST_OK || reader_left(&r) != 0 || out->version != RECORD_VERSION ||
        out->kind >= OPEN_KIND_COUNT || out->qos > 2 || out->topic_len == 0 ||
        out->stream_len > out->topic_len)
        return ST_CORRUPT;
    return ST_OK;
}

static struct slice stream_of(const struct record *r, struct slice topic)
{
    return slice_from(topic, topic.len - r->stream_len);
}

enum status open_record_peek(struct slice bytes, struct open_record_head *out)
{
    struct record r;
    enum status st = read_record(bytes, &r);

    if (st != ST_OK)
        return st;
    out->device_id = r.device_id;
    out->type_id = r.type_id;
    out->kind = (enum open_kind)r.kind;
    out->accepted_ms = (int64_t)r.accepted_ms;
    out->stream = stream_of(&r, r.topic);
    out->payload = r.payload;
    return ST_OK;
}

enum status open_record_read(struct slice bytes, uint64_t project_id, uint64_t now_ms,
                             int64_t unix_ms, struct open_message **out)
{
    struct record r;
    enum status st = read_record(bytes, &r);
    struct open_message *m;

    *out = NULL;
    if (st != ST_OK)
        return st;
    m = (struct open_message *)message_new(sizeof(*m), r.topic, r.properties, r.payload);
    m->message.qos = r.qos;
    m->message.retain = (r.flags & RECORD_RETAIN) != 0;
    if (r.expires_unix_ms != 0)
        m->message.expires_ms = r.expires_unix_ms > (uint64_t)unix_ms
                                    ? now_ms + (r.expires_unix_ms - (uint64_t)unix_ms)
                                    : 1; /* long over */
    m->project_id = project_id;
    m->device_id = r.device_id;
    m->type_id = r.type_id;
    m->publisher = r.publisher;
    m->accepted_ms = (int64_t)r.accepted_ms;
    m->kind = (enum open_kind)r.kind;
    m->stream = stream_of(&r, message_topic(&m->message));
    *out = m;
    return ST_OK;
}
