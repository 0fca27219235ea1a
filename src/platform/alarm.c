/*
 * The states of a device's alarms. A device has few rules, so each question walks them; one without
 * rules costs one comparison.
 */
#include "platform/alarm.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

static void enter(struct alarms *s, struct alarm *a, enum alarm_state state, int64_t now_ms)
{
    s->alerting_count += state == ALARM_ALERTING;
    s->alerting_count -= a->state == ALARM_ALERTING;
    a->state = state;
    a->since_ms = now_ms;
}

static bool is_due(const struct alarm *a, int64_t now_ms)
{
    return a->state == ALARM_PENDING && (a->rule->is_offline || a->met_count >= a->rule->repeat) &&
           now_ms - a->met_since_ms >= (int64_t)a->rule->duration_ms;
}

/* What alerts at once was never pending for others. */
static void on_met(struct alarms *s, struct alarm *a, int64_t since_ms, int64_t now_ms,
                   alarm_change_fn on_change, void *arg)
{
    enum alarm_state before = a->state;

    if (before == ALARM_ALERTING)
        return;
    if (before == ALARM_NORMAL) {
        enter(s, a, ALARM_PENDING, now_ms);
        a->met_since_ms = since_ms;
    }
    if (a->met_count < a->rule->repeat)
        a->met_count++;
    if (is_due(a, now_ms))
        enter(s, a, ALARM_ALERTING, now_ms);
    if (a->state != before)
        on_change(a, before, arg);
}

static void on_unmet(struct alarms *s, struct alarm *a, int64_t now_ms, alarm_change_fn on_change,
                     void *arg)
{
    enum alarm_state before = a->state;

    if (before == ALARM_NORMAL)
        return;
    enter(s, a, ALARM_NORMAL, now_ms);
    a->met_count = 0;
    a->met_since_ms = 0;
    on_change(a, before, arg);
}

void alarms_report(struct alarms *s, const struct json_member *members, size_t count,
                   const struct cloud_values *values, int64_t now_ms, alarm_change_fn on_change,
                   void *arg)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct alarm *a = &s->items[i];

        if (a->rule->is_offline || !alarm_rule_concerns(a->rule, members, count))
            continue;
        if (alarm_rule_is_met(a->rule, values))
            on_met(s, a, now_ms, now_ms, on_change, arg);
        else
            on_unmet(s, a, now_ms, on_change, arg);
    }
}

void alarms_presence(struct alarms *s, bool is_online, int64_t since_ms, int64_t now_ms,
                     alarm_change_fn on_change, void *arg)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct alarm *a = &s->items[i];

        if (!a->rule->is_offline)
            continue;
        if (is_online)
            on_unmet(s, a, now_ms, on_change, arg);
        else
            on_met(s, a, since_ms, now_ms, on_change, arg);
    }
}

void alarms_time(struct alarms *s, int64_t now_ms, alarm_change_fn on_change, void *arg)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (!is_due(&s->items[i], now_ms))
            continue;
        enter(s, &s->items[i], ALARM_ALERTING, now_ms);
        on_change(&s->items[i], ALARM_PENDING, arg);
    }
}

int64_t alarms_next_ms(const struct alarms *s)
{
    int64_t next_ms = INT64_MAX;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct alarm *a = &s->items[i];
        int64_t due_ms = a->met_since_ms + (int64_t)a->rule->duration_ms;

        if (is_due(a, INT64_MAX) && due_ms < next_ms)
            next_ms = due_ms;
    }
    return next_ms;
}

/* --- rules ----------------------------------------------------------------------------------- */

static struct alarm *find(const struct alarms *s, uint64_t rule_id)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->items[i].rule->rule_id == rule_id)
            return &s->items[i];
    }
    return NULL;
}

/* Takes the state of the rule's predecessor over, if that one is like it. */
static void inherit(struct alarms *s, struct alarm *a, struct alarm *before)
{
    if (before == NULL || !alarm_rule_is_like(a->rule, before->rule))
        return;
    a->met_count = before->met_count;
    a->met_since_ms = before->met_since_ms;
    a->since_ms = before->since_ms;
    a->state = before->state;
    s->alerting_count += a->state == ALARM_ALERTING;
    before->state = ALARM_NORMAL; /* it is not over */
}

void alarms_set_rules(struct alarms *s, struct alarm_rule *const *rules, size_t count,
                      int64_t now_ms, alarm_change_fn on_change, void *arg)
{
    struct alarms before = *s;

    *s = (struct alarms){0};
    if (count > 0)
        s->items = mem_new(MEM_DEVICE, count * sizeof(*s->items));
    s->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        s->items[i].rule = alarm_rule_ref(rules[i]);
        inherit(s, &s->items[i], find(&before, rules[i]->rule_id));
    }
    for (uint32_t i = 0; i < before.count; i++)
        on_unmet(&before, &before.items[i], now_ms, on_change, arg);
    alarms_deinit(&before);
}

/* --- from run to run ------------------------------------------------------------------------- */

/* A version, then each state, big end first: rule 8, state 1, count 4, met since 8, entered 8. */
enum { VERSION = 0xA1, RECORD_LEN = 8 + 1 + 4 + 8 + 8 };

void alarms_write(const struct alarms *s, struct buffer *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct alarm *a = &s->items[i];
        uint8_t record[RECORD_LEN];
        struct writer w = writer_of(record, sizeof(record));

        if (a->state == ALARM_NORMAL)
            continue;
        writer_u64(&w, a->rule->rule_id);
        writer_u8(&w, (uint8_t)a->state);
        writer_u32(&w, a->met_count);
        writer_u64(&w, (uint64_t)a->met_since_ms);
        writer_u64(&w, (uint64_t)a->since_ms);
        if (out->len == 0)
            buffer_append_u8(out, VERSION);
        buffer_append(out, record, sizeof(record));
    }
}

void alarms_read(struct alarms *s, struct slice bytes)
{
    struct reader r = reader_of(bytes);

    if (reader_u8(&r) != VERSION)
        return;
    while (reader_left(&r) >= RECORD_LEN) {
        struct alarm *a = find(s, reader_u64(&r));
        uint8_t state = reader_u8(&r);
        uint32_t met_count = reader_u32(&r);
        int64_t met_since_ms = (int64_t)reader_u64(&r);
        int64_t since_ms = (int64_t)reader_u64(&r);

        if (a == NULL || state > ALARM_ALERTING)
            continue;
        enter(s, a, (enum alarm_state)state, since_ms);
        a->met_count = met_count;
        a->met_since_ms = met_since_ms;
    }
}

bool alarms_are_sound(struct slice bytes)
{
    struct reader r = reader_of(bytes);
    bool is_sound = reader_u8(&r) == VERSION;

    while (is_sound && reader_left(&r) > 0) {
        (void)reader_u64(&r);
        is_sound = reader_u8(&r) <= ALARM_ALERTING;
        (void)reader_bytes(&r, RECORD_LEN - sizeof(uint64_t) - 1);
        is_sound = is_sound && r.status == ST_OK;
    }
    return is_sound;
}

void alarms_deinit(struct alarms *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        alarm_rule_unref(&s->items[i].rule);
    mem_free(s->items);
    *s = (struct alarms){0};
}
