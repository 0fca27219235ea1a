/*
 * What a gateway sends while a sub-device of it is being made: it waits here, in order, because it
 * may be about that one; then it is handled as if it came now. A message that would have another
 * sub-device made asks for it at once, so that many are made together.
 *
 * One queue a gateway, bounded; at its home worker. Source: device-protocol.md "sub_connect"
 */
#pragma once

#include "platform/registrar.h"
#include "service/sub_topic.h"

enum {
    SUB_HOLD_MESSAGES_MAX = 1024,    /* of a gateway */
    SUB_HOLD_BYTES_MAX = 1024 * 1024 /* and their bytes */
};

/** True while messages of this gateway must wait. */
bool sub_hold_is_open(const struct device *root);

/** Keeps a message of the gateway; its publish is answered later. */
struct service_verdict sub_hold_keep(const struct device_input *in);

/**
 * Has a sub-device made, and keeps the message that wants it, as sub_hold_keep.
 *
 * @param nearest  the device from which the steps behind `depth` of the path go down
 * Errors: ST_FULL: the gateway has as many sub-devices as it may; ST_BUSY: too many are being made;
 * ST_UNSUPPORTED: nobody makes any. Then nothing was kept
 */
enum status sub_hold_make(const struct device_input *in, const struct sub_path *path,
                          const struct device *nearest, unsigned depth, uint64_t type_id,
                          struct service_verdict *verdict) MUST_CHECK;

/** The gateway goes, or does not connect itself any more: what it sent is dropped and recorded. */
void sub_hold_drop(struct device *root);

/** The holds of a worker. */
void sub_hold_init(struct site *s);
void sub_hold_deinit(struct site *s);
