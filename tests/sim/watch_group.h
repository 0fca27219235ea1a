/*
 * What holds for a share group as a whole, whoever its members were.
 */
#pragma once

#include "watcher.h"

/**
 * Proves that what was sent since the last member came or went has been taken by one of them, and
 * what was sent before by one at least, if they keep what they are owed; in a narrow world, that
 * what nobody has was counted. And that what a device sent left in that order, as far as that can
 * be told (watch_group.is_dated).
 */
void watch_group_check(struct watch_scene *scene);
