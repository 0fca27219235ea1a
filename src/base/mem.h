/*
 * Memory counted by purpose, never NULL.
 *
 * Small objects: when there is none left the process ends (error paths that nobody can
 * test are not written), so every size that a peer can influence is checked against a limit
 * before it comes here. Each thread counts its own bytes with plain stores; reading sums over
 * the threads. Memory may be freed by another thread than the one that asked for it. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* X(NAME, what it is for) */
#define MEM_USE_LIST(X)                                       \
    X(BASE, "containers and strings")                         \
    X(CONN, "connections and their buffers")                  \
    X(MESSAGE, "messages on their way")                       \
    X(SESSION, "MQTT sessions")                               \
    X(SUBSCRIPTION, "compiled subscriptions and their index") \
    X(DEVICE, "devices and cloud values")                     \
    X(LOG, "message logs of devices")                         \
    X(PROJECT, "projects and settings")                       \
    X(JOURNAL, "the journal in memory")                       \
    X(ALARM, "changes of alarms on their way")                \
    X(INBOX, "batches between workers")                       \
    X(TEST, "tests")

enum mem_use {
#define X(name, text) MEM_##name,
    MEM_USE_LIST(X)
#undef X
        MEM_USE_COUNT
};

/** New memory of `size` bytes (may be 0), contents undefined. The caller owns it. */
void *mem_alloc(enum mem_use use, size_t size) __attribute__((malloc, returns_nonnull));

/** As mem_alloc, filled with zeros. */
void *mem_new(enum mem_use use, size_t size) __attribute__((malloc, returns_nonnull));

/** Grows or shrinks; `p` may be NULL (else it keeps the purpose that it was made for), its pointer
 * is gone afterwards. */
void *mem_resize(enum mem_use use, void *p, size_t size) __attribute__((returns_nonnull));

/** Gives memory back; NULL is accepted. */
void mem_free(void *p);

/** A zeroed object of a type, `mem_new_of(MEM_SESSION, struct session)`. */
#define mem_new_of(use, type) ((type *)mem_new((use), sizeof(type)))

/** Bytes in use for a purpose as they were asked for, summed over all threads. */
int64_t mem_bytes_used(enum mem_use use);

/** All purposes together: what a test compares before and after. */
int64_t mem_bytes_used_total(void);

/** The purpose's text, for metrics. */
const char *mem_use_text(enum mem_use use);
