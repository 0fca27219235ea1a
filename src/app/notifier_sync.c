/*
 * From the registry to what tells alarms: all notifiers at start, and all again when one changes,
 * since they are few. Main thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/events.h"
#include "app/server_priv.h"
#include "store/registry_notifier.h"

enum { MS = 1000 };

/* --- what is allowed -------------------------------------------------------------------------- */

/* Reads `webhook_private`. False: it is wrong, which `error` says. */
static bool read_ranges(struct server *s, char *error)
{
    static const char *const all[] = {"0.0.0.0/0", "::/0"};
    struct slice rest = slice_of(s->config->webhook_private);
    struct address_range range;

    if (slice_is(rest, "any")) {
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            if (address_range_parse(slice_of(all[i]), &range) == ST_OK)
                buffer_append(&s->webhook_ranges, &range, sizeof(range));
        }
        return true;
    }
    while (rest.len > 0) {
        struct slice one = slice_cut(&rest, ',');

        if (address_range_parse(one, &range) != ST_OK) {
            (void)snprintf(error, SERVER_ERROR_LEN,
                           "--webhook-private: %.*s: no range of addresses: give 10.0.0.0/8, ::1, "
                           "several with commas between, or any",
                           (int)(one.len < 64 ? one.len : 64), (const char *)one.data);
            return false;
        }
        buffer_append(&s->webhook_ranges, &range, sizeof(range));
    }
    return true;
}

enum status notifier_sync_open(struct server *s, char *error)
{
    const struct config *c = s->config;
    struct notify_settings settings = {
        .store = s->alarms,
        .web = {.agent = "EZtCloud-Open/" EZTCLOUD_VERSION,
                .ca_file = c->webhook_ca,
                .timeout_ms = c->webhook_timeout * MS},
        .waiting_max = c->webhook_waiting_max,
        .tries_max = c->webhook_tries,
        .retry_ms = (uint64_t)c->webhook_retry * MS,
    };
    enum status st;

    if (!read_ranges(s, error))
        return ST_INVALID;
    if (c->webhook_ca[0] != '\0' && access(c->webhook_ca, R_OK) != 0) {
        (void)snprintf(error, SERVER_ERROR_LEN, "--webhook-ca: %.256s cannot be read",
                       c->webhook_ca);
        return ST_INVALID;
    }
    settings.web.allowed = (const struct address_range *)(void *)s->webhook_ranges.data;
    settings.web.allowed_count = s->webhook_ranges.len / sizeof(struct address_range);
    st = notify_new(&settings, &s->notify);
    if (st != ST_OK)
        (void)snprintf(error, SERVER_ERROR_LEN, "cannot read what notifiers are owed: %s",
                       status_text(st));
    return st;
}

void notifier_sync_close(struct server *s)
{
    notify_free(&s->notify);
    buffer_deinit(&s->webhook_ranges);
}

/* --- from the registry ------------------------------------------------------------------------ */

static bool on_notifier(const struct registry_notifier *row, void *arg)
{
    char error[NOTIFIER_ERROR_MAX], project[IDENT_TEXT_LEN + 1];
    struct buffer *found = arg;
    struct notifier *n;

    if (notifier_parse(row->notifier_id, row->project_id, row->name, slice_of(row->secret),
                       row->definition, &n, error) == ST_OK) {
        buffer_append(found, &n, sizeof(struct notifier *));
        return true;
    }
    ident_format(IDENT_PROJECT, row->project_id, project);
    log_event(EV_NOTIFIER_DAMAGED, "project", project, "notifier", row->name, "cause", error);
    return true;
}

enum status notifier_sync_load(struct server *s)
{
    struct buffer found = {0};
    enum status st = registry_notifier_each(s->registry, 0, on_notifier, &found);
    struct notifier **all = (struct notifier **)(void *)found.data;
    size_t count = found.len / sizeof(struct notifier *);

    if (st == ST_OK)
        notify_put_all(s->notify, all, count);
    for (size_t i = 0; i < count; i++)
        notifier_unref(&all[i]);
    buffer_deinit(&found);
    return st;
}

void notifier_sync_apply(struct server *s, const struct buffer *changes)
{
    bool has_changed = false;

    for (size_t i = 0; i < changes->len / sizeof(struct registry_change); i++) {
        struct registry_change c;

        memcpy(&c, changes->data + i * sizeof(c), sizeof(c));
        has_changed = has_changed || c.entity == REGISTRY_NOTIFIER;
    }
    if (has_changed && notifier_sync_load(s) != ST_OK)
        s->sync_is_due = true;
}

/* --- the command line ------------------------------------------------------------------------- */

static void answer_result(const struct notify_result *r, struct buffer *answer)
{
    buffer_printf(answer, "%s %u %s\n", r->is_delivered ? "delivered" : "failed", r->status,
                  r->cause);
}

/* Cuts a number off. False: there is none. */
static bool cut_number(struct slice *rest, uint64_t *out)
{
    struct slice word = slice_cut(rest, ' ');
    char text[24] = "", *end;

    if (word.len == 0 || word.len >= sizeof(text))
        return false;
    memcpy(text, word.data, word.len);
    *out = strtoull(text, &end, 10);
    return *end == '\0' && text[0] >= '0' && text[0] <= '9';
}

void notifier_sync_test(struct server *s, struct slice rest, struct buffer *answer)
{
    uint64_t notifier_id, ticket = 0;

    if (cut_number(&rest, &notifier_id) && notify_test(s->notify, notifier_id, &ticket) != ST_OK)
        ticket = 0;
    buffer_printf(answer, "%" PRIu64 "\n", ticket);
}

void notifier_sync_result(struct server *s, struct slice rest, struct buffer *answer)
{
    uint64_t notifier_id, ticket;
    struct notify_result result;
    enum status st = ST_NOT_FOUND;

    if (cut_number(&rest, &notifier_id) && cut_number(&rest, &ticket))
        st = notify_test_result(s->notify, notifier_id, ticket, 0, &result);
    if (st == ST_OK)
        answer_result(&result, answer);
    else
        buffer_append_text(answer, st == ST_AGAIN ? "wait\n" : "gone\n");
}
