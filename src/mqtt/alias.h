/* Topic aliases of one connection, both ways. Belong to their client. Source: MQTT 5.0
 * section 3.3.2.3.4 */
#pragma once

#include "base/bytes.h"
#include "base/mem.h"

enum {
    ALIAS_IN_MAX = 32,        /* what we let clients use */
    ALIAS_IN_TOPIC_MAX = 512, /* bytes; no longer topic names anything. Source: open-api.md 8 */
    ALIAS_OUT_MAX = 256       /* what we use of what clients let us */
};

/** Aliases that the client sets; a zeroed one has none. */
struct alias_in {
    struct buffer *topics; /* owned, ALIAS_IN_MAX of them, made when first used */
};

void alias_in_deinit(struct alias_in *a);
/** Remembers a topic (alias 1 to ALIAS_IN_MAX); of one above ALIAS_IN_TOPIC_MAX no more than shows
 * that it is. */
void alias_in_set(struct alias_in *a, uint16_t alias, struct slice topic);
/** The topic of an alias; false: not set. */
bool alias_in_get(const struct alias_in *a, uint16_t alias, struct slice *topic);

/** Aliases that we set; a zeroed one has none. */
struct alias_out {
    struct alias_out_slot *slots; /* owned */
    uint32_t *marks;              /* owned: of the topic in each slot, a part of its hash */
    uint16_t maximum;             /* 0: the client allows none */
};

void alias_out_init(struct alias_out *a, uint16_t client_maximum);
void alias_out_deinit(struct alias_out *a);

/** The alias for a topic (1 to maximum; 0: none, as others are worth more or none is allowed);
 * *is_known: the client knows it already, the topic may be left out. */
uint16_t alias_out_use(struct alias_out *a, struct slice topic, bool *is_known);

/** The packet that would have told the client an alias was not sent: it is not known after all. */
void alias_out_forget(struct alias_out *a, uint16_t alias);
