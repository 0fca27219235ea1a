/*
 * Which of its topics a device means: one of the table, or one that its type maps to a stream, for
 * devices whose topics cannot be changed. On the device's home worker. Source: device-protocol.md
 * "Topic mapping"
 */
#pragma once

#include "service/device_link.h"

enum {
    TOPIC_MAP_NAME_MAX = 512 /* room enough for any topic of a device */
};

/** The topic with this name and direction. Its own names come first. Errors: ST_NOT_FOUND. */
enum status topic_map_find(const struct device *d, struct slice topic,
                           enum device_direction direction,
                           struct device_topic_parts *out) MUST_CHECK;

/**
 * Writes the name of a downlink topic.
 *
 * @param is_mapped  as its type maps the stream
 * @return its length; 0: its type does not map it (any more)
 */
size_t topic_map_write(const struct device *d, const struct device_topic_parts *parts,
                       char out[TOPIC_MAP_NAME_MAX]);
