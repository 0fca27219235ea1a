/*
 * One message on its way to one session: what the receiver shares (the message) and what is its
 * own. A value; whoever holds it owns its reference and its list of identifiers.
 */
#pragma once

#include "mqtt/message.h"

struct delivery {
    struct message *message;  /* owned reference */
    uint64_t seq;             /* the journal's number, 0: not from the journal */
    uint64_t told_seq;        /* v5: goes along as the user property `seq`, 0: none */
    uint64_t share;           /* the membership of a share group that it came by, 0: none */
    uint64_t share_seq;       /* and the number by which that group knows it, 0: it need not hear of
                                 its end (mqtt_service.share_over) */
    uint64_t trace;           /* the service's number under which it hears what becomes of it
                                 (mqtt_service.traced), 0: it need not hear */
    uint32_t subscription_id; /* 0: none */
    uint8_t more_id_count;
    uint8_t qos;       /* of this delivery */
    bool retain;       /* the flag as it leaves */
    bool was_released; /* resumed: PUBREC came already, only PUBREL is to be sent */
    bool may_be_again; /* it may have been sent before the server started */
    uint16_t
        resumed_id; /* not 0: it was on its way before the server started, with this identifier */
    uint32_t *more_ids; /* owned; further identifiers, when several filters match */
};

/** Frees what it owns and empties it; an empty one is accepted. */
static inline void delivery_deinit(struct delivery *d)
{
    if (d->message != NULL)
        message_unref(&d->message);
    if (d->more_ids != NULL) {
        mem_free(d->more_ids);
        d->more_ids = NULL;
    }
}
