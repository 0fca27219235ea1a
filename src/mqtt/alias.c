/*
 * Topic aliases. Ours towards a client are slots chosen by the topic's hash: no list to keep, a
 * topic that comes often keeps its slot, and two that share one take turns.
 */
#include "mqtt/alias.h"

#include "base/hash_table.h"
#include "base/invariant.h"

struct alias_out_slot {
    struct buffer topic; /* owned; empty: never used */
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

void alias_in_set(struct alias_in *a, uint16_t alias, struct slice topic)
{
    invariant(alias >= 1 && alias <= ALIAS_IN_MAX);
    if (a->topics == NULL)
        a->topics = mem_new(MEM_CONN, ALIAS_IN_MAX * sizeof(struct buffer));
    a->topics[alias - 1].len = 0;
    buffer_append_slice(&a->topics[alias - 1], topic);
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
    a->slots = NULL;
}

uint16_t alias_out_use(struct alias_out *a, struct slice topic, bool *is_known)
{
    struct buffer *slot;
    uint16_t index;

    if (a->maximum == 0)
        return 0;
    if (a->slots == NULL)
        a->slots = mem_new(MEM_CONN, a->maximum * sizeof(struct alias_out_slot));
    index = (uint16_t)(hash_bytes(topic) % a->maximum);
    slot = &a->slots[index].topic;
    *is_known = slice_equal(buffer_slice(slot), topic);
    if (!*is_known) {
        slot->len = 0;
        buffer_append_slice(slot, topic);
    }
    return (uint16_t)(index + 1);
}

void alias_out_forget(struct alias_out *a, uint16_t alias)
{
    a->slots[alias - 1].topic.len = 0;
}
