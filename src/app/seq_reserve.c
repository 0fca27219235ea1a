/* The number is kept as decimal text, so that a person can read it. */
#include "app/seq_reserve.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/events.h"

/* Half of it is spent in 36 minutes at a million messages a second of one project; millions of
 * blocks fit into the numbers that JSON can tell (2^53). */
static const uint64_t block = UINT64_C(1) << 32;

static const char setting[] = "journal_reserved";

/* Errors: ST_IO; ST_CORRUPT: it is no number. */
static enum status read_reserved(struct registry *r, uint64_t *out)
{
    struct buffer text = {0};
    enum status st = registry_setting_find(r, setting, &text);
    char after;

    *out = 0;
    if (st == ST_OK) {
        buffer_append_u8(&text, '\0');
        if (sscanf((const char *)text.data, "%" SCNu64 "%c", out, &after) != 1 || *out > INT64_MAX)
            st = ST_CORRUPT;
    }
    buffer_deinit(&text);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status reserve(struct seq_reserve *s, uint64_t up_to)
{
    char text[24];
    enum status st;

    snprintf(text, sizeof(text), "%" PRIu64, up_to);
    st = registry_setting_put(s->registry, setting, slice_of(text));
    if (st == ST_OK)
        s->reserved = up_to;
    return st;
}

enum status seq_reserve_open(struct seq_reserve *s, struct registry *r, struct journal *j)
{
    uint64_t last;
    enum status st = read_reserved(r, &last);

    if (st != ST_OK)
        return st;
    *s = (struct seq_reserve){.registry = r, .journal = j};
    journal_begin_above(j, last);
    return reserve(s, last + block);
}

void seq_reserve_extend(struct seq_reserve *s)
{
    enum status st;

    if (s->reserved - journal_highest_seq(s->journal) > block / 2)
        return;
    st = reserve(s, s->reserved + block);
    if (st != ST_OK)
        log_event(EV_SEQ_NOT_RESERVED, "cause", status_text(st));
}

void seq_reserve_close(struct seq_reserve *s)
{
    enum status st;

    if (s->registry == NULL)
        return;
    st = reserve(s, journal_highest_seq(s->journal));
    if (st != ST_OK) /* the next start begins above the whole block */
        log_event(EV_SEQ_NOT_RESERVED, "cause", status_text(st));
    *s = (struct seq_reserve){0};
}
