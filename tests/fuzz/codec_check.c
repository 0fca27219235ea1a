/* What must hold of everything that the decoders accept: the checks that several targets share. */
#include "codec_check.h"

#include "base/invariant.h"
#include "base/utf8.h"

void codec_check_inside(struct slice part, struct slice whole)
{
    invariant(part.len <= whole.len);
    invariant(part.len == 0 ||
              (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

void codec_check_text(struct slice part, struct slice whole)
{
    codec_check_inside(part, whole);
    invariant(part.len <= UINT16_MAX);
    invariant(utf8_is_text(part));
}

#define CHECK_BIT(member)          invariant(p->member <= 1)
#define CHECK_U16(member)          (void)p->member
#define CHECK_U16_NOT_0(member)    invariant(p->member != 0)
#define CHECK_U32(member)          (void)p->member
#define CHECK_U32_NOT_0(member)    invariant(p->member != 0)
#define CHECK_VARINT_NOT_0(member) invariant(p->member != 0 && p->member <= 268435455)
#define CHECK_TEXT(member)         codec_check_text(p->member, whole)
#define CHECK_BINARY(member)       codec_check_inside(p->member, whole)
#define CHECK_PAIR(member)         codec_check_inside(p->member, whole)

void codec_check_properties(const struct property_set *p, struct slice whole)
{
    struct reader raw = reader_of(p->raw);
    struct slice key, value;
    bool any = false;

    codec_check_inside(p->raw, whole);
#define PROPERTY(name, id, form, member, packets) \
    if (property_has(p, PROPERTY_##name))         \
        CHECK_##form(member);
#include "mqtt/property.def"
#undef PROPERTY
    invariant(p->present >> PROPERTY_COUNT == 0);
    invariant((p->present == 0) == (p->raw.len == 0));
    while (property_next_user(&raw, &key, &value)) {
        codec_check_text(key, p->raw);
        codec_check_text(value, p->raw);
        any = true;
    }
    invariant(raw.status == ST_OK && reader_left(&raw) == 0);
    invariant(any == property_has(p, PROPERTY_USER));
}

static void check_same_users(const struct property_set *a, const struct property_set *b)
{
    struct reader raw_a = reader_of(a->raw), raw_b = reader_of(b->raw);
    struct slice key_a, value_a, key_b, value_b;

    while (property_next_user(&raw_a, &key_a, &value_a)) {
        invariant(property_next_user(&raw_b, &key_b, &value_b));
        invariant(slice_equal(key_a, key_b) && slice_equal(value_a, value_b));
    }
    invariant(!property_next_user(&raw_b, &key_b, &value_b));
}

#define SAME_BIT(member)          invariant(a->member == b->member)
#define SAME_U16(member)          invariant(a->member == b->member)
#define SAME_U16_NOT_0(member)    invariant(a->member == b->member)
#define SAME_U32(member)          invariant(a->member == b->member)
#define SAME_U32_NOT_0(member)    invariant(a->member == b->member)
#define SAME_VARINT_NOT_0(member) invariant(a->member == b->member)
#define SAME_TEXT(member)         invariant(slice_equal(a->member, b->member))
#define SAME_BINARY(member)       invariant(slice_equal(a->member, b->member))
#define SAME_PAIR(member)         check_same_users(a, b)

void codec_check_same_properties(const struct property_set *a, const struct property_set *b)
{
    invariant(a->present == b->present);
#define PROPERTY(name, id, form, member, packets) \
    if (property_has(a, PROPERTY_##name))         \
        SAME_##form(member);
#include "mqtt/property.def"
#undef PROPERTY
}

void codec_check_forwarded(const struct property_set *p)
{
    const uint64_t goes_on = 1u << PROPERTY_PAYLOAD_FORMAT | 1u << PROPERTY_CONTENT_TYPE |
                             1u << PROPERTY_RESPONSE_TOPIC | 1u << PROPERTY_CORRELATION_DATA |
                             1u << PROPERTY_USER;
    struct property_set expected = *p, got;
    struct buffer values = {NULL, 0, 0}, block = {NULL, 0, 0};
    struct writer w;
    struct reader r;

    expected.present &= goes_on;
    property_write_forwarded(&values, p);
    invariant(values.len <= p->raw.len);
    w = writer_of(buffer_reserve(&block, 4 + values.len), 4 + values.len);
    writer_varint(&w, (uint32_t)values.len);
    writer_bytes(&w, buffer_slice(&values));
    r = reader_of(slice_make(w.start, writer_len(&w)));
    invariant(property_read(&r, PACKET_PUBLISH, &got) == REASON_SUCCESS);
    codec_check_same_properties(&expected, &got);
    buffer_deinit(&values);
    buffer_deinit(&block);
}

struct slice codec_check_rebuilt(const struct writer *w, size_t len)
{
    invariant(w->status == ST_OK);
    invariant(writer_len(w) == len);
    return slice_make(w->start, len);
}
