/*
 * Makes open messages: topic and properties are composed on the stack, then one block holds all.
 *
 * The properties are written here byte by byte because the platform does not know MQTT's codec;
 * the two forms that occur (content type, user property) are fixed by the standard.
 * Source: MQTT 5.0 sections 3.3.2.3.7 and 3.3.2.3.9
 */
#include "platform/open_message.h"

#include "base/hash_table.h"
#include "base/invariant.h"

enum { DIGITS_MAX = 20 /* of 64 bits */ };

/* Constant bytes of a string literal, without its zero. */
#define PUT_LITERAL(at, literal) put((at), (literal), sizeof(literal) - 1)

/* A content type: id, text behind a two-byte length. A user property: id, key and value behind a
 * length each; what ends in a key lacks the value. In octal, which ends after three digits. */
#define CONTENT_TYPE_JSON "\003\000\020application/json"
#define USER_TS           "\046\000\002ts"
#define USER_SOURCE       "\046\000\006source"
#define USER_REASON       "\046\000\006reason"

enum {
    PROPERTIES_MAX = sizeof(CONTENT_TYPE_JSON) + sizeof(USER_TS) + 2 + DIGITS_MAX +
                     sizeof(USER_SOURCE) + 2 + 6 + sizeof(USER_REASON) + 2 + OPEN_REASON_LEN_MAX
};

static const struct slice sources[] = {
    [OPEN_SOURCE_REPORT] = {(const uint8_t *)"report", 6},
    [OPEN_SOURCE_PUSH] = {(const uint8_t *)"push", 4},
    [OPEN_SOURCE_CLOUD] = {(const uint8_t *)"cloud", 5},
};

static inline uint8_t *put(uint8_t *at, const void *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

/* A value behind its two-byte length. */
static uint8_t *put_value(uint8_t *at, struct slice s)
{
    *at++ = 0;
    *at++ = (uint8_t)s.len;
    return put(at, s.data, s.len);
}

/* Writes a number to the end of `digits` and gives where it begins; two digits a step halve the
 * chain of divisions. */
static char *write_digits(char digits[DIGITS_MAX], uint64_t n)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *at = digits + DIGITS_MAX;

    while (n >= 100) {
        at -= 2;
        memcpy(at, pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10) {
        at -= 2;
        memcpy(at, pairs + n * 2, 2);
    } else {
        *--at = (char)('0' + n);
    }
    return at;
}

static size_t write_properties(uint8_t *out, const struct open_message_parts *parts)
{
    char digits[DIGITS_MAX];
    char *first = write_digits(digits, (uint64_t)parts->accepted_ms);
    uint8_t *at = out;

    if (!open_kinds[parts->kind].has_stream)
        at = PUT_LITERAL(at, CONTENT_TYPE_JSON);
    at = PUT_LITERAL(at, USER_TS);
    at = put_value(at, slice_make(first, (size_t)(digits + DIGITS_MAX - first)));
    if (parts->source != OPEN_SOURCE_NONE) {
        at = PUT_LITERAL(at, USER_SOURCE);
        at = put_value(at, sources[parts->source]);
    }
    if (parts->reason.len > 0) {
        at = PUT_LITERAL(at, USER_REASON);
        at = put_value(at, parts->reason);
    }
    return (size_t)(at - out);
}

struct open_message *open_message_new(const struct open_message_parts *parts)
{
    const struct open_kind_info *info = &open_kinds[parts->kind];
    char topic[OPEN_TOPIC_LEN_MAX];
    uint8_t own[PROPERTIES_MAX];
    size_t topic_len = open_topic_write(topic, parts->project_text, parts->device_text, parts->kind,
                                        parts->stream);
    struct slice properties = {own, 0};
    struct buffer joined = {0}; /* rare: a reply brings properties of its command */
    struct open_message *m;

    invariant(parts->accepted_ms >= 0 && parts->reason.len <= OPEN_REASON_LEN_MAX);
    if (parts->forwarded)
        properties = parts->properties;
    else if (!info->may_publish)
        properties.len = write_properties(own, parts);
    if (!parts->forwarded && parts->properties.len > 0) {
        buffer_append_slice(&joined, properties);
        buffer_append_slice(&joined, parts->properties);
        properties = buffer_slice(&joined);
    }

    m = (struct open_message *)message_new(sizeof(*m), slice_make(topic, topic_len), properties,
                                           parts->payload);
    buffer_deinit(&joined);
    m->message.qos = info->may_publish ? parts->qos : 2;
    m->message.retain = parts->retain;
    m->message.order = (uint32_t)hash_u64(parts->device_id) | 1;
    m->message.expires_ms = parts->expires_ms;
    m->project_id = parts->project_id;
    m->device_id = parts->device_id;
    m->type_id = parts->type_id;
    m->publisher = parts->publisher;
    m->accepted_ms = parts->accepted_ms;
    m->kind = parts->kind;
    if (info->has_stream) {
        struct slice whole = message_topic(&m->message);

        m->stream = slice_from(whole, whole.len - parts->stream.len);
    }
    return m;
}
