/*
 * Counted bytes in one block: the count, the length, the bytes.
 *
 * Nothing but the count changes after it was made, so any thread that holds a reference may read.
 */
#include "base/shared_bytes.h"

#include <stdatomic.h>

#include "base/invariant.h"

enum { SHARED_BYTES_MAGIC = 0x53425954 };

struct shared_bytes {
    uint32_t magic;
    _Atomic uint32_t refs;
    size_t len;
    uint8_t data[];
};

struct shared_bytes *shared_bytes_new(enum mem_use use, struct slice s)
{
    struct shared_bytes *b;

    invariant(s.len <= PTRDIFF_MAX - sizeof(*b));
    b = mem_alloc(use, sizeof(*b) + s.len);
    b->magic = SHARED_BYTES_MAGIC;
    atomic_init(&b->refs, 1);
    b->len = s.len;
    if (s.len > 0)
        memcpy(b->data, s.data, s.len);
    return b;
}

struct shared_bytes *shared_bytes_ref(struct shared_bytes *b)
{
    if (b == NULL)
        return NULL;
    invariant(b->magic == SHARED_BYTES_MAGIC);
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void shared_bytes_unref(struct shared_bytes **bp)
{
    struct shared_bytes *b = *bp;

    *bp = NULL;
    if (b == NULL)
        return;
    invariant(b->magic == SHARED_BYTES_MAGIC);
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    b->magic = 0;
    mem_free(b);
}

struct slice shared_bytes_slice(const struct shared_bytes *b)
{
    if (b == NULL)
        return (struct slice){NULL, 0};
    invariant(b->magic == SHARED_BYTES_MAGIC);
    return (struct slice){b->data, b->len};
}
