/*
 * The walk: from the two roots of a snapshot (free pages, and names of tables) down, and from each
 * name into its own tree. A page that is reached twice ends the walk there, so it always ends.
 */
#include "store/lmdb_pages.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"

enum {
    META_COUNT = 2,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 32768,
    PAGE_HEAD_LEN = 16, /* number 8, pad 2, flags 2, lower and upper 2 each, or pages 4 */
    NODE_HEAD_LEN = 8,  /* low and high 2 each, flags 2, length of the key 2 */
    TREE_LEN = 48,      /* pad 4, flags 2, depth 2, pages 3 times 8, entries 8, root 8 */
    META_LEN = 24 + 2 * TREE_LEN + 16,
    DEPTH_MAX = 32,
    LEAF_KEY_MAX = 511,
    PAGES_MISSING_MAX = 1 << 20,
    FAULTS_MAX = 100 /* of one file; the rest of a badly damaged one tells nothing new */
};

#define META_MAGIC 0xBEEFC0DEu
#define NO_PAGE    UINT64_MAX

enum page_flag { PAGE_BRANCH = 0x01, PAGE_LEAF = 0x02, PAGE_OVERFLOW = 0x04, PAGE_META = 0x08 };
enum node_flag { NODE_BIG = 0x01, NODE_TREE = 0x02 };
enum { TREE_NUMBERS = 0x08 /* keys are numbers of the machine; of free pages alone */ };

struct tree {
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries, root;
};

struct meta {
    uint32_t page_size;
    struct tree trees[2]; /* free pages, tables */
    uint64_t last_page, snapshot;
};

struct walk {
    const char *path; /* borrowed */
    int fd;           /* owned */
    lmdb_pages_fault_fn on_fault;
    void *arg;
    unsigned faults;
    enum status status;
    uint32_t page_size;
    uint64_t last_page;
    uint8_t *seen;          /* owned: a bit a page */
    const char *name;       /* borrowed: of the table that is walked */
    char table[64];         /* keeps it */
    struct tree found;      /* what of the present tree has been seen */
    bool has_numbers;       /* its keys are numbers of the machine */
    struct buffer last_key; /* owned: of the present tree */
};

/* --- numbers --------------------------------------------------------------------------------- */

static uint16_t get_u16(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return le16toh(v);
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return le32toh(v);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return le64toh(v);
}

/* --- faults ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void fault(struct walk *x, enum status st,
                                                        const char *format, ...)
{
    char line[256];
    int len = snprintf(line, sizeof(line), "%.100s: ", x->path);
    va_list args;

    if (x->status == ST_OK)
        x->status = st;
    if (x->faults++ >= FAULTS_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
    va_end(args);
    x->on_fault(line, x->arg);
}

/* --- the beginning --------------------------------------------------------------------------- */

static bool read_at(struct walk *x, uint64_t offset, uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = pread(x->fd, out, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            fault(x, ST_IO, "cannot be read at byte %llu: %s", (unsigned long long)offset,
                  strerror(errno));
            return false;
        }
        if (got == 0)
            return false;
        offset += (uint64_t)got;
        out += got;
        len -= (size_t)got;
    }
    return true;
}

static void read_tree(const uint8_t *at, struct tree *out)
{
    out->flags = get_u16(at + 4);
    out->depth = get_u16(at + 6);
    out->branches = get_u64(at + 8);
    out->leaves = get_u64(at + 16);
    out->overflows = get_u64(at + 24);
    out->entries = get_u64(at + 32);
    out->root = get_u64(at + 40);
}

static bool read_meta(struct walk *x, uint64_t offset, struct meta *out)
{
    uint8_t page[PAGE_HEAD_LEN + META_LEN];
    const uint8_t *m = page + PAGE_HEAD_LEN;

    if (!read_at(x, offset, page, sizeof(page)))
        return false;
    out->page_size = get_u32(m + 24);
    read_tree(m + 24, &out->trees[0]);
    read_tree(m + 24 + TREE_LEN, &out->trees[1]);
    out->last_page = get_u64(m + 24 + 2 * TREE_LEN);
    out->snapshot = get_u64(m + 24 + 2 * TREE_LEN + 8);
    return (get_u16(page + 10) & PAGE_META) != 0 && get_u32(m) == META_MAGIC &&
           get_u32(m + 4) == 1 && out->page_size >= PAGE_SIZE_MIN &&
           out->page_size <= PAGE_SIZE_MAX && (out->page_size & (out->page_size - 1)) == 0;
}

/* LMDB opens a file by its first page, and then looks at both. */
static void read_metas(struct walk *x, struct meta metas[META_COUNT])
{
    if (!read_meta(x, 0, &metas[0])) {
        if (x->status == ST_OK)
            fault(x, ST_CORRUPT, "is no file of LMDB, or its first page is damaged");
        return;
    }
    if (!read_meta(x, metas[0].page_size, &metas[1]) || metas[1].page_size != metas[0].page_size) {
        if (x->status == ST_OK)
            fault(x, ST_CORRUPT, "its second page is damaged or missing");
    }
}

static void begin(struct walk *x, const char *path)
{
    x->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (x->fd >= 0)
        return;
    fault(x, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "cannot be opened: %s", strerror(errno));
}

static enum status end(struct walk *x)
{
    if (x->fd >= 0)
        (void)close(x->fd);
    mem_free(x->seen);
    buffer_deinit(&x->last_key);
    if (x->faults > FAULTS_MAX) {
        char line[64];

        (void)snprintf(line, sizeof(line), "and %u more faults in it", x->faults - FAULTS_MAX);
        x->on_fault(line, x->arg);
    }
    return x->status;
}

enum status lmdb_pages_check_head(const char *path, lmdb_pages_fault_fn on_fault, void *arg)
{
    struct walk x = {.path = path, .on_fault = on_fault, .arg = arg};
    struct meta metas[META_COUNT];

    begin(&x, path);
    if (x.status == ST_OK)
        read_metas(&x, metas);
    return end(&x);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Notes that pages are in use; false: they are outside of the file's part in use, or were seen. */
static bool take_pages(struct walk *x, uint64_t first, uint64_t count)
{
    if (first < META_COUNT || first > x->last_page || count > x->last_page - first + 1) {
        fault(x, ST_CORRUPT, "table %s leads to page %llu, which is outside", x->name,
              (unsigned long long)first);
        return false;
    }
    for (uint64_t n = first; n < first + count; n++) {
        uint8_t bit = (uint8_t)(1u << (n & 7));

        if ((x->seen[n >> 3] & bit) != 0) {
            fault(x, ST_CORRUPT, "page %llu is used twice, the second time by table %s",
                  (unsigned long long)n, x->name);
            return false;
        }
        x->seen[n >> 3] |= bit;
    }
    return true;
}

/* A value that was put twice in one transaction keeps the pages of the first one, if it needs no
 * more than those: so there may be more of them than it needs. */
static void take_big(struct walk *x, const uint8_t *at, uint64_t len)
{
    uint64_t first = get_u64(at);
    uint64_t needed = (PAGE_HEAD_LEN + len + x->page_size - 1) / x->page_size, count;
    uint8_t head[PAGE_HEAD_LEN], last;

    if (!take_pages(x, first, needed))
        return;
    if (!read_at(x, first * x->page_size, head, sizeof(head)) ||
        !read_at(x, (first + needed) * x->page_size - 1, &last, 1)) {
        fault(x, ST_CORRUPT, "page %llu of table %s is missing: the file is cut off",
              (unsigned long long)first, x->name);
        return;
    }
    count = get_u32(head + 12);
    if (get_u64(head) != first || get_u16(head + 10) != PAGE_OVERFLOW || count < needed)
        fault(x, ST_CORRUPT, "page %llu of table %s is damaged", (unsigned long long)first,
              x->name);
    else if (count > needed && !take_pages(x, first + needed, count - needed))
        return;
    x->found.overflows += count;
}

static bool is_in_order(struct walk *x, struct slice key)
{
    struct slice last = buffer_slice(&x->last_key);
    size_t common = key.len < last.len ? key.len : last.len;
    int order;

    if (last.len == 0)
        return true;
    if (x->has_numbers)
        return key.len == sizeof(uint64_t) && last.len == sizeof(uint64_t) &&
               get_u64(last.data) < get_u64(key.data);
    order = memcmp(last.data, key.data, common);
    return order < 0 || (order == 0 && last.len < key.len);
}

/* A tree that stands in a leaf of the tables; walked when its own is over. */
struct subtree {
    struct tree tree;
    char name[64];
};

static void keep_subtree(struct buffer *subtrees, struct slice key, const uint8_t *value)
{
    struct subtree s = {.name = ""};

    read_tree(value, &s.tree);
    (void)snprintf(s.name, sizeof(s.name), "%.*s", (int)key.len, (const char *)key.data);
    buffer_append(subtrees, &s, sizeof(s));
}

/* One entry of a leaf; false: it lies outside of its page. */
static bool walk_entry(struct walk *x, const uint8_t *page, uint16_t offset,
                       struct buffer *subtrees)
{
    const uint8_t *node = page + offset;
    uint32_t len = (uint32_t)get_u16(node) | (uint32_t)get_u16(node + 2) << 16;
    uint16_t flags = get_u16(node + 4), key_len = get_u16(node + 6);
    struct slice key = slice_make(node + NODE_HEAD_LEN, key_len);
    size_t room = x->page_size - offset - NODE_HEAD_LEN;
    size_t stored = (flags & NODE_BIG) != 0 ? sizeof(uint64_t) : len;

    if (key_len == 0 || key_len > LEAF_KEY_MAX || key_len > room || stored > room - key_len ||
        (flags != 0 && flags != NODE_BIG && flags != NODE_TREE))
        return false;
    if (!is_in_order(x, key))
        fault(x, ST_CORRUPT, "the keys of table %s are out of order in page %llu", x->name,
              (unsigned long long)get_u64(page));
    x->last_key.len = 0;
    buffer_append_slice(&x->last_key, key);
    x->found.entries++;
    if ((flags & NODE_BIG) != 0)
        take_big(x, key.data + key_len, len);
    if ((flags & NODE_TREE) == 0)
        return true;
    if (subtrees == NULL || len != TREE_LEN || stored != len)
        return false;
    keep_subtree(subtrees, key, key.data + key_len);
    return true;
}

/* Reads and checks the page itself; false: it is told. */
static bool read_page(struct walk *x, uint64_t number, bool is_leaf, uint8_t *page)
{
    uint16_t lower, upper;

    if (!take_pages(x, number, 1))
        return false;
    if (!read_at(x, number * x->page_size, page, x->page_size)) {
        fault(x, ST_CORRUPT, "page %llu of table %s is missing: the file is cut off",
              (unsigned long long)number, x->name);
        return false;
    }
    lower = get_u16(page + 12);
    upper = get_u16(page + 14);
    if (get_u64(page) == number && get_u16(page + 10) == (is_leaf ? PAGE_LEAF : PAGE_BRANCH) &&
        lower > PAGE_HEAD_LEN && lower <= upper && upper <= x->page_size && lower % 2 == 0)
        return true;
    fault(x, ST_CORRUPT, "page %llu of table %s is damaged", (unsigned long long)number, x->name);
    return false;
}

static void walk_page(struct walk *x, uint64_t number, unsigned levels, struct buffer *subtrees)
{
    uint8_t *page = mem_alloc(MEM_BASE, x->page_size);
    bool is_leaf = levels == 1;
    unsigned count = 0;

    if (read_page(x, number, is_leaf, page))
        count = (get_u16(page + 12) - PAGE_HEAD_LEN) / 2u;
    x->found.leaves += count > 0 && is_leaf;
    x->found.branches += count > 0 && !is_leaf;
    for (unsigned i = 0; i < count; i++) {
        uint16_t offset = get_u16(page + PAGE_HEAD_LEN + 2 * i);
        const uint8_t *node = page + offset;

        if (offset < get_u16(page + 14) || offset % 2 != 0 ||
            offset > x->page_size - NODE_HEAD_LEN ||
            (is_leaf && !walk_entry(x, page, offset, subtrees)) ||
            (!is_leaf && get_u16(node + 6) > x->page_size - NODE_HEAD_LEN - offset)) {
            fault(x, ST_CORRUPT, "page %llu of table %s is damaged", (unsigned long long)number,
                  x->name);
            break;
        }
        if (!is_leaf)
            walk_page(x,
                      (uint64_t)get_u16(node) | (uint64_t)get_u16(node + 2) << 16 |
                          (uint64_t)get_u16(node + 4) << 32,
                      levels - 1, subtrees);
    }
    mem_free(page);
}

/* `flags`: those that it must have; others mean forms of pages that no store of ours uses. */
static void walk_tree(struct walk *x, const struct tree *t, unsigned flags, const char *name,
                      struct buffer *subtrees)
{
    unsigned faults = x->faults;

    (void)snprintf(x->table, sizeof(x->table), "%s", name);
    x->name = x->table;
    x->found = (struct tree){0};
    x->has_numbers = flags == TREE_NUMBERS;
    x->last_key.len = 0;
    if (t->root == NO_PAGE && t->entries == 0 && t->flags == flags)
        return;
    if (t->flags != flags || t->depth == 0 || t->depth > DEPTH_MAX) {
        fault(x, ST_CORRUPT, "the root of table %s is damaged", x->name);
        return;
    }
    walk_page(x, t->root, t->depth, subtrees);
    if (x->faults == faults &&
        (x->found.entries != t->entries || x->found.leaves != t->leaves ||
         x->found.branches != t->branches || x->found.overflows != t->overflows))
        fault(x, ST_CORRUPT, "table %s has %llu entries and should have %llu", x->name,
              (unsigned long long)x->found.entries, (unsigned long long)t->entries);
}

static void walk_all(struct walk *x, const struct meta *m)
{
    struct buffer subtrees = {0};

    x->page_size = m->page_size;
    x->last_page = m->last_page;
    x->seen = mem_new(MEM_BASE, x->last_page / 8 + 1);
    walk_tree(x, &m->trees[0], TREE_NUMBERS, "(free pages)", NULL);
    walk_tree(x, &m->trees[1], 0, "(names)", &subtrees);
    for (size_t at = 0; at < subtrees.len; at += sizeof(struct subtree)) {
        struct subtree s;

        memcpy(&s, subtrees.data + at, sizeof(s));
        walk_tree(x, &s.tree, 0, s.name, NULL);
    }
    buffer_deinit(&subtrees);
}

/* The beginning of a snapshot; NULL: the file has gone on since. */
static const struct meta *find_meta(const struct meta metas[META_COUNT], uint64_t snapshot)
{
    if (snapshot == 0)
        return &metas[metas[1].snapshot > metas[0].snapshot];
    if (metas[0].snapshot != snapshot && metas[1].snapshot != snapshot)
        return NULL;
    return &metas[metas[1].snapshot == snapshot];
}

/* Pages at the end that are free may never have been written, so a file may be a little shorter
 * than it says; but memory is not asked for whatever it says. */
static bool is_plausible(const struct walk *x, const struct meta *m)
{
    off_t len = lseek(x->fd, 0, SEEK_END);

    return len > 0 && m->last_page <= 2 * ((uint64_t)len / m->page_size) + PAGES_MISSING_MAX;
}

enum status lmdb_pages_check(const char *path, uint64_t snapshot, lmdb_pages_fault_fn on_fault,
                             void *arg)
{
    struct walk x = {.path = path, .on_fault = on_fault, .arg = arg};
    struct meta metas[META_COUNT];
    const struct meta *m;

    begin(&x, path);
    if (x.status == ST_OK)
        read_metas(&x, metas);
    if (x.status != ST_OK)
        return end(&x);
    m = find_meta(metas, snapshot);
    if (m == NULL)
        x.status = ST_AGAIN;
    else if (!is_plausible(&x, m))
        fault(&x, ST_CORRUPT, "its first pages are damaged, or it is cut off");
    else
        walk_all(&x, m);
    return end(&x);
}
