/*
 * The message log of a device: all of its messages while its log (or its project's) is on, and
 * always a few of the last ones that were not simply carried out. Entries are told live on
 * `$open/<pk>/<du>/log`. On the device's home worker. Source: open-api.md 3.3 "Recorded"
 */
#pragma once

#include "platform/device.h"
#include "platform/message_log.h"

enum {
    /* What is kept of what was recorded while the log is off. */
    DEVICE_LOG_OFF_ENTRIES = 16,
    DEVICE_LOG_OFF_BYTES = 4096,
    DEVICE_LOG_OFF_PAYLOAD = 256
};

/** The device's own switch, or that of its project, has been set. */
void device_log_switch(struct device *d, bool own);
void device_log_switch_project(struct device *d);

/** A message of a device is about to be handled; device_log_end when it was. What is logged
 * meanwhile stands behind it. */
static inline void device_log_begin(struct home *h)
{
    h->note.is_handling = true;
    h->note.is_put_off = false;
    h->note.is_set = false;
}

/** The message that is being handled waits: it will be handled, and logged, once more. */
static inline void device_log_put_off(struct home *h)
{
    h->note.is_put_off = true;
}

/** Notes what is to be said of the message that is being handled; the last note counts. */
void device_log_note(struct home *h, enum message_verdict verdict, const char *why);

/** The message of this device was handled: it is logged if that is due, as noted. */
void device_log_handled(struct device *d, const struct logged_message *m);

static inline void device_log_end(struct device *d, const struct logged_message *m)
{
    struct home *h = d->home;

    h->note.is_handling = false;
    if (d->is_logged || h->note.is_set || !list_is_empty(&h->note.later))
        device_log_handled(d, m);
}

/** What was noted of a message so far, while one inside it is handled. */
struct device_log_outer {
    bool is_set;
    enum message_verdict verdict;
    char why[HOME_NOTE_MAX];
};

/** Around the handling of a message inside the one that is being handled (of a sub-device, in that
 * of its gateway): it is an entry of its own device, and what is noted belongs to it. */
void device_log_begin_inner(struct home *h, struct device_log_outer *outer);
void device_log_end_inner(struct device *d, const struct logged_message *m,
                          const struct device_log_outer *outer);

/** Logs a message. */
void device_log_add(struct device *d, const struct logged_message *m);

/** Appends entries as JSON objects with commas between, newest first, from the one before the
 * number `before` on; gives how many. `last`: set to the number of the last one. */
unsigned device_log_page(const struct device *d, uint64_t before, unsigned max, struct buffer *out,
                         uint64_t *last);

/** The same, oldest first, from the one behind the number `after` on. */
unsigned device_log_page_after(const struct device *d, uint64_t after, unsigned max,
                               struct buffer *out, uint64_t *last);
