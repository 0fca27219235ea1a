/*
 * A world with one worker and one gateway, and below that a tree of sub-devices: "1", "2" and "é";
 * below "1", "1" and "2"; below those, "1".
 */
#pragma once

#include "platform/sub_device.h"
#include "world.h"

/** Opens it and gives the gateway; world_close at the end. */
struct device *sub_tree_open(struct world *w);

/** The path of a sub-device as text, steps joined by dots; the gateway's is empty. */
void sub_tree_append_path(const struct device *d, struct buffer *out);
