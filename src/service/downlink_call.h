/*
 * What applications send to devices, for callers that are no MQTT clients: sent, and the answer
 * waited for.
 *
 * The same as a publish to `attributes_push` or `command_send` (service/downlink.h), with the same
 * watchers and the same refusals; beside them custom data, and values of the cloud's own. Blocks;
 * any thread but a worker's, while the workers run and until they are stopped. Source:
 * open-api.md 3.3, 7
 */
#pragma once

#include "net/worker.h"
#include "platform/command_ledger.h"
#include "platform/open_kind.h"

enum downlink_verdict {
    DOWNLINK_DELIVERED, /* to the device's session */
    DOWNLINK_NOT_TAKEN, /* accepted; nothing takes it for the device */
    DOWNLINK_NO_DEVICE, /* no such device of this project */
    DOWNLINK_MALFORMED, /* no JSON object, or wrong members */
    DOWNLINK_REFUSED,   /* by the device type */
    DOWNLINK_TOO_MANY,  /* commands outstanding */
    DOWNLINK_TOO_LARGE,
    DOWNLINK_STALE,     /* the guard does not let it be */
    DOWNLINK_NOT_STORED /* the journal has not confirmed it in time: it may come to pass or not */
};

struct downlink_call {
    uint64_t project_id, device_id;
    enum open_kind kind; /* as in struct downlink */
    struct slice stream; /* of DATA */
    struct slice payload;
    uint32_t expiry_s; /* 0: the default */
    /** Asked just before, on the device's home; NULL: nobody. */
    bool (*guard)(struct worker *w, void *arg);
    void *guard_arg;
};

struct downlink_call_answer {
    enum downlink_verdict verdict;
    unsigned line, column; /* of a fault in the JSON; 0: none */
    char why[256];         /* one sentence; empty: none */
    bool has_id;
    struct command_id id; /* of a command, given or made */
};

void downlink_call(struct worker_group *g, const struct downlink_call *call,
                   struct downlink_call_answer *answer);
