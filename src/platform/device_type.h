/*
 * A device type: what its devices may report and take.
 *
 * Read from its definition, a JSON text (docs/device-types.md), and never changed afterwards; a new
 * definition makes a new object. Counted: the workers share it. The names inside point into the
 * definition, which it owns. Source: open-api.md 5
 */
#pragma once

#include <stdatomic.h>

#include "base/hash_table.h"
#include "base/ident.h"
#include "platform/definition.h"
#include "platform/topic_template.h"
#include "platform/type_field.h"

enum {
    DEVICE_TYPE_MAGIC = 0x54595045,
    DEVICE_TYPE_TEXT_MAX = 1024 * 1024, /* bytes of a definition */
    DEVICE_TYPE_MEMBERS_MAX = 1024,     /* attributes, or events, or parameters, ... of one */
    DEVICE_TYPE_ERROR_MAX = DEFINITION_ERROR_MAX
};

/* X(NAME, word in a definition, may a device report it, may an application push it, may the cloud
 * set it by itself) */
#define ATTRIBUTE_DIRECTION_LIST(X)         \
    X(REPORT, "report", true, false, false) \
    X(PUSH, "push", false, true, false)     \
    X(BOTH, "both", true, true, false)      \
    X(PRIVATE, "private", false, false, true)

enum attribute_direction {
#define X(name, word, reported, pushed, written) ATTRIBUTE_##name,
    ATTRIBUTE_DIRECTION_LIST(X)
#undef X
        ATTRIBUTE_DIRECTION_COUNT
};

/* X(NAME, word in a definition) */
#define STREAM_FORMAT_LIST(X)   \
    X(BINARY, "binary")         \
    X(MODBUS_RTU, "modbus_rtu") \
    X(JSON, "json")             \
    X(TEXT, "text")

enum stream_format {
#define X(name, word) STREAM_##name,
    STREAM_FORMAT_LIST(X)
#undef X
        STREAM_FORMAT_COUNT
};

struct type_attribute {
    struct type_field field;
    enum attribute_direction direction;
};

struct type_fields {
    struct type_field *items; /* owned */
    size_t count;
};

/** An event (parameters alone) or a command. */
struct type_method {
    struct slice id;
    struct type_fields params, reply;
};

struct type_methods {
    struct type_method *items; /* owned */
    size_t count;
};

struct type_stream {
    struct slice id;
    enum stream_format format;
    struct topic_template publish_topic;   /* none: its devices use `data/...` alone */
    struct topic_template subscribe_topic; /* likewise with `data_set/...` */
};

struct device_type {
    uint32_t magic;
    _Atomic uint32_t refs;
    uint64_t type_id, project_id;
    char code[IDENT_MEMBER_MAX + 1]; /* the operator's own, set by who reads its row; empty: none */
    bool auto_create;                /* its devices may be made when they are first heard of */
    bool strict;                     /* what is not defined does not pass */
    bool cloud_response;             /* reports and events are answered */
    bool has_offline_delay;          /* otherwise the server's */
    uint32_t max_rate;               /* messages of a device a second; 0: any */
    uint64_t offline_delay_ms;
    struct type_attribute *attributes; /* owned */
    size_t attribute_count;
    struct hash_table attribute_table; /* of the items of `attributes` by identifier */
    struct type_methods events, commands;
    struct type_stream *streams; /* owned */
    size_t stream_count;
    void *definition; /* owned */
};

/**
 * Reads a definition.
 *
 * @param out    a type with one reference, which the caller owns
 * @param error  DEVICE_TYPE_ERROR_MAX bytes; on failure one line for a person: what, where, why
 * Errors: ST_TOO_LARGE (DEVICE_TYPE_TEXT_MAX), ST_MALFORMED (not JSON), ST_INVALID (its members)
 */
enum status device_type_parse(uint64_t type_id, uint64_t project_id, struct slice text,
                              struct device_type **out, char *error) MUST_CHECK;
struct device_type *device_type_ref(struct device_type *t);
/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void device_type_unref(struct device_type **t);

/** The definitions of these names; NULL: there is none. */
const struct type_attribute *device_type_find_attribute(const struct device_type *t,
                                                        struct slice id);
const struct type_method *device_type_find_event(const struct device_type *t, struct slice id);
const struct type_method *device_type_find_command(const struct device_type *t, struct slice id);
const struct type_stream *device_type_find_stream(const struct device_type *t, struct slice id);
const struct type_field *type_fields_find(const struct type_fields *f, struct slice id);
