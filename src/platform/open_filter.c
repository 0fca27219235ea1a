/*
 * Compiles filters and matches them.
 *
 * A filter inside the own project is laid beside the shape of each kind's topics (device, word,
 * stream, as the table of kinds says), level by level as the standard matches them; the kinds that
 * fit are its set. No kind: the filter can never match, and what is wrong is looked for then. Pure
 * functions, any thread. Source: open-api.md 3.1, [MQTT-4.7.1-2], [MQTT-4.7.1-3]
 */
#include "platform/open_filter.h"

#include "base/invariant.h"

enum {
    LEVELS_MAX = 4 /* behind the project: device, kind, stream, and one that is too many */
};

/* What stands behind the project. */
struct tail {
    enum open_root root;
    struct slice levels[LEVELS_MAX];
    size_t count;  /* without a `#` at the end; above LEVELS_MAX for what has no place */
    bool open_end; /* a `#` followed */
};

static bool is_plus(struct slice level)
{
    return slice_is(level, "+");
}

static bool is_device(struct slice level)
{
    return ident_parse(IDENT_DEVICE, level) != 0;
}

/* Whether anybody can receive the kind: requests go in only. */
static bool is_received(enum open_kind kind)
{
    return kind != OPEN_KIND_CTL;
}

static void cut_levels(struct slice rest, struct tail *t)
{
    t->count = 0;
    t->open_end = false;
    while (rest.data != NULL) {
        struct slice level = slice_cut(&rest, '/');

        t->open_end = slice_is(level, "#");
        if (t->open_end)
            break; /* the last level: the syntax was checked */
        if (t->count < LEVELS_MAX)
            t->levels[t->count] = level;
        t->count++;
    }
}

/* True when topics of the kind match. */
static bool fits(const struct tail *t, enum open_kind kind)
{
    const struct open_kind_info *info = &open_kinds[kind];
    size_t shape = (info->has_device ? 1u : 0u) + 1u + (info->has_stream ? 1u : 0u);
    const struct slice *level = t->levels, *end;

    if (info->root != t->root || t->count > shape || (t->count < shape && !t->open_end))
        return false;
    end = t->levels + t->count;
    if (info->has_device && level < end) {
        if (!is_plus(*level) && !is_device(*level))
            return false;
        level++;
    }
    if (level < end) {
        if (!is_plus(*level) && !slice_equal(*level, slice_make(info->word, info->word_len)))
            return false;
        level++;
    }
    return level == end || is_plus(*level) || ident_is_member(*level);
}

/* Why a filter fits no kind, where the level that stands for the device is not one. */
static const char *explain_level_3(const struct tail *t)
{
    enum open_kind kind = open_kind_parse(t->root, t->levels[0]);

    if (kind == OPEN_KIND_COUNT || open_kinds[kind].has_device) {
        return t->root == OPEN_ROOT_OPEN
                   ? "level 3 must be a deviceUsername (DU_ and ten letters or digits) or +"
                   : "level 3 must be a deviceUsername (DU_ and ten letters or digits), +, errors "
                     "or notice";
    }
    if (!is_received(kind))
        return "level 3, ctl, takes requests only: nothing is received from it";
    return "level 4 is too many: the kind in level 3 belongs to no device";
}

/* Why a filter fits no kind, where the level of the kind is no such word. */
static const char *explain_level_4(const struct tail *t)
{
    enum open_root other = t->root == OPEN_ROOT_OPEN ? OPEN_ROOT_SYSTEM : OPEN_ROOT_OPEN;

    if (open_kind_parse(t->root, t->levels[1]) != OPEN_KIND_COUNT)
        return "level 4 is a kind that belongs to no device: it stands in level 3";
    if (open_kind_parse(other, t->levels[1]) == OPEN_KIND_COUNT)
        return "level 4 is no kind of open message";
    return t->root == OPEN_ROOT_OPEN ? "level 4 is a kind of $open/, not of open/"
                                     : "level 4 is a kind of open/, not of $open/";
}

/* Why a filter fits no kind. */
static const char *explain(const struct tail *t)
{
    bool any = t->count > 1 && is_plus(t->levels[1]);
    enum open_kind kind =
        t->count > 1 && !any ? open_kind_parse(t->root, t->levels[1]) : OPEN_KIND_COUNT;

    if (!is_plus(t->levels[0]) && !is_device(t->levels[0]))
        return explain_level_3(t);
    if (t->count == 1)
        return "level 4, the kind, is missing";
    if (!any && (kind == OPEN_KIND_COUNT || !open_kinds[kind].has_device))
        return explain_level_4(t);
    if (t->count == 2)
        return "level 5, the stream, is missing";
    if (any ? t->root == OPEN_ROOT_SYSTEM : !open_kinds[kind].has_stream)
        return "level 5 is too many: only data has a stream";
    if (!is_plus(t->levels[2]) && !ident_is_member(t->levels[2]))
        return "level 5, the stream, must be + or 1 to 64 letters, digits, _ or -";
    return "level 6 is too many";
}

/* Writes down what the tail stands for; false when no kind fits. */
static bool compile_tail(const struct tail *t, struct open_filter *out)
{
    unsigned kinds = 0;

    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if (is_received((enum open_kind)kind) && fits(t, (enum open_kind)kind))
            kinds |= 1u << kind;
    }
    out->kinds = (uint16_t)kinds;
    /* A device, if there is one, fits only kinds that have it; likewise a stream. */
    if (t->count > 0)
        out->device_id = ident_parse(IDENT_DEVICE, t->levels[0]);
    if ((kinds & 1u << OPEN_KIND_DATA) != 0) {
        out->stream = OPEN_STREAM_ANY;
        if (t->count > 2 && !is_plus(t->levels[2])) {
            out->stream = OPEN_STREAM_ONE;
            memcpy(out->stream_name, t->levels[2].data, t->levels[2].len);
        }
    }
    return kinds != 0;
}

/* Takes the filter apart; gives why it reaches beyond the own project, or NULL. */
static const char *cut_filter(struct slice filter, uint64_t own_project, bool shared,
                              struct tail *t)
{
    struct slice rest = filter;

    *t = (struct tail){.root = OPEN_ROOT_OPEN, .open_end = true};
    if (slice_is(filter, "#"))
        return shared ? "level 1 must be open or $open behind a share group" : NULL;
    if (!open_kind_parse_root(slice_cut(&rest, '/'), &t->root))
        return "level 1 must be open or $open";
    if (ident_parse(IDENT_PROJECT, slice_cut(&rest, '/')) != own_project)
        return "level 2 must be the own projectKey";
    if (rest.data == NULL)
        return "level 3, a deviceUsername or a wildcard, is missing";
    cut_levels(rest, t);
    return NULL;
}

enum status open_filter_compile(struct slice filter, uint64_t own_project, bool shared,
                                struct open_filter *out, const char **why)
{
    struct tail t;

    invariant(own_project != 0);
    *out = (struct open_filter){.project_id = own_project};
    *why = cut_filter(filter, own_project, shared, &t);
    if (*why != NULL)
        return ST_REFUSED;
    if (!compile_tail(&t, out)) {
        *why = explain(&t);
        return ST_MALFORMED;
    }
    return ST_OK;
}

bool open_filter_matches(const struct open_filter *f, uint64_t device_id, enum open_kind kind,
                         struct slice stream)
{
    if ((f->kinds & 1u << kind) == 0 || (f->device_id != 0 && f->device_id != device_id))
        return false;
    return !open_kinds[kind].has_stream || open_filter_matches_stream(f, stream);
}
