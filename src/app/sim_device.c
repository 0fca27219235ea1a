/*
 * Simulated devices over the tables of sim_kind.def.
 *
 * A value is one number whatever its shape: the index of a choice, 0 or 1 of a switch. JSON is only
 * made when something is sent.
 */
#include "app/sim_device.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "base/mem.h"

enum sim_kind {
#define SIM_KIND(kind, ...) SIM_KIND_##kind,
#include "app/sim_kind.def"
#undef SIM_KIND
    SIM_KIND_COUNT
};

static const struct kind {
    const char *name;
    unsigned period_s;
} kinds[SIM_KIND_COUNT] = {
#define SIM_KIND(kind, name, period_s) [SIM_KIND_##kind] = {name, period_s},
#include "app/sim_kind.def"
#undef SIM_KIND
};

enum shape { SHAPE_WALK, SHAPE_DAY, SHAPE_SUM, SHAPE_SWITCH, SHAPE_CHOICE };

static const struct attribute {
    enum sim_kind kind;
    const char *name;
    enum shape shape;
    double low, high, step;
    int decimals;
    const char *choices; /* separated by | */
} attributes[] = {
#define SIM_ATTRIBUTE(kind, name, shape, low, high, step, decimals, choices, unit) \
    {SIM_KIND_##kind, name, SHAPE_##shape, low, high, step, decimals, choices},
#include "app/sim_kind.def"
#undef SIM_ATTRIBUTE
};

static const struct event {
    enum sim_kind kind;
    const char *method, *params;
    unsigned mean_s;
} events[] = {
#define SIM_EVENT(kind, method, params, mean_s) {SIM_KIND_##kind, method, params, mean_s},
#include "app/sim_kind.def"
#undef SIM_EVENT
};

static const struct command {
    enum sim_kind kind;
    const char *method, *attribute, *value;
} commands[] = {
#define SIM_COMMAND(kind, method, attribute, value) {SIM_KIND_##kind, method, attribute, value},
#include "app/sim_kind.def"
#undef SIM_COMMAND
};

static const struct stream {
    enum sim_kind kind;
    const char *name;
    size_t len;
    unsigned period_s;
} streams[] = {
#define SIM_STREAM(kind, name, len, period_s) {SIM_KIND_##kind, name, len, period_s},
#include "app/sim_kind.def"
#undef SIM_STREAM
};

static const struct sub {
    enum sim_kind kind, gateway;
    const char *address;
} subs[] = {
#define SIM_SUB(kind, gateway, address) {SIM_KIND_##kind, SIM_KIND_##gateway, address},
#include "app/sim_kind.def"
#undef SIM_SUB
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

enum { STREAM_LEN_MAX = 1024 };

struct sim_device {
    enum sim_kind kind;
    uint64_t random;
    uint64_t next_report_ms;
    double values[COUNT_OF(attributes)];        /* those of its kind are used */
    uint64_t next_event_ms[COUNT_OF(events)];   /* likewise; 0: not planned yet */
    uint64_t next_stream_ms[COUNT_OF(streams)]; /* likewise */
};

/* ---- randomness */

static uint64_t random_next(struct sim_device *d)
{
    /* splitmix64: any seed will do, and nobody depends on it */
    uint64_t z = d->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 up to, not including, 1. */
static double random_unit(struct sim_device *d)
{
    return (double)(random_next(d) >> 11) / 9007199254740992.0; /* 2^53 */
}

/* ---- values */

static size_t count_choices(const struct attribute *a)
{
    size_t count = 1;

    for (const char *c = a->choices; *c != '\0'; c++)
        count += *c == '|';
    return count;
}

static struct slice get_choice(const struct attribute *a, size_t index)
{
    struct slice rest = slice_of(a->choices);
    struct slice choice = slice_cut(&rest, '|');

    while (index-- > 0)
        choice = slice_cut(&rest, '|');
    return choice;
}

static double day_value(const struct attribute *a, int64_t unix_ms)
{
    enum { DAY_S = 86400, WARMEST_S = 14 * 3600 };
    double angle = 2 * 3.14159265358979 * (double)(unix_ms / 1000 % DAY_S - WARMEST_S) / DAY_S;

    return a->low + (a->high - a->low) * (1 + cos(angle)) / 2;
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static double first_value(struct sim_device *d, const struct attribute *a)
{
    switch (a->shape) {
    case SHAPE_WALK:
        return a->low + (a->high - a->low) * random_unit(d);
    case SHAPE_SWITCH:
        return (double)(random_next(d) % 2);
    case SHAPE_DAY:
    case SHAPE_SUM:
    case SHAPE_CHOICE:
        break;
    }
    return a->low;
}

static double next_value(struct sim_device *d, const struct attribute *a, double value,
                         int64_t unix_ms)
{
    double noise = (2 * random_unit(d) - 1) * a->step;

    switch (a->shape) {
    case SHAPE_WALK: /* one that stands still may have been pushed out of its bounds */
        return a->step > 0 ? clamp(value + noise, a->low, a->high) : value;
    case SHAPE_DAY:
        return clamp(day_value(a, unix_ms) + noise, a->low, a->high);
    case SHAPE_SUM:
        value += fabs(noise);
        return value < a->high ? value : a->low;
    case SHAPE_SWITCH:
        return random_unit(d) < a->step ? 1 - value : value;
    case SHAPE_CHOICE:
        return random_unit(d) < a->step ? (double)(random_next(d) % count_choices(a)) : value;
    }
    return value;
}

static json_t *value_to_json(const struct attribute *a, double value)
{
    double scale = pow(10, a->decimals);
    struct slice choice;

    switch (a->shape) {
    case SHAPE_SWITCH:
        return json_boolean(value > 0.5);
    case SHAPE_CHOICE:
        choice = get_choice(a, (size_t)value);
        return json_stringn((const char *)choice.data, choice.len);
    case SHAPE_WALK:
    case SHAPE_DAY:
    case SHAPE_SUM:
        break;
    }
    value = round(value * scale) / scale;
    return a->decimals == 0 ? json_integer((json_int_t)value) : json_real(value);
}

/* Takes a value over when it is one of the attribute's type. */
static void value_from_json(const struct attribute *a, const json_t *json, double *value)
{
    switch (a->shape) {
    case SHAPE_SWITCH:
        if (json_is_boolean(json))
            *value = json_is_true(json) ? 1 : 0;
        break;
    case SHAPE_CHOICE:
        for (size_t i = 0; json_is_string(json) && i < count_choices(a); i++) {
            if (slice_is(get_choice(a, i), json_string_value(json)))
                *value = (double)i;
        }
        break;
    case SHAPE_WALK:
    case SHAPE_DAY:
    case SHAPE_SUM:
        if (json_is_number(json))
            *value = clamp(json_number_value(json), -1e15, 1e15); /* as an integer it stays exact */
        break;
    }
}

/* ---- sending */

struct outlet {
    sim_device_send_fn send;
    void *arg;
};

static void send_json(const struct outlet *o, const char *topic, json_t *json)
{
    enum { DIGITS = 12 };
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));

    invariant(text != NULL);
    o->send(topic, NULL, slice_of(text), o->arg);
    free(text);
    json_decref(json);
}

static void report(struct sim_device *d, int64_t unix_ms, const struct outlet *o)
{
    json_t *json = json_object();

    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        if (attributes[i].kind != d->kind)
            continue;
        d->values[i] = next_value(d, &attributes[i], d->values[i], unix_ms);
        (void)json_object_set_new(json, attributes[i].name,
                                  value_to_json(&attributes[i], d->values[i]));
    }
    send_json(o, "attributes", json);
}

/* A mean time, between half and one and a half of it. */
static uint64_t spread(struct sim_device *d, unsigned mean_s)
{
    return (uint64_t)((0.5 + random_unit(d)) * 1000 * mean_s);
}

static void send_events(struct sim_device *d, uint64_t now_ms, const struct outlet *o)
{
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (events[i].kind != d->kind || now_ms < d->next_event_ms[i])
            continue;
        if (d->next_event_ms[i] != 0)
            send_json(o, "event_report",
                      json_pack("{s:s, s:o}", "method", events[i].method, "params",
                                json_loads(events[i].params, 0, NULL)));
        d->next_event_ms[i] = now_ms + spread(d, events[i].mean_s);
    }
}

/* A wave of 16-bit samples, big end first, and a little noise. */
static void send_streams(struct sim_device *d, uint64_t now_ms, const struct outlet *o)
{
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        uint8_t bytes[STREAM_LEN_MAX];

        if (streams[i].kind != d->kind || now_ms < d->next_stream_ms[i])
            continue;
        invariant(streams[i].len <= sizeof(bytes));
        for (size_t at = 0; at + 1 < streams[i].len; at += 2) {
            double angle = 4 * 3.14159265358979 * (double)at / (double)streams[i].len;
            int16_t sample = (int16_t)(32000 * sin(angle) + 600 * (random_unit(d) - 0.5));

            bytes[at] = (uint8_t)((uint16_t)sample >> 8);
            bytes[at + 1] = (uint8_t)sample;
        }
        o->send("data", streams[i].name, slice_make(bytes, streams[i].len), o->arg);
        d->next_stream_ms[i] = now_ms + streams[i].period_s * 1000ULL;
    }
}

/* ---- the interface */

size_t sim_device_kind_count(void)
{
    return SIM_KIND_COUNT;
}

const char *sim_device_kind_name(size_t kind)
{
    invariant(kind < SIM_KIND_COUNT);
    return kinds[kind].name;
}

const char *sim_device_kind_address(size_t kind, size_t *gateway)
{
    for (size_t i = 0; i < COUNT_OF(subs); i++) {
        if (subs[i].kind != kind)
            continue;
        invariant(subs[i].gateway < kind);
        *gateway = subs[i].gateway;
        return subs[i].address;
    }
    return NULL;
}

static size_t find_kind(const char *name)
{
    size_t i = 0;

    while (i < SIM_KIND_COUNT && !slice_starts_with(slice_of(name), slice_of(kinds[i].name)))
        i++;
    return i;
}

bool sim_device_is_simulated(const char *name)
{
    return find_kind(name) < SIM_KIND_COUNT;
}

struct sim_device *sim_device_new(const char *name, uint64_t seed)
{
    struct sim_device *d = mem_new_of(MEM_DEVICE, struct sim_device);

    invariant(sim_device_is_simulated(name));
    d->random = seed;
    d->kind = (enum sim_kind)find_kind(name);
    for (size_t i = 0; i < COUNT_OF(attributes); i++)
        d->values[i] = first_value(d, &attributes[i]);
    return d;
}

void sim_device_free(struct sim_device **d)
{
    mem_free(*d);
    *d = NULL;
}

void sim_device_turn(struct sim_device *d, uint64_t now_ms, int64_t unix_ms,
                     sim_device_send_fn send, void *arg)
{
    const struct outlet o = {send, arg};

    if (now_ms >= d->next_report_ms) {
        report(d, unix_ms, &o);
        d->next_report_ms = now_ms + spread(d, kinds[d->kind].period_s);
    }
    send_events(d, now_ms, &o);
    send_streams(d, now_ms, &o);
}

static void set_attributes(struct sim_device *d, const json_t *object)
{
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        if (attributes[i].kind == d->kind)
            value_from_json(&attributes[i], json_object_get(object, attributes[i].name),
                            &d->values[i]);
    }
}

enum status sim_device_on_push(struct sim_device *d, struct slice payload, sim_device_send_fn send,
                               void *arg)
{
    const struct outlet o = {send, arg};
    json_t *object = json_loadb((const char *)payload.data, payload.len, 0, NULL);

    if (!json_is_object(object)) {
        json_decref(object);
        return ST_MALFORMED;
    }
    set_attributes(d, object);
    send_json(&o, "attributes", object);
    return ST_OK;
}

/* Does it, reports what it changed; false: the kind does not know the method. */
static bool execute(struct sim_device *d, const char *method, const struct outlet *o)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        json_t *change;

        if (commands[i].kind != d->kind || strcmp(commands[i].method, method) != 0)
            continue;
        change = json_pack("{s:o}", commands[i].attribute,
                           json_loads(commands[i].value, JSON_DECODE_ANY, NULL));
        set_attributes(d, change);
        send_json(o, "attributes", change);
        return true;
    }
    return false;
}

enum status sim_device_on_command(struct sim_device *d, struct slice payload,
                                  sim_device_send_fn send, void *arg)
{
    const struct outlet o = {send, arg};
    json_t *request = json_loadb((const char *)payload.data, payload.len, 0, NULL);
    const char *method = json_string_value(json_object_get(request, "method"));
    json_t *id = json_object_get(request, "id");
    json_t *reply;

    if (method == NULL) {
        json_decref(request);
        return ST_MALFORMED;
    }
    reply = json_pack("{s:s, s:{s:s}}", "method", method, "params", "result",
                      execute(d, method, &o) ? "done" : "unknown method");
    if (id != NULL)
        (void)json_object_set(reply, "id", id);
    send_json(&o, "command_reply", reply);
    json_decref(request);
    return ST_OK;
}
