/*
 * The cloud values of one device: the newest value of each attribute with its time. Part of the
 * device, belongs to its home worker. Members usually come in the same order as last time, so
 * finding one is usually one comparison. Source: open-api.md 3.2, 4, 5
 */
#pragma once

#include "base/bytes.h"
#include "base/mem.h"

enum {
    /* What a device keeps; what is beyond is handed on and not kept. */
    CLOUD_VALUE_NAME_MAX = 256,          /* bytes of a name */
    CLOUD_VALUES_MAX = 1024,             /* attributes */
    CLOUD_VALUES_BYTES_MAX = 1024 * 1024 /* names and values together */
};

struct cloud_value {
    uint8_t *bytes; /* owned: name, then value */
    uint16_t name_len;
    bool dirty; /* changed since it was last saved */
    uint32_t value_len;
    uint32_t capacity;
    uint32_t name_hash; /* 0 until names are looked up by hash */
    int64_t ts_ms;
};

/** A zeroed one is empty. */
struct cloud_values {
    struct cloud_value *items; /* owned */
    uint16_t count, capacity;
    uint16_t hint;         /* where the next member is expected */
    uint16_t places_count; /* a power of two */
    uint16_t *places;      /* owned: hash of a name to 1 + its item; NULL while a walk is as good */
    uint32_t bytes;        /* of names and values together */
};

/** Frees all values; empty afterwards. */
void cloud_values_deinit(struct cloud_values *v);

/** Marks the start of a new report: the next member is expected at the front. */
static inline void cloud_values_rewind(struct cloud_values *v)
{
    v->hint = 0;
}

/**
 * Stores a value unless the stored one is newer; with the same time the later call wins.
 *
 * @param value  the bytes of a JSON value, copied
 * @param ts_ms  when it was true (Unix)
 * @return true when it was stored; false when the stored one is newer, or beyond the limits above
 *         (an older value of that name stays then)
 */
bool cloud_values_set(struct cloud_values *v, struct slice name, struct slice value, int64_t ts_ms);

/** The value with this name, or NULL; borrowed until the next set. */
const struct cloud_value *cloud_values_find(const struct cloud_values *v, struct slice name);

static inline struct slice cloud_value_name(const struct cloud_value *c)
{
    return slice_make(c->bytes, c->name_len);
}

static inline struct slice cloud_value_json(const struct cloud_value *c)
{
    return slice_make(c->bytes + c->name_len, c->value_len);
}

/** Whether a value of this name is for whom an object is made. */
typedef bool (*cloud_value_filter_fn)(struct slice name, const void *arg);

/** Appends a JSON object: with `count` 0 of all values in stored order; otherwise of the named ones
 * that exist, in the given order and each once however often it is named (a short request must not
 * ask for an endless answer). `filter` leaves out what it gives false for. */
void cloud_values_append_object(const struct cloud_values *v, const struct slice *names,
                                size_t count, cloud_value_filter_fn filter, const void *arg,
                                struct buffer *out);
