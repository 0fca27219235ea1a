/*
 * A worker turned by hand that is home to one project with one device, and hears all that is
 * published of it. Time stands still but for one_device_advance. One at a time, one thread.
 */
#pragma once

#include "platform/device.h"

enum { ONE_DEVICE_START_MS = 100000, ONE_DEVICE_START_UNIX_MS = 1700000000 };

struct one_device {
    struct worker_group *workers;
    struct home_shared shared;
    struct device *device; /* borrowed */
    struct buffer story;
};

/** A setup and a teardown of cmocka (the state is a struct one_device); the latter proves that
 * nothing is left. */
int one_device_open(void **state);
int one_device_close(void **state);

#define ONE_DEVICE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, one_device_open, one_device_close)

/** Ends it and begins again, as after a restart; `left`: how long the pause lasted. */
void one_device_restart(struct one_device *o, uint64_t pause_ms);

/** Moves the clock, then turns the worker. */
void one_device_advance(struct one_device *o, uint64_t ms);

/** Fails unless these are the messages published since the last call: "<kind> <payload>" each, a
 * line each. `'` stands for `"`, and the time of now may be written as `NOW`. */
void one_device_expect(struct one_device *o, const char *want);
