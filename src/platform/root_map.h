/*
 * Through which device each sub-device speaks: who is home to the one is home to the other.
 *
 * A map never changes after it was made. The main thread makes a new one from the old when the
 * registry has changed (parts that are the same are shared), and gives it to every worker by
 * letter; so each worker looks up in a map of its own turn, without a lock. Counted; any thread.
 * Devices that connect themselves are not in it. Source: device-protocol.md "Sub-devices"
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROOT_MAP_PARTS = 256 };

struct root_map_part;

struct root_map {
    _Atomic uint32_t refs;
    size_t count;                                /* of sub-devices */
    struct root_map_part *parts[ROOT_MAP_PARTS]; /* references; NULL: empty */
};

/** An empty map with one reference, which the caller owns. */
struct root_map *root_map_new(void);
struct root_map *root_map_ref(struct root_map *m);
/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void root_map_unref(struct root_map **m);

struct root_map_change {
    uint64_t device_id;
    uint64_t root_id; /* 0: it is no sub-device (any more) */
};

/** A new map, like `m` but for the changes, the last one of a device counting. */
struct root_map *root_map_with(const struct root_map *m, const struct root_map_change *changes,
                               size_t count);

/** Internal to root_map_find. */
uint64_t root_map_look_up(const struct root_map *m, uint64_t device_id);

/** The device that holds the connection for this one: itself, if it is no sub-device. */
static inline uint64_t root_map_find(const struct root_map *m, uint64_t device_id)
{
    return m->count == 0 ? device_id : root_map_look_up(m, device_id);
}
