/*
 * From live to the journal: when a receiver of open messages is to be fed by the journal from now
 * on, which message was given live, and which comes when it is committed.
 *
 * Each worker is asked twice: a letter back says how many records it has made so far, and so which
 * of them are older than the question; and a barrier comes back when those are committed. From the
 * first answer of a worker on its recorded messages are not taken live any more, but when they are
 * committed. When all barriers are there, all that was taken live has a number not above the last
 * barrier's, which is where the receiver stands in the journal then. Until then it must be in the
 * index twice, live and durable, the second before it asks.
 */
#pragma once

#include "platform/home.h"

struct changeover {
    uint64_t answered, committed;                /* bits of workers */
    uint64_t numbers[OPEN_INTEREST_WORKERS_MAX]; /* records made before the question, by worker */
    uint64_t seq;                                /* of the last barrier */
};

/** Where the answers go: at the asker's worker; a: the asker, b: the worker that answers, c: for
 * changeover_note_answer and changeover_note_commit. Outlives all letters. */
struct changeover_ways {
    letter_fn answered, committed;
};

/** Asks all workers. `id`: how the asker is found again. */
void changeover_ask(struct worker *w, uint64_t project_id, uint64_t id,
                    const struct changeover_ways *ways);

void changeover_note_answer(struct changeover *c, const struct letter *l);

/** True: this was the last; c->seq is where the asker stands. */
bool changeover_note_commit(struct changeover *c, const struct worker *w, const struct letter *l);

/** Whether a message that came live counts. */
bool changeover_takes_live(const struct changeover *c, const struct open_message *m);

/** Whether a message that was committed counts. */
bool changeover_takes_committed(const struct changeover *c, const struct open_message *m);
