/*
 * Deliveries of a session against a simple model of them, at random: states, identifiers, quota,
 * and what is sent again.
 */
#include "mqtt/flow_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flow_out_steps.h"
#include "leftover.h"

enum { MODEL_MAX = 40, MODEL_STEPS = 300000, PACKET_IDS = 65535 };

struct model_entry {
    uint16_t packet_id;
    enum flow_out_state state;
    uint64_t seq;
    bool holds_quota, needs_resend;
};

/* The window as a plain list in order of sending. */
struct model {
    struct model_entry entries[MODEL_MAX];
    unsigned count, window_max, quota_used;
};

static struct model_entry *model_find(struct model *m, uint16_t packet_id)
{
    for (unsigned i = 0; i < m->count; i++) {
        if (m->entries[i].packet_id == packet_id)
            return &m->entries[i];
    }
    return NULL;
}

static void model_track(struct model *m, struct flow_out *f, uint64_t seq)
{
    uint8_t qos = (uint8_t)(rand() % 2 + 1);
    uint16_t id;

    assert_int_equal(flow_out_has_window(f), m->quota_used < m->window_max);
    if (m->quota_used >= m->window_max || m->count == MODEL_MAX)
        return;
    id = track(f, qos, seq);
    assert_null(model_find(m, id));
    m->entries[m->count++] = (struct model_entry){
        id, qos == 1 ? FLOW_OUT_WAIT_PUBACK : FLOW_OUT_WAIT_PUBREC, seq, true, false};
    m->quota_used++;
}

static void model_acknowledge(struct model *m, struct flow_out *f)
{
    struct model_entry *e = &m->entries[(unsigned)rand() % m->count];

    switch (e->state) {
    case FLOW_OUT_WAIT_PUBREC:
        (void)acknowledge(f, e->packet_id, FLOW_OUT_PUBACK, FLOW_OUT_ILLEGAL);
        (void)acknowledge(f, e->packet_id, FLOW_OUT_PUBREC, FLOW_OUT_SEND_PUBREL);
        e->state = FLOW_OUT_WAIT_PUBCOMP;
        e->needs_resend = false;
        return;
    case FLOW_OUT_WAIT_PUBACK:
        (void)acknowledge(f, e->packet_id, FLOW_OUT_PUBREC, FLOW_OUT_ILLEGAL);
        assert_int_equal(puback(f, e->packet_id), e->seq);
        break;
    default:
        assert_int_equal(acknowledge(f, e->packet_id, FLOW_OUT_PUBCOMP, FLOW_OUT_RELEASE), e->seq);
        break;
    }
    m->quota_used -= e->holds_quota;
    m->count--;
    memmove(e, e + 1, (size_t)(&m->entries[m->count] - e) * sizeof(*e));
}

static void model_restart(struct model *m, struct flow_out *f)
{
    m->window_max = (unsigned)rand() % MODEL_MAX + 1;
    m->quota_used = 0;
    for (unsigned i = 0; i < m->count; i++) {
        m->entries[i].holds_quota = false;
        m->entries[i].needs_resend = true;
    }
    flow_out_restart(f, m->window_max);
}

static void model_resend(struct model *m, struct flow_out *f)
{
    for (unsigned i = 0; i < m->count; i++) {
        struct model_entry *e = &m->entries[i];

        if (!e->needs_resend)
            continue;
        if (e->state != FLOW_OUT_WAIT_PUBCOMP) {
            if (m->quota_used >= m->window_max)
                break;
            m->quota_used++;
            e->holds_quota = true;
        }
        e->needs_resend = false;
        expect_resend(f, e->packet_id, e->state);
        return;
    }
    assert_null(flow_out_resend(f));
}

static void model_compare(struct model *m, struct flow_out *f)
{
    struct flow_out_entry *e;
    uint32_t cursor = 0;
    unsigned i = 0, resends = 0;

    while ((e = flow_out_next(f, &cursor)) != NULL) {
        assert_true(i < m->count);
        assert_int_equal(e->packet_id, m->entries[i].packet_id);
        assert_int_equal(e->state, m->entries[i].state);
        assert_int_equal(e->delivery.seq, m->entries[i].seq);
        resends += m->entries[i].needs_resend;
        i++;
    }
    assert_int_equal(i, m->count);
    assert_int_equal(f->inflight, m->count);
    assert_int_equal(f->resend_count, resends);
    assert_int_equal(f->quota_used, m->quota_used);
}

static void against_a_model(void **state)
{
    static struct model m;
    struct flow_out f = {.window_max = 10};

    (void)state;
    srand(1);
    m = (struct model){.window_max = 10};
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        unsigned what = (unsigned)rand() % 100;

        /* Phases in which it fills, and in which it empties. */
        if (what < (step / 500 % 2 == 0 ? 60u : 30u))
            model_track(&m, &f, step + 1);
        else if (what < 90 && m.count > 0)
            model_acknowledge(&m, &f);
        else if (what < 98)
            model_resend(&m, &f);
        else if (what == 99 && rand() % 20 == 0)
            model_restart(&m, &f);
        if (step % 16 == 0)
            model_compare(&m, &f);
    }
    assert_true(f.issued > PACKET_IDS); /* they have gone round */
    flow_out_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(against_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
