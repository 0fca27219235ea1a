/*
 * How alarms stand now: asked of the homes of the devices, and waited for.
 *
 * Called on the HTTP server's threads. A project's devices are looked at a bounded number at a
 * time, so that no worker is held up; what changes meanwhile may be seen or not.
 */
#pragma once

#include "http/http_call.h"
#include "platform/alarm.h"

/** One rule at one device. */
struct alarm_standing {
    uint64_t device_id;
    struct alarm_rule *rule; /* a reference */
    enum alarm_state state;
    uint32_t met_count;
    int64_t met_since_ms, since_ms;
};

/** Where a list of them has come to: behind it are those that are older, and at the same time those
 * of smaller identifiers. */
struct alarm_standing_place {
    int64_t since_ms;
    uint64_t device_id, rule_id;
};

/** Which of a project. */
struct alarm_ask {
    uint64_t device_id, rule_id; /* 0: any */
    bool by_type;
    uint64_t type_id;                  /* 0: devices that have none */
    unsigned levels, states;           /* a bit each; 0: any, but for the state normal */
    struct alarm_standing_place below; /* device_id 0: begin with the newest */
    size_t wanted;                     /* at most */
};

/** Appends those (struct alarm_standing) that the caller may see, newest first. */
void alarm_ask_project(struct http_call *call, const struct alarm_ask *ask, struct buffer *out);

/** Appends all of the call's device, in the order of its rules. False: it is not known to its home.
 */
bool alarm_ask_device(struct http_call *call, struct buffer *out) MUST_CHECK;

/** Gives the references back and frees the buffer. */
void alarm_ask_free(struct buffer *found);
