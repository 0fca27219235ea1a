/*
 * Devices at home. Everything that a device does to others leaves through device_publish, on its
 * home worker: that is where the order of its messages comes from.
 */
#include "platform/device.h"

#include "base/invariant.h"
#include "platform/counters.h"
#include "platform/device_alarm.h"
#include "platform/device_command.h"
#include "platform/device_log.h"
#include "platform/device_store.h"
#include "platform/events.h"
#include "platform/sub_device.h"

struct device *device_new(struct home *h, struct home_project *p, uint64_t device_id,
                          const struct secret_digest *password, bool enabled)
{
    struct device *d = mem_new_of(MEM_DEVICE, struct device);

    d->magic = DEVICE_MAGIC;
    d->home = h;
    d->project = p;
    d->device_id = device_id;
    ident_format(IDENT_DEVICE, device_id, d->text);
    d->password = *password;
    d->enabled = enabled;
    list_init(&d->below);
    device_log_switch(d, false);
    return d;
}

void device_free(struct device **dp)
{
    struct device *d = *dp;

    *dp = NULL;
    invariant(d->magic == DEVICE_MAGIC && d->link == NULL && list_is_empty(&d->below));
    if (d->sub != NULL)
        sub_device_remove(d);
    timer_cancel(&d->command_timer);
    timer_cancel(&d->offline_timer);
    timer_cancel(&d->alarm_timer);
    counter_add(&CT_alarms_alerting, -(int64_t)d->alarms.alerting_count);
    alarms_deinit(&d->alarms);
    list_remove(&d->retained_node);
    list_remove(&d->store_node);
    for (unsigned i = 0; i < DEVICE_RETAINED_COUNT; i++) {
        if (d->retained[i] != NULL)
            open_message_unref(&d->retained[i]);
    }
    if (d->is_online)
        counter_add(&CT_devices_online, -1);
    if (d->ledger != NULL) {
        command_ledger_deinit(d->ledger);
        mem_free(d->ledger);
    }
    if (d->log != NULL) {
        message_log_deinit(d->log);
        mem_free(d->log);
    }
    cloud_values_deinit(&d->values);
    secret_wipe(&d->password, sizeof(d->password));
    mem_free(d->sn);
    d->magic = 0;
    mem_free(d);
}

void device_change(struct device *d, const struct secret_digest *password, bool enabled)
{
    invariant(d->magic == DEVICE_MAGIC);
    d->password = *password;
    d->enabled = enabled;
    if (enabled)
        return;
    d->home->shared->sink->device_closed(d->home, d);
    if (d->sub != NULL)
        device_end_presence(d, slice_of("disabled"));
}

void device_set_type(struct device *d, uint64_t type_id)
{
    invariant(d->magic == DEVICE_MAGIC);
    if (d->type_id == type_id && (d->type != NULL || type_id == 0))
        return;
    d->type_id = type_id;
    d->type = type_id == 0 ? NULL : home_find_type(d->home, type_id);
    device_alarm_update(d);
}

void device_set_created(struct device *d, int64_t created_ms)
{
    d->created_ms = created_ms;
}

void device_set_sn(struct device *d, const char *sn)
{
    mem_free(d->sn);
    d->sn = sn[0] == '\0' ? NULL : slice_to_string(slice_of(sn));
}

void device_leave(struct device *d)
{
    invariant(d->magic == DEVICE_MAGIC && d->link == NULL && d->sub == NULL && !d->is_online);
    timer_cancel(&d->command_timer);
    timer_cancel(&d->offline_timer);
    timer_cancel(&d->alarm_timer);
    list_remove(&d->retained_node);
    device_store_leave(d);
    d->home = NULL;
    d->project = NULL;
    d->type = NULL;
}

void device_enter(struct device *d, struct home *h, struct home_project *p)
{
    invariant(d->magic == DEVICE_MAGIC);
    d->home = h;
    d->project = p;
    d->type = d->type_id == 0 ? NULL : home_find_type(h, d->type_id);
    if (d->retained[DEVICE_RETAINED_PUSH] != NULL || d->retained[DEVICE_RETAINED_COMMAND] != NULL)
        list_push_back(&p->retained, &d->retained_node);
    if (d->ledger != NULL)
        device_command_watch(d);
    device_log_switch_project(d);
    device_alarm_update(d);
    device_store_enter(d);
}

bool device_admit(struct device *d)
{
    const struct device_type *t = device_type_of(d);
    int64_t second = d->home->worker->unix_ms / 1000;

    if (t == NULL || t->max_rate == 0)
        return true;
    if (d->rate_second != second) {
        d->rate_second = second;
        d->rate_count = 0;
    }
    return d->rate_count++ < t->max_rate;
}

bool device_publish(struct device *d, const struct device_publication *p,
                    const struct router_receipt *receipt)
{
    const struct project *project = d->project->project;
    struct open_message_parts parts = {
        .project_id = project->project_id,
        .device_id = d->device_id,
        .type_id = d->type_id,
        .project_text = project_text(project),
        .device_text = device_text(d),
        .kind = p->kind,
        .stream = p->stream,
        .payload = p->payload,
        .accepted_ms = d->home->worker->unix_ms,
        .source = p->source,
        .reason = p->reason,
        .publisher = p->publisher,
        .qos = p->qos,
        .retain = p->retain,
        .forwarded = p->forwarded,
        .properties = p->properties,
        .expires_ms = p->expires_ms,
    };
    struct open_message *m = open_message_new(&parts);

    enum router_way way;

    invariant(d->magic == DEVICE_MAGIC);
    way = router_publish(d->home, &m, receipt);
    if (way == ROUTER_JOURNAL)
        device_store_due(d);
    return way == ROUTER_JOURNAL && receipt != NULL;
}

void device_store_values(struct device *d, const struct json_member *members, size_t count,
                         int64_t ts_ms)
{
    device_alarm_catch_up(d);
    cloud_values_rewind(&d->values);
    for (size_t i = 0; i < count; i++) {
        if (!cloud_values_set(&d->values, members[i].key, members[i].value, ts_ms))
            counter_inc(cloud_values_skipped);
    }
    device_store_mark(d, DEVICE_PART_VALUES);
}

void device_store_late(struct device *d, const struct json_member *members, size_t count,
                       int64_t ts_ms, struct buffer *stored)
{
    device_alarm_catch_up(d);
    cloud_values_rewind(&d->values);
    for (size_t i = 0; i < count; i++) {
        if (cloud_values_set(&d->values, members[i].key, members[i].value, ts_ms))
            buffer_append(stored, &members[i], sizeof(members[i]));
        else
            counter_inc(cloud_values_skipped);
    }
    device_store_mark(d, DEVICE_PART_VALUES);
}

/* --- presence -------------------------------------------------------------------------------- */

static void announce(struct device *d, bool is_online, struct slice reason)
{
    struct device_publication p = {
        .kind = OPEN_KIND_ONLINE,
        .payload = slice_of(is_online ? "{\"online\": true}" : "{\"online\": false}"),
        .reason = reason,
    };

    device_alarm_catch_up(d);
    d->is_online = is_online;
    d->is_absent = false;
    d->presence_ms = d->home->worker->unix_ms;
    counter_add(&CT_devices_online, is_online ? 1 : -1);
    device_store_mark(d, DEVICE_PART_PRESENCE);
    (void)device_publish(d, &p, NULL);
    device_alarm_presence(d);
}

/* A restart must not take who has gone for somebody who was there. */
static void set_absent(struct device *d, bool is_absent)
{
    d->is_absent = is_absent;
    device_store_mark(d, DEVICE_PART_PRESENCE);
}

void device_came(struct device *d)
{
    timer_cancel(&d->offline_timer);
    if (!d->is_online)
        announce(d, true, slice_of("connected"));
    if (d->is_absent)
        set_absent(d, false);
}

void device_end_presence(struct device *d, struct slice reason)
{
    timer_cancel(&d->offline_timer);
    sub_device_parent_goes(d);
    if (d->is_online)
        announce(d, false, reason);
}

/* Its absence counts now; one that the stop of the server cuts short is judged after the next
 * start. A will that was put off is published first: it is the device's last data. */
static void announce_absence(struct device *d, struct slice reason)
{
    if (d->home->shared->is_stopping)
        return;
    d->home->shared->sink->device_leaving(d->home, d);
    device_end_presence(d, reason);
}

static void on_absent_too_long(struct timer *t)
{
    struct device *d = list_entry(t, struct device, offline_timer);

    announce_absence(d, d->absent_because);
}

/* How long its absence may last before it counts. */
static uint64_t offline_delay_ms(const struct device *d)
{
    const struct device_type *t = device_type_of(d);

    return t != NULL && t->has_offline_delay ? t->offline_delay_ms
                                             : d->home->shared->offline_delay_ms;
}

void device_went(struct device *d, struct slice reason)
{
    struct worker *w = d->home->worker;
    uint64_t delay_ms = offline_delay_ms(d);

    if (!d->is_online || d->is_absent) /* who says it twice is not there for longer */
        return;
    if (delay_ms == 0) {
        announce_absence(d, reason);
        return;
    }
    d->absent_because = reason;
    set_absent(d, true);
    timer_set(&w->timers, &d->offline_timer, w->now_ms + delay_ms, on_absent_too_long);
}

/* A sub-device was never away as long as its root was not, unless it had gone before the restart.
 */
static void on_grace_over(struct timer *t)
{
    struct device *d = list_entry(t, struct device, offline_timer);

    if (d->sub == NULL || d->is_absent || !sub_device_root(d)->is_online)
        announce_absence(d, slice_of("not back after restart"));
}

void device_restore_presence(struct device *d, bool is_online, int64_t since_ms, uint64_t grace_ms)
{
    struct worker *w = d->home->worker;

    d->is_online = is_online;
    d->presence_ms = since_ms;
    if (!is_online) {
        device_alarm_wake(d);
        return;
    }
    counter_add(&CT_devices_online, 1);
    timer_set(&w->timers, &d->offline_timer, w->now_ms + grace_ms, on_grace_over);
}

void device_retire(struct device *d)
{
    device_alarm_end(d);
    d->home->shared->sink->device_removed(d->home, d);
    device_end_presence(d, slice_of("removed")); /* offline_delay may not have passed */
}

/* --- the rest -------------------------------------------------------------------------------- */

void device_record(struct device *d, enum message_direction direction, struct slice topic,
                   enum message_verdict verdict, const char *why)
{
    counter_inc(reports_recorded);
    log_event(EV_DEVICE_RECORDED, "device", d->text, "direction",
              direction == MESSAGE_UP ? "up" : "down", "topic", log_slice(topic), "cause", why);
    if (direction == MESSAGE_UP)
        device_log_note(d->home, verdict, why);
}
