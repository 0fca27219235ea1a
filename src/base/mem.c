/*
 * Memory with a header of 16 bytes before each block: size, purpose, magic number.
 *
 * The magic number tells at once when something is freed twice or was never ours; the size lets
 * a block be counted back without asking its user. Where the memory comes from is malloc's
 * business. When there is none the process ends: see mem.h.
 */
#include "base/mem.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/invariant.h"
#include "base/thread_sums.h"

enum { MEM_MAGIC = 0x4d454d31 };

struct mem_header {
    size_t size; /* as asked for, without the header */
    uint32_t use;
    uint32_t magic;
};
_Static_assert(sizeof(struct mem_header) % alignof(max_align_t) == 0,
               "what lies behind the header is aligned for any type");

static const char *const use_texts[MEM_USE_COUNT] = {
#define X(name, text) [MEM_##name] = text,
    MEM_USE_LIST(X)
#undef X
};

static _Atomic int64_t rest[MEM_USE_COUNT];
static struct thread_sums sums = THREAD_SUMS_INIT(sums, rest);
static _Thread_local _Atomic int64_t thread_values[MEM_USE_COUNT];
static _Thread_local struct thread_sums_part thread_part;
static _Thread_local _Atomic int64_t *current; /* NULL: not joined yet, or the thread is ending */

static void count(uint32_t use, int64_t bytes)
{
    if (__builtin_expect(current == NULL, 0)) {
        thread_sums_join(&sums, &thread_part, thread_values, MEM_USE_COUNT, &current);
        if (current == NULL) {
            thread_sums_add_rest(&sums, use, bytes);
            return;
        }
    }
    atomic_store_explicit(&current[use],
                          atomic_load_explicit(&current[use], memory_order_relaxed) + bytes,
                          memory_order_relaxed);
}

static void *begin(struct mem_header *header, enum mem_use use, size_t size)
{
    if (header == NULL) {
        (void)fprintf(stderr, "out of memory: %zu bytes for %s\n", size, mem_use_text(use));
        abort();
    }
    header->size = size;
    header->use = use;
    header->magic = MEM_MAGIC;
    count(use, (int64_t)size);
    return header + 1;
}

static size_t with_header(enum mem_use use, size_t size)
{
    invariant(use < MEM_USE_COUNT);
    invariant(size <= PTRDIFF_MAX - sizeof(struct mem_header));
    return size + sizeof(struct mem_header);
}

/* The header of a block that was handed out; it is counted back. */
static struct mem_header *end(void *p)
{
    struct mem_header *header = (struct mem_header *)p - 1;

    invariant(header->magic == MEM_MAGIC);
    header->magic = 0;
    count(header->use, -(int64_t)header->size);
    return header;
}

void *mem_alloc(enum mem_use use, size_t size)
{
    return begin(malloc(with_header(use, size)), use, size);
}

void *mem_new(enum mem_use use, size_t size)
{
    return begin(calloc(1, with_header(use, size)), use, size);
}

void *mem_resize(enum mem_use use, void *p, size_t size)
{
    size_t total = with_header(use, size);
    struct mem_header *header;

    if (p == NULL)
        return mem_alloc(use, size);
    header = end(p);
    use = header->use;
    return begin(realloc(header, total), use, size);
}

void mem_free(void *p)
{
    if (p != NULL)
        free(end(p));
}

int64_t mem_bytes_used(enum mem_use use)
{
    invariant(use < MEM_USE_COUNT);
    return thread_sums_read(&sums, use);
}

int64_t mem_bytes_used_total(void)
{
    int64_t total = 0;

    for (unsigned use = 0; use < MEM_USE_COUNT; use++)
        total += mem_bytes_used((enum mem_use)use);
    return total;
}

const char *mem_use_text(enum mem_use use)
{
    invariant(use < MEM_USE_COUNT);
    return use_texts[use];
}
