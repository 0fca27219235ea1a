/*
 * Inputs are changed as scripts: steps are added, doubled, dropped, exchanged, and their operands
 * changed while the steps around them stay what they are. Now and then any byte is changed, as
 * the steps' framing is input, too.
 */
#include "../sim/chance.h"
#include "base/bytes.h"
#include "script.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t room);

enum {
    MUTATE_STEPS_MAX = 128,
    MUTATE_OPERANDS_MAX = 255,
    MUTATE_NEW_OPERANDS = 12 /* of a step out of nothing: more than most read */
};

struct step {
    uint8_t what, len;
    const uint8_t *operands; /* borrowed: of the old input, or of `made` */
};

struct steps {
    uint8_t like; /* the input's first byte */
    unsigned count;
    struct step steps[MUTATE_STEPS_MAX];
    uint8_t made[MUTATE_OPERANDS_MAX];
};

static void read_steps(struct steps *s, const uint8_t *input, size_t len)
{
    size_t at = 1;

    s->count = 0;
    s->like = len > 0 ? input[0] : 0;
    while (at + SCRIPT_STEP_HEADER <= len && s->count < MUTATE_STEPS_MAX) {
        size_t left = len - at - SCRIPT_STEP_HEADER;
        struct step *step = &s->steps[s->count++];

        step->what = input[at];
        step->len = input[at + 1] < left ? input[at + 1] : (uint8_t)left;
        step->operands = input + at + SCRIPT_STEP_HEADER;
        at += SCRIPT_STEP_HEADER + step->len;
    }
}

/* What does not fit is left out. */
static size_t write_steps(const struct steps *s, uint8_t *out, size_t room)
{
    size_t len = 0;

    if (room == 0)
        return 0;
    out[len++] = s->like;
    for (unsigned i = 0; i < s->count; i++) {
        const struct step *step = &s->steps[i];

        if (len + SCRIPT_STEP_HEADER + step->len > room)
            break;
        out[len++] = step->what;
        out[len++] = step->len;
        memcpy(out + len, step->operands, step->len);
        len += step->len;
    }
    return len;
}

static void insert(struct steps *s, unsigned at, struct step step)
{
    if (s->count == MUTATE_STEPS_MAX)
        return;
    memmove(&s->steps[at + 1], &s->steps[at], (s->count - at) * sizeof(step));
    s->steps[at] = step;
    s->count++;
}

static void drop(struct steps *s, unsigned at)
{
    s->count--;
    memmove(&s->steps[at], &s->steps[at + 1], (s->count - at) * sizeof(s->steps[0]));
}

/* Numbers that are small, or bits of flags. */
static uint8_t likely_byte(struct chance *c)
{
    switch (chance_below(c, 4)) {
    case 0:
        return 0;
    case 1:
        return (uint8_t)chance_below(c, 4);
    case 2:
        return (uint8_t)(1u << chance_below(c, 8));
    default:
        return (uint8_t)chance_below(c, 256);
    }
}

static struct step new_step(struct steps *s, struct chance *c)
{
    uint8_t len = (uint8_t)chance_below(c, MUTATE_NEW_OPERANDS + 1);

    for (unsigned i = 0; i < len; i++)
        s->made[i] = likely_byte(c);
    return (struct step){(uint8_t)(chance_below(c, SCRIPT_OP_COUNT) |
                                   chance_below(c, SCRIPT_CONNECTIONS) << 4 |
                                   (chance_percent(c, 20) ? SCRIPT_HOLD : 0)),
                         len, s->made};
}

static void change_operands(struct steps *s, struct step *step, struct chance *c)
{
    memcpy(s->made, step->operands, step->len);
    if (step->len > 0 && chance_percent(c, 50))
        s->made[chance_below(c, step->len)] = likely_byte(c);
    else
        step->len = (uint8_t)LLVMFuzzerMutate(s->made, step->len, MUTATE_OPERANDS_MAX);
    step->operands = s->made;
}

/* The step of another connection, or one that does something else with the same operands. */
static void change_kind(struct step *step, struct chance *c)
{
    switch (chance_below(c, 3)) {
    case 0:
        step->what = (uint8_t)((step->what & 0x8f) | chance_below(c, SCRIPT_CONNECTIONS) << 4);
        break;
    case 1:
        step->what = (uint8_t)((step->what & 0xf0) | chance_below(c, SCRIPT_OP_COUNT));
        break;
    default:
        step->what ^= SCRIPT_HOLD;
    }
}

static void mutate_once(struct steps *s, struct chance *c)
{
    unsigned at = chance_below(c, s->count), other = chance_below(c, s->count);
    struct step step = s->steps[at];

    switch (chance_below(c, 10)) {
    case 0:
    case 1:
        insert(s, chance_below(c, s->count + 1), new_step(s, c));
        break;
    case 2:
        drop(s, at);
        break;
    case 3:
        insert(s, chance_below(c, s->count + 1), step);
        break;
    case 4:
        s->steps[at] = s->steps[other];
        s->steps[other] = step;
        break;
    case 5:
        change_kind(&s->steps[at], c);
        break;
    case 6:
        s->like = likely_byte(c);
        break;
    default:
        change_operands(s, &s->steps[at], c);
    }
}

size_t script_mutate(uint8_t *input, size_t len, size_t room, unsigned seed)
{
    static struct steps steps;
    static uint8_t out[1 << 16];
    struct chance c = {seed};

    if (chance_percent(&c, 10))
        return LLVMFuzzerMutate(input, len, room);
    read_steps(&steps, input, len);
    if (steps.count == 0)
        insert(&steps, 0, new_step(&steps, &c));
    else
        mutate_once(&steps, &c);
    len = write_steps(&steps, out, room < sizeof(out) ? room : sizeof(out));
    memcpy(input, out, len);
    return len;
}

size_t script_cross(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out,
                    size_t room, unsigned seed)
{
    static struct steps first, second;
    struct chance c = {seed};
    unsigned at, from, count;

    read_steps(&first, a, a_len);
    read_steps(&second, b, b_len);
    at = chance_below(&c, first.count + 1);
    from = chance_below(&c, second.count + 1);
    count = chance_below(&c, second.count - from + 1);
    if (chance_percent(&c, 30))
        first.count = at; /* the end of the other in place of one's own */
    for (unsigned i = 0; i < count; i++)
        insert(&first, at + i, second.steps[from + i]);
    return write_steps(&first, out, room);
}
