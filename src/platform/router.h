/*
 * Fan-out of open messages: to the workers that have interest, in batches, and through the journal
 * when somebody is owed them.
 *
 * Clean sessions get a message at once; persistent ones after its commit, in the order of commit.
 * Source: architecture.md "The journal", "A subscription is compiled"
 */
#pragma once

#include "platform/home.h"

/** A letter that is posted to a worker when the message is in the journal. */
struct router_receipt {
    letter_fn open;
    unsigned to;
    uint64_t a, b, c;
    bool wants_seq; /* of a barrier: `c` is set to the project's last number before it */
};

/** Whether anybody could receive a message of this kind that is published now: what nobody wants
 * need not be made. */
bool router_is_wanted(const struct project *p, enum open_kind kind);

/** Whether answers of the project wait until what they say is durable. */
bool router_is_awaited(const struct project *p);

/** Whether a message is acknowledged after its commit: then its receipt will be posted. */
enum router_way { ROUTER_LIVE, ROUTER_JOURNAL };

/**
 * Sends a message on its way.
 *
 * @param m        its reference passes
 * @param receipt  posted when it is in the journal; may be NULL
 */
enum router_way router_publish(struct home *h, struct open_message **m,
                               const struct router_receipt *receipt);

/** Has the receipt of several messages come with the newest record of this turn, all being
 * committed then. `before`: h->journal_last before they were published. False: none of them is a
 * record. */
bool router_receipt_with_newest(struct home *h, const struct journal_request *before,
                                const struct router_receipt *receipt);

/** Puts a row of a project into the journal, in order with what is published (an empty value
 * removes it). `receipt`, posted when it is durable, may be NULL. */
void router_put_row(struct home *h, enum journal_table table, uint64_t project_id, struct slice key,
                    struct slice value, const struct router_receipt *receipt);

/** Has the receipt come when all that this turn has for the journal, before and after, is durable.
 */
void router_put_barrier(struct home *h, uint64_t project_id, const struct router_receipt *receipt);

/** Hands the turn's records and rows to the committing thread; a hook at the end of a turn. */
void router_submit(struct home *h);

/** The committing thread's callback; `arg`: the worker group. */
void router_on_committed(struct journal_request *first, void *arg);
