/*
 * Sets of secrets. Names and texts are compared as digests, all of the same length, each with as
 * many places as a full set has; what was found is picked without a branch.
 */
#include "platform/secret_set.h"

#include "base/invariant.h"
#include "base/mem.h"

/* What a place is looked up by. */
enum key { BY_TEXT, BY_NAME, KEY_COUNT };

struct place {
    struct secret_digest keys[KEY_COUNT];
};

struct secret_set {
    uint32_t magic;
    _Atomic uint32_t refs;
    size_t count;
    struct project_secret *secrets[SECRET_SET_MAX]; /* references */
    struct place places[];
};

struct secret_set *secret_set_new(struct project_secret *const *secrets, size_t count)
{
    struct secret_set *s =
        mem_new(MEM_PROJECT, sizeof(struct secret_set) + count * sizeof(struct place));

    invariant(count <= SECRET_SET_MAX);
    s->magic = SECRET_SET_MAGIC;
    atomic_init(&s->refs, 1);
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        s->secrets[i] = secrets[i];
        s->places[i].keys[BY_TEXT] = secrets[i]->digest;
        s->places[i].keys[BY_NAME] = secret_digest_of(slice_of(secrets[i]->name));
    }
    return s;
}

struct secret_set *secret_set_ref(struct secret_set *s)
{
    invariant(s->magic == SECRET_SET_MAGIC);
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void secret_set_unref(struct secret_set **sp)
{
    struct secret_set *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    invariant(s->magic == SECRET_SET_MAGIC);
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->count; i++)
        project_secret_unref(&s->secrets[i]);
    secret_wipe(s, sizeof(*s) + s->count * sizeof(struct place));
    mem_free(s);
}

static struct project_secret *find(const struct secret_set *s, enum key key, struct slice text)
{
    static const struct place nobody;
    struct secret_digest wanted = secret_digest_of(text);
    const struct place *places = s == NULL ? &nobody : s->places;
    size_t count = s == NULL ? 0 : s->count;
    size_t found = 0; /* its place, counted from 1 */

    for (size_t i = 0; i < SECRET_SET_MAX; i++) {
        bool is_one = i < count;
        const struct place *p = is_one ? &places[i] : &nobody;
        bool is_equal = secret_digest_equal(&wanted, &p->keys[key]);

        found |= (i + 1) & -(size_t)(is_equal & is_one);
    }
    return found == 0 ? NULL : s->secrets[found - 1];
}

struct project_secret *secret_set_find_text(const struct secret_set *s, struct slice text)
{
    return find(s, BY_TEXT, text);
}

struct project_secret *secret_set_find_name(const struct secret_set *s, struct slice name)
{
    return find(s, BY_NAME, name);
}
