/*
 * Notifiers: read from their definitions with jansson, compared with changes, signed with.
 *
 * A list that is left out limits nothing; an empty one would be read in two ways, so it is a
 * mistake.
 */
#include "platform/notifier.h"

#include <inttypes.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "base/sorted_ids.h"
#include "platform/definition.h"

static const char whole[] = "the definition";

/* What can be told: that an alarm began, and that it is over. */
static const enum alarm_change told[] = {ALARM_CHANGE_ALERTING, ALARM_CHANGE_RESTORED};

enum { TOLD = sizeof(told) / sizeof(told[0]) };

struct notifier *notifier_ref(struct notifier *n)
{
    invariant(n->magic == NOTIFIER_MAGIC);
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

void notifier_unref(struct notifier **np)
{
    struct notifier *n = *np;

    *np = NULL;
    if (n == NULL)
        return;
    invariant(n->magic == NOTIFIER_MAGIC);
    if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) > 1)
        return;
    mem_free(n->device_ids);
    mem_free(n->type_ids);
    secret_wipe(n, sizeof(*n));
    mem_free(n);
}

bool notifier_is_like(const struct notifier *a, const struct notifier *b)
{
    return secret_digest_equal(&a->version, &b->version);
}

bool notifier_wants(const struct notifier *n, const struct alarm_record *r)
{
    return n->is_enabled && n->project_id == r->project_id && (n->levels & 1u << r->level) != 0 &&
           (n->changes & 1u << r->state) != 0 &&
           (!n->is_limited || sorted_ids_have(n->device_ids, n->device_count, r->device_id) ||
            (r->type_id != 0 && sorted_ids_have(n->type_ids, n->type_count, r->type_id)));
}

/* --- from its definition ---------------------------------------------------------------------- */

/* Printable ASCII without blanks, with a host and without credentials. What a host is, is found out
 * when it is connected to. */
static bool url_is_valid(struct slice url)
{
    struct slice rest = url, authority;

    if (url.len == 0 || url.len > NOTIFIER_URL_MAX)
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.data[i] <= ' ' || url.data[i] >= 0x7F || url.data[i] == '"' || url.data[i] == '\\')
            return false;
    }
    if (slice_starts_with(url, slice_of("https://")))
        rest = slice_from(url, 8);
    else if (slice_starts_with(url, slice_of("http://")))
        rest = slice_from(url, 7);
    else
        return false;
    authority = slice_cut(&rest, '/');
    return authority.len > 0 && authority.data[0] != ':' && authority.data[0] != '?' &&
           memchr(authority.data, '@', authority.len) == NULL;
}

static void read_url(struct definition_reader *r, const json_t *root, struct notifier *n)
{
    struct slice url = definition_text(json_object_get(root, "url"));

    if (!url_is_valid(url)) {
        definition_fail(r,
                        "%s: \"url\" must be https://host/... or http://host/..., without user "
                        "name, of at most %d bytes",
                        whole, NOTIFIER_URL_MAX);
        return;
    }
    memcpy(n->url, url.data, url.len);
}

/* The list, which has elements if it is there; NULL: it is missing, or it is wrong. */
static json_t *read_list(struct definition_reader *r, const json_t *root, const char *name)
{
    json_t *list = definition_list(r, whole, root, name, NOTIFIER_NAMED_MAX);

    if (list == NULL || json_array_size(list) > 0)
        return list;
    definition_fail(r, "%s: \"%s\" is empty: leave it out, or name something", whole, name);
    return NULL;
}

static void read_levels(struct definition_reader *r, const json_t *root, struct notifier *n)
{
    json_t *list = read_list(r, root, "levels");
    enum alarm_level level;
    json_t *one;
    size_t i;

    n->levels = list == NULL ? (1u << ALARM_LEVEL_COUNT) - 1 : 0;
    json_array_foreach (list, i, one) {
        if (json_is_string(one) && alarm_level_parse(json_string_value(one), &level))
            n->levels |= 1u << level;
        else
            definition_fail(r, "%s: \"levels\" has normal, important and urgent", whole);
    }
}

static void read_changes(struct definition_reader *r, const json_t *root, struct notifier *n)
{
    json_t *list = read_list(r, root, "changes");
    json_t *one;
    size_t i;

    for (unsigned t = 0; list == NULL && t < TOLD; t++)
        n->changes |= 1u << told[t];
    json_array_foreach (list, i, one) {
        unsigned t = 0;

        while (t < TOLD && !slice_is(definition_text(one), alarm_change_word(told[t])))
            t++;
        if (t < TOLD)
            n->changes |= 1u << told[t];
        else
            definition_fail(r, "%s: \"changes\" has alerting and restored", whole);
    }
}

/* Reads a list of identifiers into a sorted array, which the notifier owns; gives how many. */
static size_t read_ids(struct definition_reader *r, const json_t *root, const char *name,
                       enum ident_kind kind, uint64_t **ids)
{
    json_t *list = read_list(r, root, name);
    json_t *one;
    size_t i;

    if (list == NULL)
        return 0;
    *ids = mem_new(MEM_PROJECT, json_array_size(list) * sizeof(**ids));
    json_array_foreach (list, i, one) {
        (*ids)[i] = ident_parse(kind, definition_text(one));
        if ((*ids)[i] == 0)
            definition_fail(r, "%s: \"%s\" must be a list of %s", whole, name,
                            kind == IDENT_DEVICE ? "user names (DU_...)" : "product keys (PK_...)");
    }
    sorted_ids_sort(*ids, json_array_size(list));
    return json_array_size(list);
}

static void read_definition(struct definition_reader *r, json_t *root, struct notifier *n)
{
    static const char *const known[] = {"url",     "enabled", "levels", "changes",
                                        "devices", "types",   NULL};

    definition_check_members(r, whole, root, known);
    read_url(r, root, n);
    n->is_enabled =
        json_object_get(root, "enabled") == NULL || definition_bool(r, whole, root, "enabled");
    read_levels(r, root, n);
    read_changes(r, root, n);
    n->device_count = read_ids(r, root, "devices", IDENT_DEVICE, &n->device_ids);
    n->type_count = read_ids(r, root, "types", IDENT_TYPE, &n->type_ids);
    n->is_limited = n->device_count > 0 || n->type_count > 0;
}

static struct secret_digest version_of(struct slice secret, struct slice definition)
{
    struct buffer all = {0};
    struct secret_digest version;

    buffer_append_slice(&all, secret);
    buffer_append_u8(&all, 0);
    buffer_append_slice(&all, definition);
    version = secret_digest_of(buffer_slice(&all));
    secret_wipe(all.data, all.len);
    buffer_deinit(&all);
    return version;
}

enum status notifier_parse(uint64_t notifier_id, uint64_t project_id, const char *name,
                           struct slice secret, struct slice definition, struct notifier **out,
                           char *error)
{
    struct definition_reader r = {.error = error};
    struct notifier *n;
    json_t *root;
    enum status st;

    error[0] = '\0';
    *out = NULL;
    st = definition_load(&r, definition, NOTIFIER_TEXT_MAX, &root);
    if (st != ST_OK)
        return st;
    invariant(strlen(name) <= IDENT_MEMBER_MAX);
    n = mem_new_of(MEM_PROJECT, struct notifier);
    n->magic = NOTIFIER_MAGIC;
    atomic_init(&n->refs, 1);
    n->notifier_id = notifier_id;
    n->project_id = project_id;
    memcpy(n->name, name, strlen(name) + 1);
    n->mac_key = secret_mac_key_of(secret);
    n->version = version_of(secret, definition);
    read_definition(&r, root, n);
    json_decref(root);
    if (r.has_failed) {
        notifier_unref(&n);
        return ST_INVALID;
    }
    *out = n;
    return ST_OK;
}

/* --- what is sent ----------------------------------------------------------------------------- */

enum status notifier_write_alarm(const struct notifier *n, const struct alarm_record *r,
                                 struct buffer *out)
{
    char project[IDENT_TEXT_LEN + 1];
    enum status st;

    ident_format(IDENT_PROJECT, n->project_id, project);
    buffer_printf(out, "{\"type\": \"alarm\", \"project\": \"%s\", \"notifier\": \"%s\", ", project,
                  n->name);
    st = alarm_history_append_members(r, out);
    buffer_printf(out, ", \"alerting\": %s}", r->state == ALARM_CHANGE_ALERTING ? "true" : "false");
    return st;
}

void notifier_write_test(const struct notifier *n, int64_t now_ms, struct buffer *out)
{
    char project[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, n->project_id, project);
    buffer_printf(
        out, "{\"type\": \"test\", \"project\": \"%s\", \"notifier\": \"%s\", \"ts\": %" PRId64 "}",
        project, n->name, now_ms);
}

void notifier_sign(const struct notifier *n, const char *delivery, const char *timestamp,
                   struct slice body, char out[NOTIFIER_SIGNATURE_MAX + 1])
{
    const struct slice parts[] = {slice_of(delivery), slice_of("."), slice_of(timestamp),
                                  slice_of("."), body};

    memcpy(out, "v1,", 3);
    secret_mac_write_base64(&n->mac_key, parts, sizeof(parts) / sizeof(parts[0]), out + 3);
}

void notifier_secret_text(const char *secret, char out[NOTIFIER_SECRET_TEXT_MAX + 1])
{
    static const char prefix[] = "whsec_";

    memcpy(out, prefix, sizeof(prefix) - 1);
    secret_base64(slice_of(secret), out + sizeof(prefix) - 1,
                  NOTIFIER_SECRET_TEXT_MAX + 1 - (sizeof(prefix) - 1));
}
