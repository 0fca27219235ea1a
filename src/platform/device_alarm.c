/*
 * From changes of alarm states to messages.
 *
 * Applications are told each start of an alarm, and its end when no rule of the device alerts any
 * more (or each end, if the project wants it so). They come behind the message that caused them,
 * because one home publishes both.
 */
#include "platform/device_alarm.h"

#include "platform/alarm_history.h"
#include "platform/counters.h"
#include "platform/device_store.h"

/* A user property as MQTT encodes it (MQTT 5.0 section 3.3.2.3.7). */
static void append_property(struct buffer *b, const char *key, struct slice value)
{
    struct slice parts[] = {slice_of(key), value};

    buffer_append_u8(b, 0x26);
    for (size_t i = 0; i < 2; i++) {
        buffer_append_u8(b, (uint8_t)(parts[i].len >> 8));
        buffer_append_u8(b, (uint8_t)parts[i].len);
        buffer_append_slice(b, parts[i]);
    }
}

static void publish(struct device *d, enum open_kind kind, struct slice payload,
                    struct slice properties)
{
    struct device_publication p = {.kind = kind, .payload = payload, .properties = properties};

    (void)device_publish(d, &p, NULL);
}

static void publish_alarm(struct device *d, const struct alarm_rule *r, const char *rule_text,
                          bool is_alerting)
{
    struct buffer properties = {0};

    append_property(&properties, "rule", slice_of(rule_text));
    append_property(&properties, "name", r->name);
    append_property(&properties, "level", slice_of(alarm_level_word(r->level)));
    publish(d, OPEN_KIND_ALARM,
            slice_of(is_alerting ? "{\"alerting\": true}" : "{\"alerting\": false}"),
            buffer_slice(&properties));
    buffer_deinit(&properties);
}

static bool is_of_rule(struct slice name, const void *arg)
{
    const struct alarm_rule *r = arg;

    for (size_t i = 0; i < r->condition_count; i++) {
        if (slice_equal(r->conditions[i].attribute, name))
            return true;
    }
    return false;
}

static void publish_detail(struct device *d, const struct alarm_rule *r, const char *rule_text,
                           bool is_alerting, struct slice values)
{
    struct buffer payload = {0};

    buffer_printf(&payload, "{\"rule\": \"%s\", \"name\": ", rule_text);
    json_append_string(&payload, r->name);
    buffer_printf(&payload,
                  ", \"level\": \"%s\", \"alerting\": %s, \"values\": ", alarm_level_word(r->level),
                  is_alerting ? "true" : "false");
    buffer_append_slice(&payload, values);
    buffer_printf(&payload, ", \"ts\": %lld}", (long long)d->home->worker->unix_ms);
    publish(d, OPEN_KIND_ALARM_DETAIL, buffer_slice(&payload), slice_make(NULL, 0));
    buffer_deinit(&payload);
}

/* Whether applications are told this change beside its detail. */
static bool is_told(struct device *d, bool is_alerting)
{
    bool was_alarming = d->is_alarming;

    d->is_alarming = d->alarms.alerting_count > 0;
    return is_alerting || (was_alarming && !d->is_alarming) ||
           atomic_load_explicit(&d->project->project->alarm_per_rule, memory_order_relaxed);
}

static void tell(struct device *d, const struct alarm_rule *r, bool is_alerting,
                 struct slice values)
{
    char rule_text[IDENT_TEXT_LEN + 1];

    counter_inc(alarm_changes);
    counter_add(&CT_alarms_alerting, is_alerting ? 1 : -1);
    ident_format(IDENT_RULE, r->rule_id, rule_text);
    if (is_told(d, is_alerting))
        publish_alarm(d, r, rule_text, is_alerting);
    publish_detail(d, r, rule_text, is_alerting, values);
}

/* Pending is kept in the history and told nobody. */
static void on_change(const struct alarm *a, enum alarm_state before, void *arg)
{
    struct device *d = arg;
    struct buffer values = {0};

    cloud_values_append_object(&d->values, NULL, 0, is_of_rule, a->rule, &values);
    alarm_history_add(d, a, before, buffer_slice(&values));
    device_store_mark(d, DEVICE_PART_ALARMS);
    if (a->state == ALARM_ALERTING || before == ALARM_ALERTING)
        tell(d, a->rule, a->state == ALARM_ALERTING, buffer_slice(&values));
    buffer_deinit(&values);
}

/* --- time ------------------------------------------------------------------------------------ */

static void watch_time(struct device *d);

/* A rule may have come, or have been stored, while the device was away. Who has never been online
 * has not gone offline either. */
static void judge_absence(struct device *d)
{
    if (!d->is_online && d->presence_ms != 0)
        alarms_presence(&d->alarms, false, d->presence_ms, d->home->worker->unix_ms, on_change, d);
}

/* Timers are coarse: what changes next may come in the tick in which a duration ends, ahead of the
 * timer. Then it begins first, as it would have by an exact one. */
static void tell_what_is_due(struct device *d)
{
    judge_absence(d);
    alarms_time(&d->alarms, d->home->worker->unix_ms, on_change, d);
}

static void on_alarm_timer(struct timer *t)
{
    struct device *d = list_entry(t, struct device, alarm_timer);

    tell_what_is_due(d);
    watch_time(d);
}

static void watch_time(struct device *d)
{
    struct worker *w = d->home->worker;
    int64_t next_ms = alarms_next_ms(&d->alarms);
    uint64_t wait_ms = next_ms > w->unix_ms ? (uint64_t)(next_ms - w->unix_ms) : 0;

    if (next_ms == INT64_MAX)
        timer_cancel(&d->alarm_timer);
    else
        timer_set(&w->timers, &d->alarm_timer, w->now_ms + wait_ms, on_alarm_timer);
}

/* --- causes ---------------------------------------------------------------------------------- */

void device_alarm_catch_up(struct device *d)
{
    if (d->alarms.count > 0)
        tell_what_is_due(d);
}

void device_alarm_report(struct device *d, const struct json_member *members, size_t count)
{
    if (d->alarms.count == 0)
        return;
    device_store_mark(d, DEVICE_PART_ALARMS); /* counts and times, too, have to outlive a stop */
    alarms_report(&d->alarms, members, count, &d->values, d->home->worker->unix_ms, on_change, d);
    watch_time(d);
}

void device_alarm_presence(struct device *d)
{
    if (d->alarms.count == 0)
        return;
    device_store_mark(d, DEVICE_PART_ALARMS);
    alarms_presence(&d->alarms, d->is_online, d->presence_ms, d->home->worker->unix_ms, on_change,
                    d);
    watch_time(d);
}

void device_alarm_update(struct device *d)
{
    const struct home_project *p = d->project;
    struct alarm_rule **watching;
    size_t count = 0;

    if (p->rule_count == 0 && d->alarms.count == 0)
        return;
    tell_what_is_due(d);
    watching = mem_alloc(MEM_DEVICE, p->rule_count * sizeof(struct alarm_rule *));
    for (size_t i = 0; i < p->rule_count; i++) {
        if (alarm_rule_watches(p->rules[i], d->device_id, d->type_id))
            watching[count++] = p->rules[i];
    }
    alarms_set_rules(&d->alarms, watching, count, d->home->worker->unix_ms, on_change, d);
    mem_free(watching);
    judge_absence(d);
    watch_time(d);
}

void device_alarm_end(struct device *d)
{
    tell_what_is_due(d);
    alarms_set_rules(&d->alarms, NULL, 0, d->home->worker->unix_ms, on_change, d);
    timer_cancel(&d->alarm_timer);
}

void device_alarm_wake(struct device *d)
{
    struct worker *w = d->home->worker;

    if (d->alarms.count > 0)
        timer_set(&w->timers, &d->alarm_timer, w->now_ms, on_alarm_timer);
}

void device_alarm_restore(struct device *d, struct slice bytes)
{
    alarms_read(&d->alarms, bytes);
    d->is_alarming = d->alarms.alerting_count > 0;
    counter_add(&CT_alarms_alerting, d->alarms.alerting_count);
    device_alarm_wake(d);
}
