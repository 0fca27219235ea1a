/* Straight from the contract's sentences; slow, and without a timer. */
#include "alarm_oracle.h"

#include <stddef.h>
#include <string.h>

void oracle_init(struct oracle *o, unsigned device_count)
{
    *o = (struct oracle){.device_count = device_count};
    for (unsigned i = 0; i < device_count; i++)
        o->devices[i] = (struct oracle_device){.parent = -1, .type = -1, .said = -1};
}

/* --- conditions ------------------------------------------------------------------------------- */

/* What a value says as a switch: 0, 1; -1: it is none. */
static int as_switch(const struct oracle_value *v)
{
    if (v->kind == ORACLE_BOOL)
        return v->number;
    if (v->kind == ORACLE_NUMBER)
        return v->number == 0 || v->number == 1 ? v->number : -1;
    if (v->kind == ORACLE_TEXT)
        return strcmp(v->text, "ON") == 0 ? 1 : strcmp(v->text, "OFF") == 0 ? 0 : -1;
    return -1;
}

static bool holds(enum oracle_operator op, int left, int right)
{
    switch (op) {
    case ORACLE_GREATER:
        return left > right;
    case ORACLE_NOT_LESS:
        return left >= right;
    case ORACLE_LESS:
        return left < right;
    case ORACLE_NOT_GREATER:
        return left <= right;
    case ORACLE_EQUAL:
        return left == right;
    default:
        return left != right;
    }
}

/* Numbers as numbers, texts by their characters, switches by meaning; else it meets nothing. */
static bool is_met(const struct oracle_condition *c, const struct oracle_value *v)
{
    if (v->kind == ORACLE_NUMBER && c->value.kind == ORACLE_NUMBER)
        return holds(c->op, v->number, c->value.number);
    if (v->kind == ORACLE_TEXT && c->value.kind == ORACLE_TEXT)
        return holds(c->op, strcmp(v->text, c->value.text), 0);
    if (v->kind != ORACLE_NOTHING && as_switch(v) >= 0 && as_switch(&c->value) >= 0)
        return holds(c->op, as_switch(v), as_switch(&c->value));
    return false;
}

static bool rule_is_met(const struct oracle_rule *r, const struct oracle_device *d)
{
    unsigned met = 0;

    for (unsigned i = 0; i < r->condition_count; i++)
        met += is_met(&r->conditions[i], &d->values[r->conditions[i].attribute]);
    return r->needs_all ? met == r->condition_count : met > 0;
}

static bool watches(const struct oracle *o, const struct oracle_rule *r, unsigned device)
{
    bool is_source =
        r->type >= 0 ? o->devices[device].type == r->type : (r->devices & 1u << device) != 0;

    return r->exists && r->is_enabled && is_source && (r->except & 1u << device) == 0;
}

/* --- cells ------------------------------------------------------------------------------------ */

static bool is_due(const struct oracle *o, const struct oracle_rule *r, const struct oracle_cell *c,
                   int64_t slack_ms)
{
    return c->state == ORACLE_PENDING && (r->is_offline || c->count >= r->repeat) &&
           o->now_ms >= c->since_ms + r->duration_ms + slack_ms;
}

int64_t oracle_next_due(const struct oracle *o)
{
    int64_t next_ms = INT64_MAX;

    for (unsigned i = 0; i < o->device_count; i++) {
        for (unsigned n = 0; n < ALARM_RULES; n++) {
            const struct oracle_cell *c = &o->devices[i].cells[n];
            const struct oracle_rule *r = &o->rules[n];
            int64_t due_ms = c->since_ms + r->duration_ms;

            if (c->state == ORACLE_PENDING && (r->is_offline || c->count >= r->repeat) &&
                due_ms > o->now_ms && due_ms < next_ms)
                next_ms = due_ms;
        }
    }
    return next_ms;
}

static void meet(const struct oracle *o, const struct oracle_rule *r, struct oracle_cell *c,
                 int64_t since_ms)
{
    if (c->state == ORACLE_ALERTING)
        return;
    if (c->state == ORACLE_NORMAL) {
        c->state = ORACLE_PENDING;
        c->count = 0;
        c->since_ms = since_ms;
    }
    c->count++;
    c->must_alert = is_due(o, r, c, 0);
}

/* What was due by then began, and ends with that. */
static void unmeet(const struct oracle *o, const struct oracle_rule *r, struct oracle_cell *c)
{
    c->was_due = c->was_due || is_due(o, r, c, 0);
    c->must_restore = c->must_restore || c->was_due || c->state == ORACLE_ALERTING;
    c->must_alert = false;
    c->state = ORACLE_NORMAL;
    c->count = 0;
}

/* An offline rule looks at the device as it is. */
static void judge_absence(const struct oracle *o, unsigned device, unsigned rule)
{
    const struct oracle_device *d = &o->devices[device];
    const struct oracle_rule *r = &o->rules[rule];

    if (watches(o, r, device) && r->is_offline && !d->is_online && d->since_ms != 0 &&
        d->cells[rule].state == ORACLE_NORMAL)
        meet(o, r, (struct oracle_cell *)(uintptr_t)&d->cells[rule], d->since_ms);
}

void oracle_report(struct oracle *o, unsigned device, uint32_t attributes,
                   const struct oracle_value values[ALARM_ATTRIBUTES])
{
    struct oracle_device *d = &o->devices[device];

    for (unsigned i = 0; i < ALARM_ATTRIBUTES; i++) {
        if ((attributes & 1u << i) != 0)
            d->values[i] = values[i];
    }
    for (unsigned i = 0; i < ALARM_RULES; i++) {
        const struct oracle_rule *r = &o->rules[i];
        bool concerns = false;

        for (unsigned n = 0; n < r->condition_count; n++)
            concerns = concerns || (attributes & 1u << r->conditions[n].attribute) != 0;
        if (!watches(o, r, device) || r->is_offline || !concerns)
            continue;
        if (rule_is_met(r, d))
            meet(o, r, &d->cells[i], o->now_ms);
        else
            unmeet(o, r, &d->cells[i]);
    }
}

/* --- changes of rules ------------------------------------------------------------------------- */

/* Met by the same: a new name, level, switch or exception is no other condition. */
static bool is_like(const struct oracle_rule *a, const struct oracle_rule *b)
{
    bool is_same = a->exists && b->exists && a->type == b->type && a->is_offline == b->is_offline &&
                   a->repeat == b->repeat && a->duration_ms == b->duration_ms &&
                   (a->type >= 0 || a->devices == b->devices);

    if (!is_same || a->is_offline)
        return is_same;
    if (a->needs_all != b->needs_all || a->condition_count != b->condition_count)
        return false;
    for (unsigned i = 0; i < a->condition_count; i++) {
        const struct oracle_condition *x = &a->conditions[i], *y = &b->conditions[i];

        if (x->attribute != y->attribute || x->op != y->op || x->value.kind != y->value.kind ||
            x->value.number != y->value.number ||
            (x->value.kind == ORACLE_TEXT && strcmp(x->value.text, y->value.text) != 0))
            return false;
    }
    return true;
}

void oracle_set_rule(struct oracle *o, unsigned rule, const struct oracle_rule *r)
{
    const struct oracle_rule before = o->rules[rule];
    bool keeps = is_like(&before, r);

    for (unsigned i = 0; i < o->device_count; i++) {
        if (!watches(o, &before, i))
            continue;
        if (!keeps || !watches(o, r, i))
            unmeet(o, &before, &o->devices[i].cells[rule]);
    }
    o->rules[rule] = *r;
    for (unsigned i = 0; i < o->device_count; i++)
        judge_absence(o, i, rule);
}

void oracle_set_type(struct oracle *o, unsigned device, int type)
{
    bool was_watching[ALARM_RULES];

    for (unsigned i = 0; i < ALARM_RULES; i++)
        was_watching[i] = watches(o, &o->rules[i], device);
    o->devices[device].type = type;
    for (unsigned i = 0; i < ALARM_RULES; i++) {
        if (was_watching[i] && !watches(o, &o->rules[i], device))
            unmeet(o, &o->rules[i], &o->devices[device].cells[i]);
        judge_absence(o, device, i);
    }
}

/* --- presence --------------------------------------------------------------------------------- */

static int64_t delay_of(const struct oracle *o, const struct oracle_device *d)
{
    return o->delay_ms[d->type < 0 ? ALARM_TYPES : d->type];
}

void oracle_come(struct oracle *o, unsigned device)
{
    struct oracle_device *d = &o->devices[device];

    d->is_connected = true;
    d->leaving_ms = 0;
    d->must_come = !d->is_online;
}

static bool is_below(const struct oracle *o, unsigned device, unsigned above)
{
    for (int p = o->devices[device].parent; p >= 0; p = o->devices[p].parent) {
        if (p == (int)above)
            return true;
    }
    return false;
}

static void must_go(struct oracle *o, unsigned device)
{
    for (unsigned i = 0; i < o->device_count; i++) {
        if (i == device || is_below(o, i, device)) {
            o->devices[i].must_go = o->devices[i].is_online;
            o->devices[i].leaving_ms = 0;
        }
    }
}

void oracle_go(struct oracle *o, unsigned device)
{
    struct oracle_device *d = &o->devices[device];

    d->is_connected = false;
    if (!d->is_online ||
        d->leaving_ms != 0) /* who has gone is not there longer for saying it twice */
        return;
    if (delay_of(o, d) == 0)
        must_go(o, device);
    else
        d->leaving_ms = o->now_ms + delay_of(o, d);
}

/* Who was absent already when the server stopped is so still, whoever else comes back. */
void oracle_restart(struct oracle *o, int64_t grace_ms)
{
    o->started_ms = o->now_ms;
    for (unsigned i = 0; i < o->device_count; i++) {
        struct oracle_device *d = &o->devices[i];

        d->is_connected = false;
        if (d->is_online && (d->parent < 0 || d->leaving_ms != 0))
            d->leaving_ms = o->now_ms + grace_ms;
    }
}

/* --- what the server says --------------------------------------------------------------------- */

static bool may_go(const struct oracle *o, const struct oracle_device *d)
{
    return d->must_go || (d->leaving_ms != 0 && o->now_ms >= d->leaving_ms) ||
           (d->parent >= 0 && may_go(o, &o->devices[d->parent]));
}

static const char *check_below(const struct oracle *o, unsigned device)
{
    for (unsigned i = 0; i < o->device_count; i++) {
        if (is_below(o, i, device) && o->devices[i].is_online)
            return "offline while one below it is online";
    }
    return NULL;
}

const char *oracle_online(struct oracle *o, unsigned device, bool is_online)
{
    struct oracle_device *d = &o->devices[device];
    const char *fault = NULL;

    if (d->said >= 0)
        return "an alarm without its detail";
    if (d->is_online == is_online)
        return "online does not alternate";
    if (is_online ? !d->must_come : !may_go(o, d))
        return is_online ? "online without a reason" : "offline without a reason, or too early";
    if (!is_online)
        fault = check_below(o, device);
    d->is_online = is_online;
    d->since_ms = o->now_ms;
    d->must_come = d->must_go = false;
    d->leaving_ms = 0;
    for (unsigned i = 0; i < ALARM_RULES; i++) {
        if (is_online && watches(o, &o->rules[i], device) && o->rules[i].is_offline)
            unmeet(o, &o->rules[i], &d->cells[i]);
        judge_absence(o, device, i);
    }
    o->told_online++;
    return fault;
}

/* How many alert that are not about to end. */
static unsigned count_alerting(const struct oracle_device *d)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ALARM_RULES; i++)
        count += d->cells[i].state == ORACLE_ALERTING;
    return count;
}

const char *oracle_alarm(struct oracle *o, unsigned device, bool is_alerting)
{
    struct oracle_device *d = &o->devices[device];

    if (d->said >= 0)
        return "two alarms without a detail between them";
    if (!is_alerting && !o->tells_each && (!d->is_alarmed || count_alerting(d) > 0))
        return "alarm false, and it is not the last one that ends";
    d->said = is_alerting;
    if (is_alerting || count_alerting(d) == 0)
        d->is_alarmed = is_alerting;
    return NULL;
}

const char *oracle_detail(struct oracle *o, unsigned device, unsigned rule, bool is_alerting)
{
    struct oracle_device *d = &o->devices[device];
    struct oracle_cell *c = &d->cells[rule];
    int said = d->said;

    d->said = -1;
    if (said >= 0 && said != (int)is_alerting)
        return "alarm and its detail differ";
    if (said < 0 && (is_alerting || o->tells_each))
        return "a detail without its alarm";
    o->told_alarms++;
    if (c->was_due) {
        c->was_due = false;
        o->ended_late++;
        return is_alerting ? NULL : "the end of an alarm whose beginning was due";
    }
    if (!is_alerting) {
        if (!c->must_restore)
            return "the end of an alarm without a reason";
        c->must_restore = false;
        return NULL;
    }
    if (c->must_restore)
        return "an alarm begins anew before its end was told";
    if (!c->must_alert && !is_due(o, &o->rules[rule], c, 0))
        return "an alarm without a reason, or too early";
    o->ended_by_time += !c->must_alert;
    c->state = ORACLE_ALERTING;
    c->must_alert = false;
    return NULL;
}

/* --- what is missing -------------------------------------------------------------------------- */

static const char *check_device(const struct oracle *o, const struct oracle_device *d)
{
    if (d->must_come)
        return "online is missing";
    if (d->must_go ||
        (d->leaving_ms != 0 && d->is_online && o->now_ms >= d->leaving_ms + ALARM_SLACK_MS))
        return "offline is missing";
    if (d->said >= 0)
        return "an alarm without its detail";
    for (unsigned i = 0; i < ALARM_RULES; i++) {
        const struct oracle_cell *c = &d->cells[i];

        if (c->was_due)
            return "an alarm is missing that was due before its end";
        if (c->must_restore)
            return "the end of an alarm is missing";
        if (c->must_alert || (is_due(o, &o->rules[i], c, ALARM_SLACK_MS) &&
                              o->now_ms >= o->started_ms + ALARM_SLACK_MS))
            return "an alarm is missing";
    }
    if (d->is_alarmed != (count_alerting(d) > 0))
        return "alarm true or false is missing";
    return NULL;
}

const char *oracle_check(const struct oracle *o, unsigned *device)
{
    for (*device = 0; *device < o->device_count; ++*device) {
        const char *fault = check_device(o, &o->devices[*device]);

        if (fault != NULL)
            return fault;
    }
    return NULL;
}
