/*
 * The syntax of topic names and filters (levels, wildcards, share groups); what a topic means is
 * not known here. Pure functions, any thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/** A filter taken apart: the share group is empty for a plain one. Borrowed. */
struct topic_filter {
    struct slice share_group;
    struct slice filter; /* without "$share/<group>/" */
};

/** True for a topic name: 1 to 65,535 bytes, no wildcard. (UTF-8 was checked by the decoder.)
 * Source: [MQTT-3.3.2-2], [MQTT-4.7.3-1] */
bool topic_is_name(struct slice topic);

/**
 * Checks a filter's syntax and takes a share group off.
 *
 * Errors: ST_MALFORMED: empty, `#` not last or not alone in its level, `+` not alone, a bad share
 * group Source: [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.8.2-1], [MQTT-4.8.2-2]
 */
enum status topic_parse_filter(struct slice text, struct topic_filter *out) MUST_CHECK;

/** True when the topic matches the (plain, checked) filter; wildcards at the front do not match a
 * topic with `$` first. The general matcher of the standard: for tests and for rare paths, not for
 * routing. */
bool topic_matches(struct slice filter, struct slice topic);
