/*
 * Groups that were there before the server started. Their members are told to them by letter, each
 * by its worker; who comes first must not get all devices, nor what another one has in its hands.
 */
#include "base/invariant.h"
#include "service/share_group_priv.h"

void share_expected_init(struct site *s)
{
    list_init(&s->share_expected);
}

static void forget_expected(struct share_expected *x)
{
    list_remove(&x->node);
    buffer_deinit(&x->claims);
    mem_free(x);
}

void share_expected_deinit(struct site *s)
{
    while (!list_is_empty(&s->share_expected))
        forget_expected(list_entry(s->share_expected.next, struct share_expected, node));
}

static struct share_expected *find_expected(const struct site *s, uint64_t hash)
{
    for (struct list *n = s->share_expected.next; n != &s->share_expected; n = n->next) {
        struct share_expected *x = list_entry(n, struct share_expected, node);

        if (x->hash == hash)
            return x;
    }
    return NULL;
}

void share_group_expect(struct site *s, uint64_t hash)
{
    struct share_expected *x = find_expected(s, hash);

    if (x == NULL) {
        x = mem_new_of(MEM_SUBSCRIPTION, struct share_expected);
        x->hash = hash;
        list_push_back(&s->share_expected, &x->node);
    }
    x->joins++;
}

void share_group_expect_claim(struct site *s, uint64_t hash, uint64_t seq, uint64_t share)
{
    struct share_claim c = {seq, share};

    buffer_append(&find_expected(s, hash)->claims, &c, sizeof(c));
}

void share_expected_note(struct share_group *g)
{
    struct share_expected *x = find_expected(site_of(g->worker), g->hash);

    if (x == NULL || --x->joins > 0)
        return;
    buffer_deinit(&g->feed.claims);
    g->feed.claims = x->claims; /* in the order of their rows, and so of their numbers */
    x->claims = (struct buffer){0};
    forget_expected(x);
}

bool share_expected_waits(const struct share_group *g)
{
    return find_expected(site_of(g->worker), g->hash) != NULL;
}
