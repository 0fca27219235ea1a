/* Which filters an application is granted, and its list of them. Source: open-api.md 3.1 */
#include "base/invariant.h"
#include "service/app_convert.h"
#include "service/app_request.h"
#include "service/counters.h"
#include "service/share_membership.h"

static struct app_subscription *find(struct app_session *a, struct slice filter)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (slice_is(filter, sub->filter))
            return sub;
    }
    return NULL;
}

void app_subscription_free(struct app_subscription *sub)
{
    struct app_session *a = sub->session;

    if (sub->is_shared)
        share_membership_leave(sub);
    else if (sub->indexed.is_indexed)
        open_index_remove(home_of(a->session->worker)->index, &sub->indexed, &a->project->interest);
    if (sub->fed.is_indexed)
        open_index_remove(home_of(a->session->worker)->index, &sub->fed, &a->project->interest);
    list_remove(&sub->node);
    a->subscription_count--;
    counter_add(&CT_subscriptions, -1);
    mem_free(sub->filter);
    mem_free(sub);
}

static struct app_subscription *add(struct app_session *a, struct slice filter,
                                    const struct open_filter *compiled, bool is_shared)
{
    struct app_subscription *sub = mem_new_of(MEM_SUBSCRIPTION, struct app_subscription);

    sub->target = APP_TARGET_SESSION;
    sub->session = a;
    sub->filter = slice_to_string(filter);
    sub->is_shared = is_shared;
    sub->indexed.filter = *compiled;
    sub->indexed.owner = sub;
    sub->indexed.durable = a->is_durable;
    sub->indexed.parked = a->is_behind;
    list_push_back(&a->subscriptions, &sub->node);
    a->subscription_count++;
    counter_add(&CT_subscriptions, 1);
    return sub;
}

bool app_subscription_restore(struct app_session *a, const struct app_stored_subscription *stored)
{
    struct home *h = home_of(a->session->worker);
    struct topic_filter parts;
    struct open_filter compiled;
    struct app_subscription *sub;
    const char *cause;
    bool is_shared;

    if (topic_parse_filter(stored->filter, &parts) != ST_OK)
        return false;
    is_shared = parts.share_group.len > 0;
    if (open_filter_compile(parts.filter, a->project->project_id, is_shared, &compiled, &cause) !=
        ST_OK)
        return false;
    sub = add(a, stored->filter, &compiled, is_shared);
    sub->qos = stored->qos;
    sub->no_local = stored->no_local;
    sub->retain_as_published = stored->retain_as_published;
    sub->identifier = stored->identifier;
    sub->from_seq = stored->from_seq;
    sub->is_owed = is_shared && stored->is_owed;
    if (is_shared)
        share_membership_restore(sub);
    else
        open_index_add(h->index, &sub->indexed, &a->project->interest);
    return true;
}

static enum reason refuse(const struct client *c, struct slice filter, enum reason reason,
                          const char *text, struct slice *why)
{
    *why = slice_of(text);
    site_record_refused_filter(c, filter, text);
    return reason;
}

static bool may_be_retained(const struct open_filter *f)
{
    return (f->kinds & (1u << OPEN_KIND_ATTRIBUTES_PUSH | 1u << OPEN_KIND_COMMAND_SEND)) != 0;
}

/* What tells a client of itself (refusals, notices) needs no right. */
static bool is_own(const struct open_filter *f)
{
    return (f->kinds & ~open_kind_set(OPEN_ROOT_SYSTEM, false)) == 0;
}

bool app_session_is_subscribed(const struct app_session *a)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        if (!is_own(&list_entry(n, struct app_subscription, node)->indexed.filter))
            return true;
    }
    return false;
}

enum reason app_subscribe(struct client *c, const struct subscribe_filter *f, uint32_t identifier,
                          struct slice *why)
{
    struct app_session *a = app_session_of(c->session);
    struct home *h = home_of(client_worker(c));
    struct topic_filter parts;
    struct open_filter compiled;
    struct app_subscription *sub;
    const char *cause = "the filter is malformed";
    enum status st = f->filter.len <= a->site->settings->filter_max
                         ? topic_parse_filter(f->filter, &parts)
                         : ST_TOO_LARGE;
    bool is_shared = st == ST_OK && parts.share_group.len > 0;
    bool is_new;

    if (st == ST_OK)
        st =
            open_filter_compile(parts.filter, a->project->project_id, is_shared, &compiled, &cause);
    else if (st == ST_TOO_LARGE)
        cause = "the filter is longer than this server allows";
    if (st != ST_OK)
        return refuse(c, f->filter,
                      st == ST_REFUSED ? REASON_NOT_AUTHORIZED : REASON_FILTER_INVALID, cause, why);
    if (!app_may(a, SCOPE_SUBSCRIBE) && !is_own(&compiled))
        return refuse(c, f->filter, REASON_NOT_AUTHORIZED, "the secret does not allow to subscribe",
                      why);
    sub = find(a, f->filter);
    is_new = sub == NULL;
    if (is_new && a->subscription_count >= a->site->settings->subscriptions_max)
        return refuse(c, f->filter, REASON_QUOTA_EXCEEDED, "too many subscriptions in this session",
                      why);
    if (is_new)
        sub = add(a, f->filter, &compiled, is_shared);
    sub->qos = f->qos;
    sub->no_local = f->no_local;
    sub->retain_as_published = f->retain_as_published;
    sub->identifier = identifier;
    sub->wants_retained = !is_shared && may_be_retained(&compiled) &&
                          (f->retain_handling == 0 || (f->retain_handling == 1 && is_new));
    if (f->properties != NULL && !is_shared)
        app_request_read(sub, f->properties);
    if (is_shared) {
        share_membership_join(sub);
    } else if (is_new) {
        open_index_add(h->index, &sub->indexed, &a->project->interest);
        if (a->conversion != NULL)
            app_convert_subscribed(sub);
        /* After the bit of interest: whatever is published from now on has a higher number. */
        sub->from_seq = journal_last_seq(h->shared->journal, a->project->project_id);
    }
    return (enum reason)f->qos; /* GRANTED_QOS_n is n */
}

void app_subscribed(struct client *c)
{
    struct app_session *a = app_session_of(c->session);

    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (sub->wants_retained) {
            sub->wants_retained = false;
            app_retained_ask(sub);
        }
        if (sub->wants_snapshot || sub->from.is_given || sub->has_bad_from)
            app_request_subscribed(sub);
    }
}

enum reason app_unsubscribe(struct client *c, struct slice filter)
{
    struct app_subscription *sub = find(app_session_of(c->session), filter);

    if (sub == NULL)
        return REASON_NO_SUBSCRIPTION_EXISTED;
    app_subscription_free(sub);
    return REASON_SUCCESS;
}
