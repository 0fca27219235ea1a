/*
 * A publication: made once, immutable, counted, shared by all who receive it.
 *
 * One block of memory: the struct, then topic (with its two-byte length), properties to forward and
 * payload. A layer above may put a struct of its own around it (struct message first), made by
 * message_new with that struct's size. What differs per receiver (packet identifier, alias,
 * subscription identifiers, remaining expiry) is written when it is encoded. Any thread; only refs
 * changes.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/invariant.h"
#include "base/mem.h"

enum { MESSAGE_MAGIC = 0x4D455347 };

struct message {
    uint32_t magic;
    _Atomic uint32_t refs;
    uint16_t topic_len;
    uint8_t qos; /* as published; the delivery QoS is the receiver's matter */
    bool retain; /* as published */
    uint32_t properties_len;
    uint32_t payload_len;
    uint32_t order;       /* those with the same number reach a session in order; 0: with all */
    uint64_t expires_ms;  /* monotonic; 0: never. Source: [MQTT-3.3.2-5] */
    const uint8_t *bytes; /* inside the block: u16 topic length, topic, properties (v5 form, no
                             length), payload */
};

/**
 * A new message with one reference, which the caller owns.
 *
 * @param outer_size  size of the struct around it (struct message first), at least sizeof(struct
 * message); what lies behind struct message is zeroed and the caller's to fill before the message
 * is shared
 * @param topic       1 to 65,535 bytes
 * @param properties  v5 properties to hand on, encoded, without length
 */
struct message *message_new(size_t outer_size, struct slice topic, struct slice properties,
                            struct slice payload);

/** So many more references: the line of memory that all workers count on is fetched once. */
static inline void message_ref_many(struct message *m, uint32_t count)
{
    invariant(m->magic == MESSAGE_MAGIC);
    atomic_fetch_add_explicit(&m->refs, count, memory_order_relaxed);
}

/** One more reference. */
static inline struct message *message_ref(struct message *m)
{
    message_ref_many(m, 1);
    return m;
}

/** Gives one reference back; the last one frees. The giver's pointer becomes NULL. */
static inline void message_unref(struct message **mp)
{
    struct message *m = *mp;

    *mp = NULL;
    invariant(m != NULL && m->magic == MESSAGE_MAGIC);
    if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
        return;
    m->magic = 0;
    mem_free(m);
}

static inline struct slice message_topic(const struct message *m)
{
    return slice_make(m->bytes + 2, m->topic_len);
}

static inline struct slice message_properties(const struct message *m)
{
    return slice_make(m->bytes + 2 + m->topic_len, m->properties_len);
}

static inline struct slice message_payload(const struct message *m)
{
    return slice_make(m->bytes + 2 + m->topic_len + m->properties_len, m->payload_len);
}
