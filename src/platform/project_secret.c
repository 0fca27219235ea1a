/*
 * Secrets of projects: read from their definitions with jansson, compared, wiped.
 *
 * A member that is left out limits nothing; an empty list would be read in two ways, so it is a
 * mistake.
 */
#include "platform/project_secret.h"

#include "base/invariant.h"
#include "base/mem.h"
#include "base/sorted_ids.h"
#include "platform/definition.h"

enum { NAMED_MAX = 64 };

static const char whole[] = "the definition";

static const char *const scope_words[] = {
#define X(name, word, letter) word,
    SCOPE_LIST(X)
#undef X
};

static const char scope_letters[] = {
#define X(name, word, letter) letter,
    SCOPE_LIST(X)
#undef X
};

const char *scope_word(enum scope scope)
{
    return scope_words[scope];
}

char scope_letter(enum scope scope)
{
    return scope_letters[scope];
}

struct project_secret *project_secret_ref(struct project_secret *s)
{
    invariant(s->magic == PROJECT_SECRET_MAGIC);
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void project_secret_unref(struct project_secret **sp)
{
    struct project_secret *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    invariant(s->magic == PROJECT_SECRET_MAGIC);
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    mem_free(s->ranges);
    mem_free(s->device_ids);
    mem_free(s->type_ids);
    secret_wipe(s, sizeof(*s));
    mem_free(s);
}

bool project_secret_is_like(const struct project_secret *a, const struct project_secret *b)
{
    return slice_is(slice_of(a->version), b->version);
}

bool project_secret_allows_address(const struct project_secret *s, struct slice address)
{
    struct address a;

    if (s->range_count == 0)
        return true;
    if (address_parse(address, &a) != ST_OK)
        return false;
    for (size_t i = 0; i < s->range_count; i++) {
        if (address_range_has(&s->ranges[i], &a))
            return true;
    }
    return false;
}

bool project_secret_allows_device(const struct project_secret *s, uint64_t device_id,
                                  uint64_t type_id)
{
    return !s->is_limited || sorted_ids_have(s->device_ids, s->device_count, device_id) ||
           (type_id != 0 && sorted_ids_have(s->type_ids, s->type_count, type_id));
}

/* --- from its definition --------------------------------------------------------------------- */

/* The list, which has elements if it is there; NULL: it is missing, or it is wrong. */
static json_t *read_list(struct definition_reader *r, const json_t *root, const char *name,
                         size_t max)
{
    json_t *list = definition_list(r, whole, root, name, max);

    if (list == NULL || json_array_size(list) > 0)
        return list;
    definition_fail(r, "%s: \"%s\" is empty: leave it out, or name something", whole, name);
    return NULL;
}

static unsigned find_scope(struct slice word)
{
    unsigned scope = 0;

    while (scope < SCOPE_COUNT && !slice_is(word, scope_words[scope]))
        scope++;
    return scope;
}

static void read_scopes(struct definition_reader *r, const json_t *root, struct project_secret *s)
{
    json_t *list = read_list(r, root, "scopes", SCOPE_COUNT);
    json_t *element;
    size_t i;

    s->scopes = list == NULL ? SCOPES_ALL : 0;
    json_array_foreach (list, i, element) {
        unsigned scope = find_scope(definition_text(element));

        if (scope == SCOPE_COUNT)
            definition_fail(r, "%s: \"scopes\" has subscribe, push and command", whole);
        else
            s->scopes |= SCOPE_BIT(scope);
    }
}

/* As much of a text as fits into a line that names it. */
static int printable_len(struct slice text)
{
    int len = 0;

    while ((size_t)len < text.len && len < NAMED_MAX && text.data[len] > ' ' &&
           text.data[len] < 0x7F)
        len++;
    return len;
}

static void read_ranges(struct definition_reader *r, const json_t *root, struct project_secret *s)
{
    json_t *list = read_list(r, root, "addresses", PROJECT_SECRET_RANGES_MAX);
    json_t *element;
    size_t i;

    if (list == NULL)
        return;
    s->range_count = json_array_size(list);
    s->ranges = mem_new(MEM_PROJECT, s->range_count * sizeof(*s->ranges));
    json_array_foreach (list, i, element) {
        struct slice text = definition_text(element);

        if (address_range_parse(text, &s->ranges[i]) != ST_OK)
            definition_fail(r,
                            "%s: \"%.*s\" is no range of addresses: 192.0.2.0/24, 2001:db8::/32 or "
                            "one address",
                            whole, printable_len(text), (const char *)text.data);
    }
}

/* Reads a list of identifiers into a sorted array, which the secret owns; gives how many. */
static size_t read_ids(struct definition_reader *r, const json_t *root, const char *name,
                       enum ident_kind kind, size_t max, uint64_t **ids)
{
    json_t *list = read_list(r, root, name, max);
    json_t *element;
    size_t i;

    if (list == NULL)
        return 0;
    *ids = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(**ids));
    json_array_foreach (list, i, element) {
        (*ids)[i] = ident_parse(kind, definition_text(element));
        if ((*ids)[i] == 0)
            definition_fail(r, "%s: \"%s\" must be a list of %s", whole, name,
                            kind == IDENT_DEVICE ? "user names (DU_...)" : "product keys (PK_...)");
    }
    sorted_ids_sort(*ids, json_array_size(list));
    return json_array_size(list);
}

static void read_definition(struct definition_reader *r, json_t *root, struct project_secret *s)
{
    static const char *const known[] = {"scopes",  "expires_ms", "addresses",
                                        "devices", "types",      NULL};

    definition_check_members(r, whole, root, known);
    read_scopes(r, root, s);
    (void)definition_integer(r, whole, root, "expires_ms", INT64_C(9999999999999), &s->expires_ms);
    read_ranges(r, root, s);
    s->device_count =
        read_ids(r, root, "devices", IDENT_DEVICE, PROJECT_SECRET_DEVICES_MAX, &s->device_ids);
    s->type_count = read_ids(r, root, "types", IDENT_TYPE, PROJECT_SECRET_TYPES_MAX, &s->type_ids);
    s->is_limited = s->device_count > 0 || s->type_count > 0;
}

/* Of name, text and definition: whatever changes, changes this. No pass begins like that, so it is
 * no code of one. */
static void write_version(struct project_secret *s, struct slice definition)
{
    const struct slice parts[] = {slice_of("version\n"), slice_of(s->name), slice_of("\n"),
                                  definition};

    secret_mac_write(&s->mac_key, parts, sizeof(parts) / sizeof(parts[0]), s->version);
}

enum status project_secret_parse(const char *name, struct slice text, struct slice definition,
                                 struct project_secret **out, char *error)
{
    struct definition_reader r = {.error = error};
    struct project_secret *s;
    json_t *root;
    enum status st;

    error[0] = '\0';
    *out = NULL;
    st = definition_load(&r, definition, PROJECT_SECRET_TEXT_MAX, &root);
    if (st != ST_OK)
        return st;
    invariant(strlen(name) <= IDENT_MEMBER_MAX);
    s = mem_new_of(MEM_PROJECT, struct project_secret);
    s->magic = PROJECT_SECRET_MAGIC;
    atomic_init(&s->refs, 1);
    memcpy(s->name, name, strlen(name) + 1);
    s->digest = secret_digest_of(text);
    s->mac_key = secret_mac_key_of(text);
    write_version(s, definition);
    read_definition(&r, root, s);
    json_decref(root);
    if (r.has_failed) {
        project_secret_unref(&s);
        return ST_INVALID;
    }
    *out = s;
    return ST_OK;
}
