/*
 * Checks against the device's type. A device without one passes everything, at the cost of one
 * comparison. The sentence about what was left out is kept by the worker's site, because a verdict
 * outlives the handler that gave it.
 */
#include "service/device_check.h"

#include <stdio.h>

#include "base/invariant.h"

static const struct device_type *begin(const struct device_input *in, struct device_check *out)
{
    *out = (struct device_check){.payload = in->payload};
    return device_type_of(in->device);
}

/* Room for the sentence about the present check. */
static char *why_room(const struct device *d)
{
    return site_of(d->home->worker)->why;
}

static const char *describe(const struct device *d, const char *what, const struct validation *v)
{
    char *why = why_room(d);

    validation_describe(v, what, why);
    return why;
}

/* A part is left out, or all of it. */
static void record(const struct device_input *in, struct device_check *out, bool has_nothing,
                   const char *why)
{
    out->has_dropped = true;
    out->has_nothing = has_nothing;
    out->why = why;
    device_record(in->device, MESSAGE_UP, in->topic,
                  has_nothing ? MESSAGE_REFUSED : MESSAGE_ACCEPTED, why);
}

static void refuse_whole(const struct device_input *in, struct device_check *out, const char *why)
{
    record(in, out, true, why);
}

/* --- attributes ------------------------------------------------------------------------------ */

void device_check_attributes(const struct device_input *in, const struct json_member *members,
                             size_t count, struct device_check *out)
{
    const struct device_type *t = begin(in, out);
    struct validation v;

    out->members = members;
    out->count = count;
    if (t == NULL)
        return;
    validate_attributes(t, VALIDATE_REPORT, members, count, &v);
    if (v.dropped > 0) {
        record(in, out, v.kept == 0, describe(in->device, "attribute", &v));
        out->rewritten = v.rewritten;
        buffer_reserve(&out->rewritten, JSON_PADDING);
        out->payload = buffer_slice(&out->rewritten);
        invariant(json_parse_object(in->device->home->json, out->payload, &out->members,
                                    &out->count) == ST_OK);
        return;
    }
    validation_deinit(&v);
}

/* --- parameters ------------------------------------------------------------------------------ */

/* The members of `params`, which is part of a padded text. False: it is no object. */
static bool parse_params(const struct device *d, const struct json_member *params,
                         const struct json_member **members, size_t *count)
{
    return json_parse_object(d->home->json, params->value, members, count) == ST_OK;
}

/* The payload with other bytes in the place of `params`. */
static void replace_params(struct slice payload, struct slice params, struct slice by,
                           struct buffer *out)
{
    size_t before = (size_t)(params.data - payload.data);

    buffer_append(out, payload.data, before);
    buffer_append_slice(out, by);
    buffer_append_slice(out, slice_from(payload, before + params.len));
    buffer_reserve(out, JSON_PADDING);
}

static void check_params(const struct device_input *in, const struct type_fields *fields,
                         bool is_strict, const struct json_member *params, struct device_check *out)
{
    const struct json_member *members;
    struct slice value;
    struct validation v;
    size_t count;

    if (params == NULL || (fields->count == 0 && !is_strict))
        return;
    value = params->value;
    if (!parse_params(in->device, params, &members, &count)) {
        refuse_whole(in, out, "\"params\" must be an object");
        return;
    }
    validate_params(fields, is_strict, members, count, &v);
    if (v.dropped > 0) {
        record(in, out, false, describe(in->device, "parameter", &v));
        replace_params(in->payload, value, buffer_slice(&v.rewritten), &out->rewritten);
        out->payload = buffer_slice(&out->rewritten);
    }
    validation_deinit(&v);
}

void device_check_event(const struct device_input *in, const struct command_form *form,
                        struct device_check *out)
{
    const struct device_type *t = begin(in, out);
    const struct type_method *m;

    if (t == NULL)
        return;
    m = device_type_find_event(t, command_form_method(form));
    if (m != NULL)
        check_params(in, &m->params, t->strict, form->params, out);
    else if (t->strict)
        refuse_whole(in, out, "the event is not defined");
}

void device_check_reply(const struct device_input *in, const struct command_form *form,
                        struct device_check *out)
{
    const struct device_type *t = begin(in, out);
    const struct type_method *m =
        t == NULL ? NULL : device_type_find_command(t, command_form_method(form));

    if (m != NULL)
        check_params(in, &m->reply, t->strict, form->params, out);
}

void device_check_data(const struct device_input *in, struct device_check *out)
{
    const struct device_type *t = begin(in, out);
    const char *why =
        t == NULL ? NULL : validate_data(t, in->stream, in->payload, in->device->home->json);

    if (why != NULL)
        refuse_whole(in, out, why);
}

void device_check_deinit(struct device_check *c)
{
    buffer_deinit(&c->rewritten);
}

/* --- downlinks ------------------------------------------------------------------------------- */

static const char *check_set(struct device *d, enum validate_way way,
                             const struct json_member *members, size_t count)
{
    const struct device_type *t = device_type_of(d);
    const char *why = NULL;
    struct validation v;

    if (t == NULL)
        return NULL;
    validate_attributes(t, way, members, count, &v);
    if (v.dropped > 0)
        why = describe(d, "attribute", &v);
    validation_deinit(&v);
    return why;
}

const char *device_check_push(struct device *d, const struct json_member *members, size_t count)
{
    return check_set(d, VALIDATE_PUSH, members, count);
}

const char *device_check_write(struct device *d, const struct json_member *members, size_t count)
{
    return check_set(d, VALIDATE_WRITE, members, count);
}

const char *device_check_data_set(struct device *d, struct slice stream, struct slice payload)
{
    const struct device_type *t = device_type_of(d);

    return t == NULL ? NULL : validate_data(t, stream, payload, d->home->json);
}

const char *device_check_command(struct device *d, const struct command_form *form)
{
    const struct device_type *t = device_type_of(d);
    const struct type_method *m =
        t == NULL ? NULL : device_type_find_command(t, command_form_method(form));
    const struct json_member *members;
    const char *why = NULL;
    struct validation v;
    size_t count;

    if (m == NULL)
        return t != NULL && t->strict ? "the command is not defined" : NULL;
    if (form->params == NULL || (m->params.count == 0 && !t->strict))
        return NULL;
    if (!parse_params(d, form->params, &members, &count))
        return "\"params\" must be an object";
    validate_params(&m->params, t->strict, members, count, &v);
    if (v.dropped > 0)
        why = describe(d, "parameter", &v);
    validation_deinit(&v);
    return why;
}
