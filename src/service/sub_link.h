/*
 * What goes to a sub-device: into the session of the device that is connected, in the dialect that
 * this one speaks, with the inner payload byte for byte. On their home worker.
 * Source: device-protocol.md
 */
#pragma once

#include "service/sub_topic.h"

/** A trace with this bit is a place in the link's own list of whose commands they are. */
#define SUB_TRACE_BIT (UINT64_C(1) << 63)

/** Delivers a push or a command (by its own topic's name) for a sub-device. NULL: the session takes
 * it; else why not: one sentence (static). */
const char *sub_link_deliver(struct device *d, const struct device_downlink *m);

/** Begins an answer: an object with `device` in it. */
void sub_link_begin(enum sub_dialect dialect, enum device_topic topic, const struct sub_path *path,
                    struct buffer *out);

/** Delivers an answer on a topic (of `sub_…`) to the connected device, if it wants it. */
void sub_link_answer(struct device *root, enum sub_dialect dialect, enum device_topic topic,
                     struct slice payload);

/** A session is given a command of a sub-device: the trace under which it will be heard of. */
uint64_t sub_link_trace(struct device_link *link, const struct device *d, uint64_t number,
                        bool ends_when_sent);

/** The session has not taken it after all. */
void sub_link_untrace(struct device_link *link, uint64_t trace);

/** Whose command a trace of the session is: sets its number; NULL: of a device that has gone. */
struct device *sub_link_traced(struct device_link *link, uint64_t trace, enum delivery_step step,
                               uint64_t *number);

/** The session of the connected device has ended, and with it what it held for those below. */
void sub_link_session_ended(struct device *root);
