/*
 * Topic aliases.
 *
 * Ours towards a client: a topic may stand in a few slots, found by its hash. A slot is defended by
 * credit, which its topic earns each time it is sent and loses to others that want the slot. So
 * with more topics than aliases those that come often keep theirs, one that falls silent loses it,
 * and the rest is sent without an alias instead of taking turns, which would cost more bytes than
 * none at all.
 */
#include "mqtt/alias.h"

#include "base/hash_table.h"
#include "base/invariant.h"

enum {
    ALIAS_OUT_WAYS = 8,     /* slots in which a topic may stand */
    ALIAS_CREDIT_STEP = 16, /* others that an entry outlives until it is sent again */
    ALIAS_CREDIT_MAX = 64
};

struct alias_out_slot {
    struct buffer topic; /* owned; empty: never used */
    uint8_t credit;
};

void alias_in_deinit(struct alias_in *a)
{
    if (a->topics == NULL)
        return;
    for (unsigned i = 0; i < ALIAS_IN_MAX; i++)
        buffer_deinit(&a->topics[i]);
    mem_free(a->topics);
    a->topics = NULL;
}

/* One that is too long stays too long, and ends with a whole character. */
static struct slice cut_long(struct slice topic)
{
    size_t len = ALIAS_IN_TOPIC_MAX + 1;

    if (topic.len <= len)
        return topic;
    while (len < topic.len && (topic.data[len] & 0xC0) == 0x80)
        len++;
    return slice_make(topic.data, len);
}

void alias_in_set(struct alias_in *a, uint16_t alias, struct slice topic)
{
    invariant(alias >= 1 && alias <= ALIAS_IN_MAX);
    if (a->topics == NULL)
        a->topics = mem_new(MEM_CONN, ALIAS_IN_MAX * sizeof(struct buffer));
    a->topics[alias - 1].len = 0;
    buffer_append_slice(&a->topics[alias - 1], cut_long(topic));
}

bool alias_in_get(const struct alias_in *a, uint16_t alias, struct slice *topic)
{
    invariant(alias >= 1 && alias <= ALIAS_IN_MAX);
    if (a->topics == NULL || a->topics[alias - 1].len == 0)
        return false;
    *topic = buffer_slice(&a->topics[alias - 1]);
    return true;
}

void alias_out_init(struct alias_out *a, uint16_t client_maximum)
{
    a->maximum = client_maximum < ALIAS_OUT_MAX ? client_maximum : ALIAS_OUT_MAX;
}

void alias_out_deinit(struct alias_out *a)
{
    if (a->slots == NULL)
        return;
    for (unsigned i = 0; i < a->maximum; i++)
        buffer_deinit(&a->slots[i].topic);
    mem_free(a->slots);
    mem_free(a->marks);
    a->slots = NULL;
    a->marks = NULL;
}

static void make_slots(struct alias_out *a)
{
    a->slots = mem_new(MEM_CONN, a->maximum * sizeof(*a->slots));
    a->marks = mem_new(MEM_CONN, a->maximum * sizeof(*a->marks));
}

/* The slot that has the topic, or maximum. *poorest: of those that it may have, the one with the
 * least credit. */
static uint16_t find_slot(const struct alias_out *a, struct slice topic, uint64_t hash,
                          uint16_t *poorest)
{
    unsigned ways = a->maximum < ALIAS_OUT_WAYS ? a->maximum : ALIAS_OUT_WAYS;
    unsigned index = (unsigned)(hash % a->maximum);

    *poorest = (uint16_t)index;
    for (unsigned i = 0; i < ways; i++) {
        if (a->marks[index] == (uint32_t)(hash >> 32) &&
            slice_equal(buffer_slice(&a->slots[index].topic), topic))
            return (uint16_t)index;
        if (a->slots[index].credit < a->slots[*poorest].credit)
            *poorest = (uint16_t)index;
        index = index + 1 == a->maximum ? 0 : index + 1;
    }
    return a->maximum;
}

uint16_t alias_out_use(struct alias_out *a, struct slice topic, bool *is_known)
{
    struct alias_out_slot *slot;
    uint16_t index, poorest;
    uint64_t hash;

    *is_known = false;
    if (a->maximum == 0)
        return 0;
    if (a->slots == NULL)
        make_slots(a);
    hash = hash_bytes(topic);
    index = find_slot(a, topic, hash, &poorest);
    if (index < a->maximum) {
        slot = &a->slots[index];
        slot->credit = slot->credit + ALIAS_CREDIT_STEP < ALIAS_CREDIT_MAX
                           ? (uint8_t)(slot->credit + ALIAS_CREDIT_STEP)
                           : ALIAS_CREDIT_MAX;
        *is_known = true;
        return (uint16_t)(index + 1);
    }
    slot = &a->slots[poorest];
    if (slot->credit > 0) {
        slot->credit--;
        return 0;
    }
    slot->credit = ALIAS_CREDIT_STEP;
    slot->topic.len = 0;
    buffer_append_slice(&slot->topic, topic);
    a->marks[poorest] = (uint32_t)(hash >> 32);
    return (uint16_t)(poorest + 1);
}

void alias_out_forget(struct alias_out *a, uint16_t alias)
{
    a->slots[alias - 1].topic.len = 0;
    a->slots[alias - 1].credit = 0;
}
