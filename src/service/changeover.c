#include "service/changeover.h"

#include "platform/router.h"

/* object: the ways. */
static void open_own_answer(struct worker *w, const struct letter *l)
{
    const struct changeover_ways *ways = l->object;

    home_of(w)->letters_to_self--;
    ways->answered(w, l);
}

/* The same way as messages go, so as not to come before or behind one. */
static void answer_self(struct worker *w, const struct changeover_ways *ways, struct letter *answer)
{
    struct home *h = home_of(w);

    if (h->letters_to_self == 0) {
        ways->answered(w, answer);
        return;
    }
    answer->open = open_own_answer;
    answer->object = (void *)ways;
    h->letters_to_self++;
    worker_post(w, w->index, answer);
}

/* At each worker. object: the ways; a: the asker, b: its worker, c: its project. */
static void open_question(struct worker *w, const struct letter *l)
{
    const struct changeover_ways *ways = l->object;
    struct home *h = home_of(w);
    struct letter answer = {.open = ways->answered, .a = l->a, .b = w->index, .c = h->recorded};
    struct router_receipt barrier = {
        .open = ways->committed, .to = (unsigned)l->b, .a = l->a, .b = w->index, .wants_seq = true};

    if (l->b == w->index)
        answer_self(w, ways, &answer);
    else
        worker_post(w, (unsigned)l->b, &answer);
    router_put_barrier(h, l->c, &barrier);
}

void changeover_ask(struct worker *w, uint64_t project_id, uint64_t id,
                    const struct changeover_ways *ways)
{
    struct letter letter = {
        .open = open_question, .object = (void *)ways, .a = id, .b = w->index, .c = project_id};

    /* Behind the bits of interest: who opens it records what we have subscribed to. */
    for (unsigned i = 0; i < worker_group_count(w->group); i++)
        worker_post(w, i, &letter);
}

void changeover_note_answer(struct changeover *c, const struct letter *l)
{
    c->answered |= 1ull << l->b;
    c->numbers[l->b] = l->c;
}

bool changeover_note_commit(struct changeover *c, const struct worker *w, const struct letter *l)
{
    unsigned count = worker_group_count(w->group);

    c->committed |= 1ull << l->b;
    c->seq = l->c;
    return c->committed == (count == 64 ? UINT64_MAX : (1ull << count) - 1);
}

bool changeover_takes_live(const struct changeover *c, const struct open_message *m)
{
    return m->record_number == 0 || (c->answered & 1ull << m->home) == 0;
}

bool changeover_takes_committed(const struct changeover *c, const struct open_message *m)
{
    return (c->answered & 1ull << m->home) != 0 && m->record_number > c->numbers[m->home];
}
