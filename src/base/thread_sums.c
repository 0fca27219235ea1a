/*
 * Sums over threads: a list of the living threads' parts under a mutex, and the rest.
 *
 * A thread writes its own values only, with relaxed stores and without the mutex; the mutex
 * guards the list, so that a reader never sees a part whose thread is gone, nor one both in the
 * list and in the rest.
 */
#include "base/thread_sums.h"

#include <stdatomic.h>

#include "base/invariant.h"

static void on_thread_end(void *arg)
{
    struct thread_sums_part *part = arg;
    struct thread_sums *sums = part->sums;
    _Atomic int64_t *values = *part->current;

    invariant(pthread_mutex_lock(&sums->mutex) == 0);
    list_remove(&part->node);
    for (size_t i = 0; i < part->count; i++)
        thread_sums_add_rest(sums, i, atomic_load_explicit(&values[i], memory_order_relaxed));
    *part->current = NULL;
    invariant(pthread_mutex_unlock(&sums->mutex) == 0);
}

void thread_sums_join(struct thread_sums *sums, struct thread_sums_part *part,
                      _Atomic int64_t *values, size_t count, _Atomic int64_t **current)
{
    if (part->joined)
        return;
    *part =
        (struct thread_sums_part){.sums = sums, .current = current, .count = count, .joined = true};
    invariant(pthread_mutex_lock(&sums->mutex) == 0);
    if (!sums->key_made)
        invariant(pthread_key_create(&sums->key, on_thread_end) == 0);
    sums->key_made = true;
    list_push_back(&sums->parts, &part->node);
    *current = values;
    invariant(pthread_mutex_unlock(&sums->mutex) == 0);
    invariant(pthread_setspecific(sums->key, part) == 0);
}

void thread_sums_add_rest(struct thread_sums *sums, size_t index, int64_t n)
{
    atomic_fetch_add_explicit(&sums->rest[index], n, memory_order_relaxed);
}

int64_t thread_sums_read(struct thread_sums *sums, size_t index)
{
    int64_t sum;

    invariant(pthread_mutex_lock(&sums->mutex) == 0);
    sum = atomic_load_explicit(&sums->rest[index], memory_order_relaxed);
    for (struct list *node = sums->parts.next; node != &sums->parts; node = node->next) {
        struct thread_sums_part *part = list_entry(node, struct thread_sums_part, node);

        /* `current` is written under the mutex only, by its thread. */
        sum += atomic_load_explicit(&(*part->current)[index], memory_order_relaxed);
    }
    invariant(pthread_mutex_unlock(&sums->mutex) == 0);
    return sum;
}
