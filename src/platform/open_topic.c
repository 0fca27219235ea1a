/*
 * Parses and writes the names of open topics; which words there are stands in the table of kinds.
 * Pure functions, any thread.
 */
#include "platform/open_topic.h"

#include "base/invariant.h"

enum { WORD_LEN_MAX = 15 };

#define X(name, word, root, device, stream, publish) \
    _Static_assert(sizeof(word) - 1 <= WORD_LEN_MAX, "OPEN_TOPIC_LEN_MAX has room for each word");
OPEN_KIND_LIST(X)
#undef X
_Static_assert(OPEN_TOPIC_LEN_MAX == (sizeof("$open/") - 1) + IDENT_TEXT_LEN + 1 + IDENT_TEXT_LEN +
                                         1 + WORD_LEN_MAX + 1 + IDENT_MEMBER_MAX,
               "root, project, device, kind, stream");

/* The level behind the project: a device, with the kind in the level behind it, or a kind that has
 * no device. */
static enum open_kind parse_kind(enum open_root root, struct slice *rest, uint64_t *device_id)
{
    struct slice level = slice_cut(rest, '/');

    *device_id = ident_parse(IDENT_DEVICE, level);
    if (*device_id != 0)
        level = slice_cut(rest, '/');
    return open_kind_parse(root, level);
}

enum status open_topic_parse(struct slice topic, struct open_topic *out)
{
    struct slice rest = topic, stream = {NULL, 0};
    const struct open_kind_info *info;
    enum open_root root;
    uint64_t device_id;
    enum open_kind kind;

    if (!open_kind_parse_root(slice_cut(&rest, '/'), &root))
        return ST_NOT_FOUND;
    out->project_id = ident_parse(IDENT_PROJECT, slice_cut(&rest, '/'));
    if (out->project_id == 0)
        return ST_NOT_FOUND;
    kind = parse_kind(root, &rest, &device_id);
    if (kind == OPEN_KIND_COUNT)
        return ST_NOT_FOUND;
    info = &open_kinds[kind];
    if (info->has_device != (device_id != 0))
        return ST_NOT_FOUND;
    if (info->has_stream) {
        stream = slice_cut(&rest, '/');
        if (!ident_is_member(stream))
            return ST_NOT_FOUND;
    }
    if (rest.data != NULL)
        return ST_NOT_FOUND; /* a level too many, be it an empty one */
    out->device_id = device_id;
    out->kind = kind;
    out->stream = stream;
    return ST_OK;
}

static char *put(char *at, struct slice s)
{
    memcpy(at, s.data, s.len);
    return at + s.len;
}

size_t open_topic_write(char *out, struct slice project, struct slice device, enum open_kind kind,
                        struct slice stream)
{
    const struct open_kind_info *info = &open_kinds[kind];
    char *at = put(out, open_kind_roots[info->root]);

    invariant(project.len == IDENT_TEXT_LEN);
    *at++ = '/';
    at = put(at, project);
    *at++ = '/';
    if (info->has_device) {
        invariant(device.len == IDENT_TEXT_LEN);
        at = put(at, device);
        *at++ = '/';
    }
    at = put(at, slice_make(info->word, info->word_len));
    if (info->has_stream) {
        invariant(stream.len > 0 && stream.len <= IDENT_MEMBER_MAX);
        *at++ = '/';
        at = put(at, stream);
    }
    return (size_t)(at - out);
}
