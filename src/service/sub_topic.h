/*
 * The two dialects of the topics of sub-devices, and the addresses in their payloads.
 *
 * `sub_…` knows paths of several steps, `gateway_…` one step; the topics are the same otherwise, so
 * code names those of `sub_…` and a dialect. Pure functions. Source: device-protocol.md
 */
#pragma once

#include "platform/sub_device.h"
#include "service/device_link.h"

enum sub_dialect { SUB_DIALECT_SUB, SUB_DIALECT_GATEWAY, SUB_DIALECT_COUNT };

enum {
    SUB_TOPIC_COUNT = DEVICE_TOPIC_GATEWAY_CONNECT - DEVICE_TOPIC_SUB_CONNECT,
    SUB_PATH_WHY_MAX = 128
};

/** A topic of `sub_…` in a dialect. */
static inline enum device_topic sub_topic_in(enum sub_dialect dialect, enum device_topic topic)
{
    return (enum device_topic)((unsigned)topic + (unsigned)dialect * SUB_TOPIC_COUNT);
}

static inline bool sub_topic_is(enum device_topic topic)
{
    return topic >= DEVICE_TOPIC_SUB_CONNECT;
}

static inline enum sub_dialect sub_topic_dialect(enum device_topic topic)
{
    return (enum sub_dialect)((topic - DEVICE_TOPIC_SUB_CONNECT) / SUB_TOPIC_COUNT);
}

/** The same topic of `sub_…`. */
static inline enum device_topic sub_topic_base(enum device_topic topic)
{
    return (enum device_topic)(DEVICE_TOPIC_SUB_CONNECT +
                               (topic - DEVICE_TOPIC_SUB_CONNECT) % SUB_TOPIC_COUNT);
}

/** Where a sub-device stands below the one that is connected. */
struct sub_path {
    unsigned count; /* of steps, at least 1 */
    struct slice steps[SUB_LEVELS_MAX];
    char text[SUB_LEVELS_MAX][SUB_ADDRESS_MAX + 1];
};

/**
 * Reads the value of a member `device`.
 *
 * @param json  the parser that has checked the text
 * @return NULL; or why it is no path of this dialect: one sentence (static)
 */
const char *sub_path_read(enum sub_dialect dialect, const struct json_parser *json,
                          const struct json_member *value, struct sub_path *out);

/** The path of a sub-device; its steps stay the device's. */
void sub_path_of(const struct device *d, struct sub_path *out);

/** The device of a path below `root`, or NULL; then `nearest` (may be NULL) is the last one that is
 * there, and `depth` how many steps lead to it. */
struct device *sub_path_find(struct device *root, const struct sub_path *path,
                             struct device **nearest, unsigned *depth);

/** Says that nobody is at this address: one sentence, which names it if it can be read. */
void sub_path_tell_unknown(struct slice address, char why[SUB_PATH_WHY_MAX]);

/** Appends `"device": …, ` as the topic (of `sub_…`) gives it in this dialect. */
void sub_path_append(enum sub_dialect dialect, enum device_topic topic, const struct sub_path *path,
                     struct buffer *out);
