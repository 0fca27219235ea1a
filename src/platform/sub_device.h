/*
 * What makes a device a sub-device: a parent and an address below it.
 *
 * Sub-devices form trees; the root of a tree holds the connection, and all of the tree are at the
 * root's home. A step of an address is looked up in one table of the home. Part of the device, on
 * its home worker. Source: device-protocol.md "Sub-devices"
 */
#pragma once

#include "platform/device.h"

enum {
    SUB_LEVELS_MAX = 16,  /* below the device that is connected */
    SUB_ADDRESS_MAX = 128 /* bytes of a step */
};

struct sub_device {
    struct device *device;    /* borrowed: owns this */
    struct device *parent;    /* borrowed: its sub-devices go before it does */
    struct list sibling_node; /* in parent->below */
    uint64_t hash;            /* of parent and address */
    uint32_t mark;            /* the service's: see service/sub_report.c */
    uint8_t dialect;          /* the service's: by which topics it was heard of last */
    uint8_t address_len;
    char address[];
};

/** Puts a device below another one of its home, or leaves it there. A change of parent ends its
 * presence: the new one has not connected it. `address`: at most SUB_ADDRESS_MAX bytes. */
void sub_device_place(struct device *d, struct device *parent, struct slice address);

/** Takes a device out of its place: it connects itself from now on. One that does is accepted. */
void sub_device_free_place(struct device *d);

/** The same for a device that goes: nothing is told. */
void sub_device_remove(struct device *d);

/** The device at this step below another one, or NULL. */
struct device *sub_device_find(const struct device *parent, struct slice address);

/** The device that holds the connection: itself, if it is no sub-device. */
struct device *sub_device_root(struct device *d);

/** The steps from the root to a sub-device; gives how many. */
unsigned sub_device_path(const struct device *d, struct slice path[SUB_LEVELS_MAX]);

/** A device goes offline: so does all that is below it, first. */
void sub_device_parent_goes(struct device *d);

/** For the home's table. */
bool sub_device_equal(const void *item, const void *key);
