/*
 * A world with devices, sub-devices and types, and the oracle of alarms that hears what the server
 * says in it: what is wrong or missing ends the run.
 */
#pragma once

#include "alarm_oracle.h"
#include "platform/device.h"
#include "world.h"

/** Who stands below whom, and at which address. */
struct alarm_seat {
    int parent; /* -1: it connects itself */
    const char *address;
};
extern const struct alarm_seat alarm_seats[ALARM_DEVICES];

struct alarm_scene {
    struct world world;
    struct oracle oracle;
    struct link *links[ALARM_DEVICES]; /* of those that connect themselves */
    struct home_sink sink;             /* the server's, but that we hear what is published */
};

void alarm_scene_open(struct alarm_scene *s, uint64_t seed);
void alarm_scene_close(struct alarm_scene *s);

/** After a start: everything that is not on disk but the rules, as the registry would give it. */
void alarm_scene_furnish(struct alarm_scene *s);

/** Lets things happen until nothing is under way: then all that must be said has been said. */
void alarm_scene_settle(struct alarm_scene *s);

/** Time passes, step by step, so that what a timer says is heard when it is due. */
void alarm_scene_advance(struct alarm_scene *s, int64_t ms);

/** Forgets what clients are sent, which means nothing here, and links that the server has closed.
 */
void alarm_scene_read_all(struct alarm_scene *s);

struct device *alarm_scene_device(struct alarm_scene *s, unsigned device);
/** The device through which this one speaks; it may be itself. */
unsigned alarm_scene_root(unsigned device);
uint64_t alarm_scene_rule_id(unsigned rule);
uint64_t alarm_scene_project_id(void);
