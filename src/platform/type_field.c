/*
 * Checks values against their definition. On the message path: no allocation, no conversion but of
 * numbers that have bounds.
 */
#include "platform/type_field.h"

#include "base/ident.h"
#include "base/mem.h"

static const char *check_number(const struct type_field *f, const struct json_member *m)
{
    double value;

    if (m->type != JSON_TYPE_NUMBER)
        return "it must be a number";
    if (!f->has_minimum && !f->has_maximum)
        return NULL;
    value = json_member_double(m);
    if (f->has_minimum && value < f->minimum)
        return "it is below the minimum";
    if (f->has_maximum && value > f->maximum)
        return "it is above the maximum";
    return NULL;
}

enum status type_field_switch(const struct json_member *m, bool *is_on)
{
    char text[4];
    size_t len;
    int64_t number;

    *is_on = false;
    if (m->type == JSON_TYPE_BOOL) {
        *is_on = slice_is(m->value, "true");
        return ST_OK;
    }
    if (json_member_int64(m, &number) == ST_OK && (number == 0 || number == 1)) {
        *is_on = number == 1;
        return ST_OK;
    }
    if (json_text(m, text, 3, &len) != ST_OK)
        return ST_INVALID;
    *is_on = slice_is(slice_make(text, len), "ON");
    return *is_on || slice_is(slice_make(text, len), "OFF") ? ST_OK : ST_INVALID;
}

static bool is_choice(const struct field_choice *c, const struct json_member *m)
{
    char text[IDENT_MEMBER_MAX + 1];
    size_t len;
    int64_t number;

    if (c->is_text)
        return json_text(m, text, IDENT_MEMBER_MAX, &len) == ST_OK &&
               slice_equal(slice_make(text, len), c->text);
    return json_member_int64(m, &number) == ST_OK && number == c->number;
}

static const char *check_choice(const struct type_field *f, const struct json_member *m)
{
    for (size_t i = 0; i < f->choice_count; i++) {
        if (is_choice(&f->choices[i], m))
            return NULL;
    }
    return "it is none of the values of the enum";
}

const char *type_field_check(const struct type_field *f, const struct json_member *m)
{
    bool is_on;

    switch (f->type) {
    case FIELD_NUMBER:
        return check_number(f, m);
    case FIELD_TEXT:
        return m->type == JSON_TYPE_STRING ? NULL : "it must be a text";
    case FIELD_SWITCH:
        return type_field_switch(m, &is_on) == ST_OK
                   ? NULL
                   : "it must be true, false, 1, 0, \"ON\" or \"OFF\"";
    case FIELD_ENUM:
        return check_choice(f, m);
    case FIELD_OBJECT:
        return m->type == JSON_TYPE_OBJECT ? NULL : "it must be an object";
    case FIELD_LIST:
    case FIELD_TYPE_COUNT:
        break;
    }
    return m->type == JSON_TYPE_ARRAY ? NULL : "it must be a list";
}

void type_field_deinit(struct type_field *f)
{
    mem_free(f->choices);
    f->choices = NULL;
    f->choice_count = 0;
}
