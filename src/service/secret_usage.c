/* Uses in a table by project and name, emptied whole. */
#include "service/secret_usage.h"

#include <pthread.h>

#include "base/hash_table.h"
#include "base/invariant.h"
#include "base/mem.h"

enum { SECRET_USAGE_MAGIC = 0x53555345 };

struct secret_usage {
    uint32_t magic;
    pthread_mutex_t mutex;
    struct hash_table uses; /* owned: struct secret_use */
};

struct use_key {
    uint64_t project_id;
    const char *name;
};

static bool use_equal(const void *item, const void *key)
{
    const struct secret_use *use = item;
    const struct use_key *k = key;

    return use->project_id == k->project_id && strcmp(use->name, k->name) == 0;
}

static uint64_t hash_of(const struct use_key *k)
{
    return hash_u64(k->project_id) ^ hash_bytes(slice_of(k->name));
}

struct secret_usage *secret_usage_new(void)
{
    struct secret_usage *u = mem_new_of(MEM_PROJECT, struct secret_usage);

    u->magic = SECRET_USAGE_MAGIC;
    invariant(pthread_mutex_init(&u->mutex, NULL) == 0);
    hash_table_init(&u->uses, MEM_PROJECT, use_equal);
    return u;
}

static void lock(struct secret_usage *u)
{
    invariant(u->magic == SECRET_USAGE_MAGIC);
    invariant(pthread_mutex_lock(&u->mutex) == 0);
}

static void unlock(struct secret_usage *u)
{
    invariant(pthread_mutex_unlock(&u->mutex) == 0);
}

void secret_usage_free(struct secret_usage **up)
{
    struct secret_usage *u = *up;
    struct buffer rest = {0};

    *up = NULL;
    if (u == NULL)
        return;
    secret_usage_take(u, &rest);
    buffer_deinit(&rest);
    hash_table_deinit(&u->uses);
    invariant(pthread_mutex_destroy(&u->mutex) == 0);
    u->magic = 0;
    mem_free(u);
}

void secret_usage_note(struct secret_usage *u, uint64_t project_id, const char *name,
                       struct slice address, int64_t used_ms)
{
    struct use_key key = {project_id, name};
    size_t len = address.len < SECRET_USAGE_ADDRESS_MAX ? address.len : SECRET_USAGE_ADDRESS_MAX;
    struct secret_use *use;

    lock(u);
    use = hash_table_find(&u->uses, hash_of(&key), &key);
    if (use == NULL) {
        use = mem_new_of(MEM_PROJECT, struct secret_use);
        use->project_id = project_id;
        invariant(strlen(name) <= IDENT_MEMBER_MAX);
        memcpy(use->name, name, strlen(name) + 1);
        hash_table_put(&u->uses, hash_of(&key), use);
    }
    if (used_ms >= use->used_ms) {
        use->used_ms = used_ms;
        memcpy(use->used_from, address.data, len);
        use->used_from[len] = '\0';
    }
    unlock(u);
}

bool secret_usage_find(struct secret_usage *u, uint64_t project_id, const char *name,
                       struct secret_use *out)
{
    struct use_key key = {project_id, name};
    const struct secret_use *use;

    lock(u);
    use = hash_table_find(&u->uses, hash_of(&key), &key);
    if (use != NULL)
        *out = *use;
    unlock(u);
    return use != NULL;
}

void secret_usage_take(struct secret_usage *u, struct buffer *out)
{
    struct secret_use *use;
    size_t cursor = 0;

    lock(u);
    while ((use = hash_table_next(&u->uses, &cursor)) != NULL) {
        buffer_append(out, use, sizeof(*use));
        mem_free(use);
    }
    hash_table_deinit(&u->uses);
    hash_table_init(&u->uses, MEM_PROJECT, use_equal);
    unlock(u);
}
