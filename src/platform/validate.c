/*
 * Checks members against definitions and writes the object that remains. Nothing is written while
 * all of them pass, which is the usual case.
 */
#include "platform/validate.h"

#include <stdio.h>

#include "base/ident.h"
#include "base/utf8.h"

static void keep(struct validation *v, const struct json_member *m)
{
    buffer_append_text(&v->rewritten, v->kept == 0 ? "" : ", ");
    json_append_string(&v->rewritten, m->key);
    buffer_append_text(&v->rewritten, ": ");
    buffer_append_slice(&v->rewritten, m->value);
    v->kept++;
}

/* The first that does not pass: from here on the object is written anew. */
static void drop(struct validation *v, const struct json_member *members, size_t index,
                 const char *why)
{
    if (v->dropped++ > 0)
        return;
    v->first = members[index].key;
    v->first_why = why;
    v->kept = 0;
    buffer_append_u8(&v->rewritten, '{');
    for (size_t i = 0; i < index; i++)
        keep(v, &members[i]);
}

static void pass(struct validation *v, const struct json_member *m)
{
    if (v->dropped > 0)
        keep(v, m);
    else
        v->kept++;
}

static void finish(struct validation *v)
{
    if (v->dropped > 0)
        buffer_append_u8(&v->rewritten, '}');
}

static const char *const wrong_way[VALIDATE_WAY_COUNT] = {
    [VALIDATE_REPORT] = "a device may not report it",
    [VALIDATE_PUSH] = "an application may not set it",
    [VALIDATE_WRITE] = "only private attributes are set without the device",
};

static bool may_come(enum attribute_direction direction, enum validate_way way)
{
    static const bool may[ATTRIBUTE_DIRECTION_COUNT][VALIDATE_WAY_COUNT] = {
#define X(name, word, reported, pushed, written) \
    [ATTRIBUTE_##name] = {                       \
        [VALIDATE_REPORT] = (reported), [VALIDATE_PUSH] = (pushed), [VALIDATE_WRITE] = (written)},
        ATTRIBUTE_DIRECTION_LIST(X)
#undef X
    };

    return may[direction][way];
}

static const char *check_attribute(const struct device_type *t, enum validate_way way,
                                   const struct json_member *m)
{
    const struct type_attribute *a = device_type_find_attribute(t, m->key);

    if (a == NULL)
        return t->strict ? "it is not defined" : NULL;
    if (!may_come(a->direction, way))
        return wrong_way[way];
    return type_field_check(&a->field, m);
}

void validate_attributes(const struct device_type *t, enum validate_way way,
                         const struct json_member *members, size_t count, struct validation *out)
{
    *out = (struct validation){0};
    for (size_t i = 0; i < count; i++) {
        const char *why = check_attribute(t, way, &members[i]);

        if (why != NULL)
            drop(out, members, i, why);
        else
            pass(out, &members[i]);
    }
    finish(out);
}

void validate_params(const struct type_fields *fields, bool is_strict,
                     const struct json_member *members, size_t count, struct validation *out)
{
    *out = (struct validation){0};
    for (size_t i = 0; i < count; i++) {
        const struct type_field *f = type_fields_find(fields, members[i].key);
        const char *why =
            f != NULL ? type_field_check(f, &members[i]) : (is_strict ? "it is not defined" : NULL);

        if (why != NULL)
            drop(out, members, i, why);
        else
            pass(out, &members[i]);
    }
    finish(out);
}

void validation_deinit(struct validation *v)
{
    buffer_deinit(&v->rewritten);
}

void validation_describe(const struct validation *v, const char *what, char out[VALIDATE_WHY_MAX])
{
    struct slice name = utf8_truncate(v->first, IDENT_MEMBER_MAX);
    char more[40] = "";

    if (v->dropped > 1)
        (void)snprintf(more, sizeof(more), " (and %zu more)", v->dropped - 1);
    (void)snprintf(out, VALIDATE_WHY_MAX, "%s \"%.*s\": %s%s", what, (int)name.len, name.data,
                   v->first_why, more);
}

/* --- streams --------------------------------------------------------------------------------- */

/* CRC-16/MODBUS. */
static uint16_t crc_of(struct slice bytes)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

static const char *check_modbus(struct slice frame)
{
    enum { LEAST = 4 /* address, function, CRC */ };
    uint16_t told;

    if (frame.len < LEAST)
        return "too short for a Modbus RTU frame";
    told = (uint16_t)(frame.data[frame.len - 2] | frame.data[frame.len - 1] << 8);
    return crc_of(slice_make(frame.data, frame.len - 2)) == told
               ? NULL
               : "the CRC of the Modbus RTU frame is wrong";
}

static const char *check_json(struct slice payload, struct json_parser *json)
{
    const struct json_member *members;
    size_t count;
    enum status st = json_parse_object(json, payload, &members, &count);

    return st == ST_OK || st == ST_INVALID ? NULL : "the payload is not JSON";
}

const char *validate_data(const struct device_type *t, struct slice stream, struct slice payload,
                          struct json_parser *json)
{
    const struct type_stream *s = device_type_find_stream(t, stream);

    if (s == NULL)
        return t->strict ? "the stream is not defined" : NULL;
    switch (s->format) {
    case STREAM_MODBUS_RTU:
        return check_modbus(payload);
    case STREAM_JSON:
        return check_json(payload, json);
    case STREAM_TEXT:
        return utf8_is_text(payload) ? NULL : "the payload is not UTF-8";
    case STREAM_BINARY:
    case STREAM_FORMAT_COUNT:
        break;
    }
    return NULL;
}
