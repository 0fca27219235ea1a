/*
 * The properties of MQTT 5.0 by table: one rule an identifier, made from property.def.
 *
 * A value is read straight into the member that the rule names. Only the members that are present
 * are touched, since a set is large and most packets carry none or one. User properties are not
 * taken apart: `raw` keeps them in their order for whoever walks it. Pure functions, any thread.
 */
#include "mqtt/property.h"

#include <stddef.h>

#include "base/invariant.h"

enum property_form {
    FORM_BIT,
    FORM_U16,
    FORM_U16_NOT_0,
    FORM_U32,
    FORM_U32_NOT_0,
    FORM_VARINT_NOT_0,
    FORM_TEXT,
    FORM_BINARY,
    FORM_PAIR
};

/* What a member of each form is in struct property_set. */
#define FORM_TYPE_BIT          uint8_t
#define FORM_TYPE_U16          uint16_t
#define FORM_TYPE_U16_NOT_0    uint16_t
#define FORM_TYPE_U32          uint32_t
#define FORM_TYPE_U32_NOT_0    uint32_t
#define FORM_TYPE_VARINT_NOT_0 uint32_t
#define FORM_TYPE_TEXT         struct slice
#define FORM_TYPE_BINARY       struct slice
#define FORM_TYPE_PAIR         struct slice

#define PROPERTY(name, id, form, member, packets)                                        \
    _Static_assert(                                                                      \
        _Generic(((struct property_set *)0)->member, FORM_TYPE_##form : 1, default : 0), \
        #name " has another form in property.def than in struct property_set");
#include "mqtt/property.def"
#undef PROPERTY

enum { PROPERTY_ID_MAX = 0x2A };

static const struct property_rule {
    uint32_t packets; /* 0: no such identifier */
    uint16_t offset;  /* in struct property_set */
    uint8_t form;     /* enum property_form */
    uint8_t property; /* enum property */
} rules[PROPERTY_ID_MAX + 1] = {
#define PROPERTY(name, id, form, member, packets) \
    [id] = {packets, offsetof(struct property_set, member), FORM_##form, PROPERTY_##name},
#include "mqtt/property.def"
#undef PROPERTY
};

static const uint8_t ids[PROPERTY_COUNT] = {
#define PROPERTY(name, id, form, member, packets) [PROPERTY_##name] = (id),
#include "mqtt/property.def"
#undef PROPERTY
};

_Static_assert(PROPERTY_COUNT <= 64, "a set of properties is a uint64_t");

#define BIT_OF(property) (UINT64_C(1) << (property))

/* What goes on to the subscribers as it came. */
static const uint64_t forwarded = BIT_OF(PROPERTY_PAYLOAD_FORMAT) | BIT_OF(PROPERTY_CONTENT_TYPE) |
                                  BIT_OF(PROPERTY_RESPONSE_TOPIC) |
                                  BIT_OF(PROPERTY_CORRELATION_DATA) | BIT_OF(PROPERTY_USER);

static bool may_repeat(const struct property_rule *rule, unsigned packet)
{
    return rule->property == PROPERTY_USER ||
           (rule->property == PROPERTY_SUBSCRIPTION_ID && packet == PACKET_PUBLISH);
}

/* Reads one value into its member; false when it is outside its range. */
static bool read_value(struct reader *r, const struct property_rule *rule, struct property_set *out)
{
    void *member = (unsigned char *)out + rule->offset;

    switch ((enum property_form)rule->form) {
    case FORM_BIT:
        return (*(uint8_t *)member = reader_u8(r)) <= 1;
    case FORM_U16:
        *(uint16_t *)member = reader_u16(r);
        return true;
    case FORM_U16_NOT_0:
        return (*(uint16_t *)member = reader_u16(r)) != 0;
    case FORM_U32:
        *(uint32_t *)member = reader_u32(r);
        return true;
    case FORM_U32_NOT_0:
        return (*(uint32_t *)member = reader_u32(r)) != 0;
    case FORM_VARINT_NOT_0:
        return (*(uint32_t *)member = reader_varint(r)) != 0;
    case FORM_TEXT:
        *(struct slice *)member = reader_text(r);
        return true;
    case FORM_BINARY:
        *(struct slice *)member = reader_prefixed(r);
        return true;
    case FORM_PAIR:
        reader_text(r);
        reader_text(r);
        return true;
    }
    return false;
}

static enum reason read_one(struct reader *r, unsigned packet, struct property_set *out)
{
    /* Identifiers are variable byte integers; one of two bytes would be unknown in any case. */
    uint8_t id = reader_u8(r);
    const struct property_rule *rule = id <= PROPERTY_ID_MAX ? &rules[id] : &rules[0];
    uint64_t bit = BIT_OF(rule->property);
    bool in_range;

    if (rule->packets == 0)
        return REASON_MALFORMED_PACKET;
    if ((rule->packets >> packet & 1u) == 0)
        return REASON_PROTOCOL_ERROR;
    if ((out->present & bit) != 0 && !may_repeat(rule, packet))
        return REASON_PROTOCOL_ERROR;
    in_range = read_value(r, rule, out);
    if (r->status != ST_OK)
        return REASON_MALFORMED_PACKET;
    if (!in_range)
        return rule->property == PROPERTY_TOPIC_ALIAS ? REASON_TOPIC_ALIAS_INVALID
                                                      : REASON_PROTOCOL_ERROR;
    out->present |= bit;
    return REASON_SUCCESS;
}

enum reason property_read(struct reader *r, unsigned packet, struct property_set *out)
{
    uint32_t len = reader_varint(r);
    struct reader block;

    out->present = 0;
    out->raw = reader_bytes(r, len);
    if (r->status != ST_OK)
        return REASON_MALFORMED_PACKET;
    block = reader_of(out->raw);
    while (reader_left(&block) > 0) {
        enum reason reason = read_one(&block, packet, out);

        if (reason != REASON_SUCCESS) {
            out->present = 0;
            out->raw.len = 0; /* only a checked block may be walked */
            return reason;
        }
    }
    return REASON_SUCCESS;
}

/* The rule of the next property of a checked block (NULL at the end); its value comes next. */
static const struct property_rule *next_rule(struct reader *raw)
{
    uint8_t id;

    if (reader_left(raw) == 0)
        return NULL;
    id = reader_u8(raw);
    invariant(id <= PROPERTY_ID_MAX && rules[id].packets != 0);
    return &rules[id];
}

static void skip_value(struct reader *raw, const struct property_rule *rule)
{
    switch ((enum property_form)rule->form) {
    case FORM_BIT:
        reader_bytes(raw, 1);
        break;
    case FORM_U16:
    case FORM_U16_NOT_0:
        reader_bytes(raw, 2);
        break;
    case FORM_U32:
    case FORM_U32_NOT_0:
        reader_bytes(raw, 4);
        break;
    case FORM_VARINT_NOT_0:
        reader_varint(raw);
        break;
    case FORM_PAIR:
        reader_prefixed(raw);
        reader_prefixed(raw);
        break;
    case FORM_TEXT:
    case FORM_BINARY:
        reader_prefixed(raw);
        break;
    }
}

bool property_next_user(struct reader *raw, struct slice *key, struct slice *value)
{
    const struct property_rule *rule;

    while ((rule = next_rule(raw)) != NULL) {
        if (rule->property == PROPERTY_USER) {
            *key = reader_prefixed(raw);
            *value = reader_prefixed(raw);
            return true;
        }
        skip_value(raw, rule);
    }
    return false;
}

void property_write_forwarded(struct buffer *b, const struct property_set *p)
{
    struct reader raw = reader_of(p->raw);
    const uint8_t *start = raw.next;
    const struct property_rule *rule;

    if ((p->present & forwarded) == 0)
        return;
    while ((rule = next_rule(&raw)) != NULL) {
        skip_value(&raw, rule);
        if ((forwarded & BIT_OF(rule->property)) != 0)
            buffer_append(b, start, (size_t)(raw.next - start));
        start = raw.next;
    }
}

void property_write_u8(struct writer *w, enum property property, uint8_t value)
{
    writer_u8(w, ids[property]);
    writer_u8(w, value);
}

void property_write_u16(struct writer *w, enum property property, uint16_t value)
{
    writer_u8(w, ids[property]);
    writer_u16(w, value);
}

void property_write_u32(struct writer *w, enum property property, uint32_t value)
{
    writer_u8(w, ids[property]);
    writer_u32(w, value);
}

void property_write_varint(struct writer *w, enum property property, uint32_t value)
{
    writer_u8(w, ids[property]);
    writer_varint(w, value);
}

void property_write_text(struct writer *w, enum property property, struct slice value)
{
    writer_u8(w, ids[property]);
    writer_prefixed(w, value);
}

void property_write_user(struct writer *w, struct slice key, struct slice value)
{
    writer_u8(w, ids[PROPERTY_USER]);
    writer_prefixed(w, key);
    writer_prefixed(w, value);
}
