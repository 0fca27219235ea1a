/*
 * The table of kinds and what is looked up in it. Pure functions, any thread.
 */
#include "platform/open_kind.h"

const struct open_kind_info open_kinds[OPEN_KIND_COUNT] = {
#define X(name, word, root, device, stream, publish) \
    [OPEN_KIND_##name] = {word, sizeof(word) - 1, root, device, stream, publish},
    OPEN_KIND_LIST(X)
#undef X
};

const struct slice open_kind_roots[OPEN_ROOT_SYSTEM + 1] = {
    [OPEN_ROOT_OPEN] = {(const uint8_t *)"open", 4},
    [OPEN_ROOT_SYSTEM] = {(const uint8_t *)"$open", 5},
};

bool open_kind_parse_root(struct slice word, enum open_root *out)
{
    bool system = slice_equal(word, open_kind_roots[OPEN_ROOT_SYSTEM]);

    *out = system ? OPEN_ROOT_SYSTEM : OPEN_ROOT_OPEN;
    return system || slice_equal(word, open_kind_roots[OPEN_ROOT_OPEN]);
}

enum open_kind open_kind_parse(enum open_root root, struct slice word)
{
    unsigned kind = 0;

    for (; kind < OPEN_KIND_COUNT; kind++) {
        const struct open_kind_info *info = &open_kinds[kind];

        if (info->word_len == word.len && info->root == root &&
            memcmp(info->word, word.data, word.len) == 0)
            break;
    }
    return (enum open_kind)kind;
}

uint16_t open_kind_set(enum open_root root, bool has_device)
{
    unsigned set = 0;

    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        if (open_kinds[kind].root == root && open_kinds[kind].has_device == has_device)
            set |= 1u << kind;
    }
    return (uint16_t)set;
}
