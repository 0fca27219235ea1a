/*
 * An entry is one block: the struct, then topic, reason and payload. What an entry looks like to
 * people is worked out when somebody looks, not when a message comes.
 */
#include "platform/message_log.h"

#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"

static const char *const verdict_words[MESSAGE_VERDICT_COUNT] = {
#define X(name, word, text) [MESSAGE_##name] = (word),
    MESSAGE_VERDICT_LIST(X)
#undef X
};

static const char *const direction_words[] = {[MESSAGE_UP] = "up", [MESSAGE_DOWN] = "down"};

static struct message_log_entry *entry_of(struct list *node)
{
    return list_entry(node, struct message_log_entry, node);
}

static uint64_t cost_of(const struct message_log_entry *e)
{
    return sizeof(*e) + e->message.topic.len + e->message.why.len + e->message.payload.len;
}

static struct slice store(uint8_t **at, struct slice s)
{
    struct slice stored = {*at, s.len};

    if (s.len > 0)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return stored;
}

struct message_log_entry *message_log_entry_new(const struct logged_message *m, int64_t ts_ms,
                                                const struct message_log_limits *limits)
{
    struct slice payload = utf8_truncate(m->payload, limits->payload);
    struct message_log_entry *e =
        mem_alloc(MEM_LOG, sizeof(*e) + m->topic.len + m->why.len + payload.len);
    uint8_t *at = (uint8_t *)(e + 1);

    *e = (struct message_log_entry){.ts_ms = ts_ms, .message = *m};
    if (m->payload_len == 0)
        e->message.payload_len = m->payload.len;
    e->message.topic = store(&at, m->topic);
    e->message.why = store(&at, m->why);
    e->message.payload = store(&at, payload);
    return e;
}

static void drop_oldest(struct message_log *l)
{
    struct message_log_entry *e = entry_of(list_pop_front(&l->entries));

    l->count--;
    l->bytes -= cost_of(e);
    mem_free(e);
}

void message_log_deinit(struct message_log *l)
{
    while (l->count > 0)
        drop_oldest(l);
    *l = (struct message_log){0};
}

void message_log_trim(struct message_log *l, const struct message_log_limits *limits)
{
    while (l->count > limits->entries || l->bytes > limits->bytes)
        drop_oldest(l);
}

void message_log_add(struct message_log *l, const struct message_log_limits *limits,
                     struct message_log_entry *e)
{
    invariant(limits->entries > 0);
    if (l->entries.next == NULL)
        list_init(&l->entries);
    e->number = ++l->last_number;
    list_push_back(&l->entries, &e->node);
    l->count++;
    l->bytes += cost_of(e);
    while (l->count > limits->entries || (l->bytes > limits->bytes && l->count > 1))
        drop_oldest(l);
}

const struct message_log_entry *message_log_before(const struct message_log *l, uint64_t number)
{
    if (l->count == 0)
        return NULL;
    for (struct list *n = l->entries.prev; n != &l->entries; n = n->prev) {
        if (entry_of(n)->number < number)
            return entry_of(n);
    }
    return NULL;
}

const struct message_log_entry *message_log_after(const struct message_log *l, uint64_t number)
{
    if (l->count == 0)
        return NULL;
    for (struct list *n = l->entries.next; n != &l->entries; n = n->next) {
        if (entry_of(n)->number > number)
            return entry_of(n);
    }
    return NULL;
}

/* --- for people ------------------------------------------------------------------------------ */

static bool is_json(struct slice payload, struct json_parser *json)
{
    const struct json_member *members;
    struct buffer padded = {0};
    enum status st = json_parse_object_unpadded(json, payload, &members, &(size_t){0});

    if (st != ST_INVALID)
        return st == ST_OK;
    buffer_append_slice(&padded, payload); /* JSON, but no object; a single value is a text */
    buffer_reserve(&padded, JSON_PADDING);
    st = json_parse_array(json, buffer_slice(&padded), &members, &(size_t){0});
    buffer_deinit(&padded);
    return st == ST_OK;
}

static void append_hex(struct slice bytes, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        buffer_append_u8(out, (uint8_t)digits[bytes.data[i] >> 4]);
        buffer_append_u8(out, (uint8_t)digits[bytes.data[i] & 15]);
    }
}

void message_log_append_payload(struct slice payload, struct json_parser *json, struct buffer *out)
{
    if (!utf8_is_text(payload)) {
        buffer_append_text(out, ", \"format\": \"hex\", \"payload\": \"");
        append_hex(payload, out);
        buffer_append_u8(out, '"');
        return;
    }
    buffer_append_text(out, is_json(payload, json) ? ", \"format\": \"json\", \"payload\": "
                                                   : ", \"format\": \"text\", \"payload\": ");
    json_append_string(out, payload);
}

void message_log_append_json(const struct message_log_entry *e, struct json_parser *json,
                             struct buffer *out)
{
    const struct logged_message *m = &e->message;

    buffer_printf(out, "{\"number\": %llu, \"ts\": %lld, \"direction\": \"%s\", \"topic\": ",
                  (unsigned long long)e->number, (long long)e->ts_ms,
                  direction_words[m->direction]);
    json_append_string(out, m->topic);
    buffer_printf(out, ", \"qos\": %u, \"verdict\": \"%s\", \"reason\": ", (unsigned)m->qos,
                  verdict_words[m->verdict]);
    if (m->why.len > 0)
        json_append_string(out, m->why);
    else
        buffer_append_text(out, "null");
    message_log_append_payload(m->payload, json, out);
    buffer_printf(out, ", \"length\": %zu}", m->payload_len);
}
