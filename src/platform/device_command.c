/*
 * From steps of commands to messages. A command is told from the moment on at which its publication
 * has been shown to those who watch `command_send`; what happens to it before that is told behind
 * `accepted`. A step that was not told because a later one came first is told with it, so the
 * chain is whole: a reply proves that the command was delivered.
 */
#include "platform/device_command.h"

#include "platform/command_record.h"
#include "platform/counters.h"
#include "platform/device_store.h"
#include "platform/events.h"

static const char *const unmatched[COMMAND_STATUS_COUNT] = {
    [COMMAND_REPLIED] = "the command has had its reply",
    [COMMAND_EXPIRED] = "the reply came too late: the command had expired",
    [COMMAND_OFFLINE] = "the command was never sent",
    [COMMAND_REJECTED] = "the device had refused the command",
};

struct command_ledger *device_command_ledger(struct device *d)
{
    if (d->ledger == NULL) {
        d->ledger = mem_new_of(MEM_DEVICE, struct command_ledger);
        command_ledger_init(d->ledger, d->home->worker->unix_ms);
    }
    return d->ledger;
}

/* --- telling --------------------------------------------------------------------------------- */

/* What is told of a command. */
struct news {
    const struct command_id *id; /* NULL: it has none */
    struct slice method;
    enum command_status status;
    const char *why; /* NULL: nothing to say */
};

static void publish(struct device *d, const struct news *n)
{
    struct device_publication p = {.kind = OPEN_KIND_COMMAND_STATUS};
    struct buffer payload = {0};

    if (!router_is_wanted(d->project->project, OPEN_KIND_COMMAND_STATUS))
        return;
    buffer_append_text(&payload, "{\"id\": ");
    if (n->id != NULL)
        command_id_append(n->id, &payload);
    else
        buffer_append_text(&payload, "null");
    buffer_append_text(&payload, ", \"method\": ");
    json_append_string(&payload, n->method);
    buffer_printf(&payload, ", \"status\": \"%s\"", command_status_word(n->status));
    if (n->why != NULL) {
        buffer_append_text(&payload, ", \"reason\": ");
        json_append_string(&payload, slice_of(n->why));
    }
    buffer_printf(&payload, ", \"ts\": %lld}", (long long)d->home->worker->unix_ms);
    p.payload = buffer_slice(&payload);
    (void)device_publish(d, &p, NULL);
    buffer_deinit(&payload);
}

static void tell(struct device *d, const struct command *c, enum command_status status,
                 const char *why)
{
    struct news n = {.id = &c->id, .method = c->method, .status = status, .why = why};

    publish(d, &n);
}

/* Who was told of a command must find it after a crash, so it does not wait for others. */
static void store(struct device *d)
{
    device_store_mark(d, DEVICE_PART_COMMANDS);
    device_store_due(d);
}

/* Brings it to a status before its end; those that were left out are told before it. */
static void advance(struct device *d, struct command *c, enum command_status to)
{
    c->changed_ms = d->home->worker->unix_ms;
    if (c->is_told && c->status < to)
        store(d);
    while (c->status < to) {
        c->status++;
        if (c->is_told)
            tell(d, c, c->status, NULL);
    }
}

/* Of a command that was taken out. */
static void end(struct device *d, struct command **c, enum command_status status, const char *why)
{
    (*c)->status = (uint8_t)status;
    (*c)->changed_ms = d->home->worker->unix_ms;
    tell(d, *c, status, why);
    command_ledger_keep(d->ledger, c);
    store(d);
}

static void take_out_and_end(struct device *d, struct command *c, enum command_status status,
                             const char *why)
{
    command_ledger_take_out(d->ledger, c);
    end(d, &c, status, why);
}

/* --- time ------------------------------------------------------------------------------------ */

static void on_command_timer(struct timer *t)
{
    struct device *d = list_entry(t, struct device, command_timer);
    struct command *c;

    if (d->home->shared->is_stopping)
        return; /* told after the restart */
    while ((c = command_ledger_take_expired(d->ledger, d->home->worker->now_ms)) != NULL) {
        counter_inc(commands_expired);
        end(d, &c, COMMAND_EXPIRED, "no reply came in time");
    }
    device_command_watch(d);
}

void device_command_watch(struct device *d)
{
    uint64_t next_ms = command_ledger_next_deadline(d->ledger);

    if (next_ms != UINT64_MAX)
        timer_set(&d->home->worker->timers, &d->command_timer, next_ms, on_command_timer);
}

/* --- steps ----------------------------------------------------------------------------------- */

static struct command *find(const struct device *d, uint64_t number)
{
    return d->ledger == NULL ? NULL : command_ledger_find(d->ledger, number);
}

/* From now on its steps are told. */
static void begin_telling(struct device *d, struct command *c)
{
    enum command_status reached = c->status;

    c->status = COMMAND_ACCEPTED;
    c->is_told = true;
    store(d);
    tell(d, c, COMMAND_ACCEPTED, NULL);
    advance(d, c, reached);
}

void device_command_accepted(struct device *d, uint64_t number)
{
    struct command *c = find(d, number);

    if (c == NULL)
        return;
    begin_telling(d, c);
    device_command_watch(d);
}

void device_command_untaken(struct device *d, uint64_t number, const char *why)
{
    struct command *c = find(d, number);

    if (c == NULL)
        return;
    begin_telling(d, c);
    if (c->deadline_ms <= d->home->worker->now_ms)
        take_out_and_end(d, c, COMMAND_EXPIRED, "its time was over before it began");
    else
        take_out_and_end(d, c, COMMAND_OFFLINE, why);
}

void device_command_rejected(struct device *d, const struct json_member *id, struct slice method,
                             const char *why)
{
    struct command_id given;
    struct news n = {.method = method, .status = COMMAND_REJECTED, .why = why};

    if (d->ledger != NULL && command_ledger_has(d->ledger, id))
        return; /* it would be taken for the end of that one */
    if (id != NULL && command_id_read(id, &given))
        n.id = &given;
    publish(d, &n);
}

void device_command_step(struct device *d, uint64_t number, enum command_status step)
{
    struct command *c = find(d, number);

    if (c == NULL)
        return;
    if (!command_status_is_end(step))
        advance(d, c, step);
    else if (c->is_told)
        take_out_and_end(d, c, step, "the device refused it");
}

void device_command_dropped(struct device *d, uint64_t number)
{
    struct command *c = find(d, number);

    if (c == NULL || !c->is_told || c->status != COMMAND_ACCEPTED)
        return;
    if (c->deadline_ms <= d->home->worker->now_ms)
        take_out_and_end(d, c, COMMAND_EXPIRED, "the device did not come in time");
    else
        take_out_and_end(d, c, COMMAND_OFFLINE, "it could not be sent to the device");
}

static struct command *find_unsent(const struct command_ledger *l)
{
    for (struct list *n = l->outstanding.next; n != &l->outstanding; n = n->next) {
        struct command *c = list_entry(n, struct command, node);

        if (c->is_told && c->status == COMMAND_ACCEPTED)
            return c;
    }
    return NULL;
}

void device_command_session_ended(struct device *d)
{
    struct command *c;

    if (d->ledger == NULL || d->home->shared->is_stopping)
        return;
    while ((c = find_unsent(d->ledger)) != NULL)
        take_out_and_end(d, c, COMMAND_OFFLINE, "the session that kept it for the device ended");
}

/* --- replies --------------------------------------------------------------------------------- */

struct command *device_command_take(struct device *d, const struct json_member *id,
                                    struct slice method)
{
    struct command *c = d->ledger == NULL ? NULL : command_ledger_take(d->ledger, id, method);

    if (c != NULL)
        advance(d, c, COMMAND_DELIVERED);
    return c;
}

void device_command_replied(struct device *d, struct command **c, const char *why)
{
    end(d, c, COMMAND_REPLIED, why);
}

const char *device_command_unmatched(const struct device *d, const struct json_member *id,
                                     struct slice method)
{
    const struct command *c =
        d->ledger == NULL ? NULL : command_ledger_find_ended(d->ledger, id, method);

    return c == NULL ? "the reply matches no outstanding command" : unmatched[c->status];
}

/* --- from run to run ------------------------------------------------------------------------- */

void device_command_restore(struct device *d, struct slice record)
{
    const struct worker *w = d->home->worker;

    if (command_record_read(device_command_ledger(d), record, w->now_ms, w->unix_ms) != ST_OK)
        log_event(EV_COMMANDS_DAMAGED, "device", d->text);
    device_command_watch(d);
}
