/*
 * How a worker has a device made: an order to the main thread, which alone writes the registry
 * while the server runs; the answer comes back as a letter when the device is at home.
 *
 * Orders of one worker are carried out in order, many in one transaction. Asking for a device that
 * is there already gives that one. Source: device-protocol.md "sub_connect"
 */
#pragma once

#include "net/inbox.h"
#include "platform/sub_device.h"

struct registrar_order {
    struct registrar_order *next; /* the registrar's */
    unsigned home;                /* worker to which the answer goes */
    letter_fn answer;             /* gets the order back as its object, and with it ownership */
    uint64_t number;              /* the asker's */
    uint64_t project_id;
    uint64_t root_id;   /* that is connected */
    uint64_t parent_id; /* that is there: the steps go down from it */
    uint64_t type_id;   /* of the last one; those between have none */
    enum status status; /* of the answer: ST_OK, or why there is no such device */
    unsigned step_count;
    char steps[SUB_LEVELS_MAX][SUB_ADDRESS_MAX + 1]; /* zero-ended */
};

/** Filled in by the app. */
struct registrar {
    /** Takes an order; any worker's thread. False: too many wait, it stays the caller's. */
    bool (*submit)(void *arg, struct registrar_order *order);
    void *arg;
};
