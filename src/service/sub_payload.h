/*
 * What a payload on a topic of sub-devices says: which devices, which inner values; the inner
 * values stay as they were sent and are read like those of a device's own topics.
 *
 * Source: device-protocol.md "sub_attributes", "gateway_attributes"
 */
#pragma once

#include "service/sub_topic.h"

enum {
    /* An object and a `sub` for each step, and what a device may have in its values. */
    SUB_PAYLOAD_DEPTH_MAX = 2 * SUB_LEVELS_MAX + JSON_DEPTH_MAX
};

/** A message about one sub-device: `{"device": …, …}`. Missing members have a value without data.
 */
struct sub_message {
    struct sub_path path;
    struct json_member inner;   /* what it is about */
    struct json_member product; /* of a connect */
};

/**
 * Reads a checked message.
 *
 * @param inner  the name of the member that holds what it is about; NULL: none
 * @return NULL; or why it has not the form of its topic: one sentence (static)
 */
const char *sub_payload_read(enum sub_dialect dialect, const struct json_parser *json,
                             struct slice value, const char *inner, struct sub_message *out);

/** Attributes that one sub-device reports. */
struct sub_report_entry {
    struct device *device;
    struct slice attributes; /* an object, as sent */
    int64_t ts_ms;           /* 0: the time of acceptance */
};

/** What was found in a payload of attributes that does not count. */
typedef void (*sub_payload_fault_fn)(struct device *d, const char *why, void *arg);

/**
 * Gathers what a checked payload of attributes reports, in payload order: tree, flat list, or the
 * `gateway_` form.
 *
 * @param entries  struct sub_report_entry are appended; of an address that is there twice in one
 *                 object only the last counts
 * @param fault    called for what is skipped: on the sub-device, or on its parent if it is unknown
 */
void sub_payload_gather(enum sub_dialect dialect, struct device *root,
                        const struct json_parser *json, struct slice value, struct buffer *entries,
                        sub_payload_fault_fn fault, void *arg);
