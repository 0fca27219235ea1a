/* What of a change is kept, its way out of the worker, and its words. */
#include "platform/alarm_history.h"

#include <inttypes.h>

#include "store/alarm_commit.h"

static const char *const change_words[] = {
#define X(name, word) word,
    ALARM_CHANGE_LIST(X)
#undef X
};

const char *alarm_change_word(enum alarm_change change)
{
    return change_words[change];
}

static enum alarm_change change_of(enum alarm_state before, enum alarm_state now)
{
    if (now == ALARM_NORMAL)
        return before == ALARM_ALERTING ? ALARM_CHANGE_RESTORED : ALARM_CHANGE_NORMAL;
    return now == ALARM_ALERTING ? ALARM_CHANGE_ALERTING : ALARM_CHANGE_PENDING;
}

void alarm_history_add(struct device *d, const struct alarm *a, enum alarm_state before,
                       struct slice values)
{
    struct home *h = d->home;
    struct alarm_record r = {
        .project_id = d->project->project->project_id,
        .device_id = d->device_id,
        .rule_id = a->rule->rule_id,
        .ts_ms = h->worker->unix_ms,
        .state = (uint8_t)change_of(before, a->state),
        .level = (uint8_t)a->rule->level,
        .name = a->rule->name,
    };
    struct alarm_request *request;

    if (h->shared->alarms == NULL)
        return;
    if (values.len <= ALARM_RECORD_VALUES_MAX)
        r.values = values;
    r.type_id = d->type_id;
    request = alarm_request_new(&r);
    if (h->alarm_first == NULL)
        h->alarm_first = request;
    else
        h->alarm_last->next = request;
    h->alarm_last = request;
}

void alarm_history_submit(struct home *h)
{
    struct alarm_request *first = h->alarm_first;

    h->alarm_first = h->alarm_last = NULL;
    if (first != NULL)
        alarm_commit_submit(h->shared->alarms, first);
}

enum status alarm_history_append_members(const struct alarm_record *r, struct buffer *out)
{
    char device[IDENT_TEXT_LEN + 1], rule[IDENT_TEXT_LEN + 1];

    if (!ident_is_valid(IDENT_DEVICE, r->device_id) || !ident_is_valid(IDENT_RULE, r->rule_id) ||
        r->state >= ALARM_CHANGE_COUNT || r->level >= ALARM_LEVEL_COUNT)
        return ST_CORRUPT;
    ident_format(IDENT_DEVICE, r->device_id, device);
    ident_format(IDENT_RULE, r->rule_id, rule);
    buffer_printf(out, "\"number\": %" PRIu64 ", \"device\": \"%s\", \"rule\": \"%s\", \"name\": ",
                  r->number, device, rule);
    json_append_string(out, r->name);
    buffer_printf(out, ", \"level\": \"%s\", \"state\": \"%s\", \"values\": ",
                  alarm_level_word((enum alarm_level)r->level),
                  alarm_change_word((enum alarm_change)r->state));
    if (r->values.len == 0)
        buffer_append_text(out, "null");
    else
        buffer_append_slice(out, r->values);
    buffer_printf(out, ", \"ts\": %" PRId64, r->ts_ms);
    return ST_OK;
}
