/*
 * The inbox is a stack that writers push batches on with compare-and-swap and the reader takes
 * whole with one exchange; reversing it gives the order of posting. No node is reused while it is
 * in the stack, so there is no ABA question.
 */
#include "net/inbox.h"

#include <stddef.h>

#include "base/mem.h"

struct inbox_batch *inbox_batch_new(void)
{
    struct inbox_batch *b = mem_alloc(MEM_INBOX, sizeof(*b));

    b->next = NULL;
    b->count = 0;
    return b;
}

void inbox_batch_free(struct inbox_batch **bp)
{
    mem_free(*bp);
    *bp = NULL;
}

bool inbox_post(struct inbox *i, struct inbox_batch **bp)
{
    struct inbox_batch *b = *bp;
    struct inbox_batch *head = atomic_load_explicit(&i->newest, memory_order_relaxed);

    *bp = NULL;
    atomic_fetch_add_explicit(&i->backlog, 1, memory_order_relaxed);
    do {
        b->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&i->newest, &head, b, memory_order_release,
                                                    memory_order_relaxed));
    return head == NULL;
}

struct inbox_batch *inbox_take(struct inbox *i)
{
    struct inbox_batch *b = atomic_exchange_explicit(&i->newest, NULL, memory_order_acquire);
    struct inbox_batch *oldest = NULL;

    while (b != NULL) {
        struct inbox_batch *next = b->next;

        b->next = oldest;
        oldest = b;
        b = next;
    }
    return oldest;
}
