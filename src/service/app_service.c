/* The application API: who may connect, and where each of the protocol's questions is answered. */
#include "service/app_service.h"

#include "base/invariant.h"
#include "platform/web_origin.h"
#include "service/app_login.h"
#include "service/app_session.h"
#include "service/app_convert.h"
#include "service/app_replay.h"
#include "service/app_snapshot.h"
#include "service/app_store.h"
#include "service/counters.h"
#include "service/secured_receipt.h"
#include "service/share_membership.h"
#include "service/share_store.h"
#include "service/will_owed.h"

static unsigned home_of_name(const struct worker_group *g, struct slice username,
                             struct slice client_id)
{
    return worker_home(hash_u64(hash_bytes(username) ^ hash_bytes(client_id)),
                       worker_group_count(g));
}

unsigned app_service_home_of(struct worker_group *g, uint64_t project_id, struct slice client_id)
{
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, project_id, text);
    return home_of_name(g, slice_of(text), client_id);
}

static unsigned home(struct worker *self, const struct packet_connect *p)
{
    return p->client_id.len == 0 ? self->index
                                 : home_of_name(self->group, p->username, p->client_id);
}

/* Will its session outlive its connection? */
static bool wants_to_persist(const struct site_settings *settings, const struct packet_connect *p)
{
    uint32_t expiry_s = p->properties.session_expiry_s;

    if (p->version == MQTT_3_1_1)
        expiry_s = p->clean_start ? 0 : settings->session_expiry_default_s;
    else if (!property_has(&p->properties, PROPERTY_SESSION_EXPIRY))
        expiry_s = 0;
    return expiry_s > 0 && settings->session_expiry_max_s > 0;
}

/* What it takes the place of makes room: its own older connection, its own session. */
static enum reason check_quotas(const struct client *c, const struct project *p,
                                const struct packet_connect *connect, struct service_login *login)
{
    const struct site_settings *settings = site_of(client_worker(c))->settings;
    const struct session *s =
        session_find(client_worker(c), c->settings->service, p->project_id, connect->client_id);

    if (atomic_load_explicit(&p->app_clients, memory_order_relaxed) >= settings->app_clients_max &&
        (s == NULL || s->client == NULL)) {
        login->why = slice_of("too many application connections of this project");
        return REASON_QUOTA_EXCEEDED;
    }
    if (wants_to_persist(settings, connect) &&
        atomic_load_explicit(&p->app_sessions, memory_order_relaxed) >=
            settings->app_sessions_max &&
        (s == NULL || !app_session_of(s)->is_durable)) {
        login->why = slice_of("too many persistent sessions of this project");
        return REASON_QUOTA_EXCEEDED;
    }
    return REASON_SUCCESS;
}

/* A client that is no page has no origin. Source: open-api.md 3.5 */
static bool is_page_allowed(const struct client *c, const struct home_project *hp)
{
    struct slice origin = conn_web_origin(c->conn);

    return hp->origins == NULL || origin.len == 0 ||
           web_origin_list_has(shared_bytes_slice(hp->origins), origin);
}

static enum reason check_project(const struct client *c, const struct home_project *hp,
                                 const struct packet_connect *connect, struct service_login *login)
{
    const struct project *p = hp->project;

    if (!atomic_load_explicit(&p->enabled, memory_order_relaxed)) {
        login->why = slice_of("the project is disabled");
        return REASON_NOT_AUTHORIZED;
    }
    if (!atomic_load_explicit(&p->open_mqtt, memory_order_relaxed)) {
        login->why = slice_of("the application API is not enabled for this project");
        return REASON_NOT_AUTHORIZED;
    }
    if (!is_page_allowed(c, hp)) {
        login->why = slice_of("the origin of this page is not one of the project's");
        return REASON_NOT_AUTHORIZED;
    }
    return check_quotas(c, p, connect, login);
}

static enum reason authenticate(struct client *c, const struct packet_connect *p,
                                struct service_login *login)
{
    struct worker *w = client_worker(c);
    struct site *s = site_of(w);
    uint64_t project_id = ident_parse(IDENT_PROJECT, p->username);
    struct home_project *hp = project_id == 0 ? NULL : home_find_project(home_of(w), project_id);
    enum reason reason = app_login_check(c, p, hp, login);

    if (reason == REASON_SUCCESS)
        reason = check_project(c, hp, p, login);
    if (reason == REASON_SUCCESS)
        reason = app_login_check_session(c, p, login);
    if (reason == REASON_SUCCESS && p->has_will)
        reason = app_check_will(c, hp->project, &p->will, login);
    if (reason != REASON_SUCCESS)
        return reason;
    login->scope = project_id;
    site_fill_login(s, login);
    return REASON_SUCCESS;
}

static void session_opened(struct session *s)
{
    struct app_session *a = mem_new_of(MEM_SESSION, struct app_session);
    struct home_project *hp = home_find_project(home_of(s->worker), s->scope);

    invariant(hp != NULL);
    a->session = s;
    a->site = site_of(s->worker);
    a->project = project_ref(hp->project);
    a->publisher = app_publisher_of(slice_make(s->client_id, s->client_id_len));
    list_init(&a->subscriptions);
    list_init(&a->replays);
    list_init(&a->snapshots);
    s->owner = a;
}

static void attached(struct client *c, const struct service_login *login)
{
    struct app_session *a = app_session_of(c->session);

    app_login_attached(a, &login->grant);
    share_membership_attached(a);
    app_login_throw_out(a);
    app_login_note_use(c);
}

static void connected(struct client *c, bool session_present)
{
    struct app_session *a = app_session_of(c->session);
    struct will_author author = app_will_author(a);

    will_owed_returned(a->site, &author, session_present);
    a->refusals = 0;
    a->is_connected_counted = true;
    atomic_fetch_add_explicit(&a->project->app_clients, 1, memory_order_relaxed);
    /* settled by its first connection */
    if (!a->is_durable && c->session->expiry_s > 0)
        app_feed_open(a);
    if (a->is_stored)
        app_store_session(a, NULL);
    share_membership_connected(a);
    app_feed_connected(a);
}

static void disconnected(struct client *c, uint64_t unsent_from)
{
    struct app_session *a = app_session_of(c->session);

    if (a->is_connected_counted)
        atomic_fetch_sub_explicit(&a->project->app_clients, 1, memory_order_relaxed);
    a->is_connected_counted = false;
    timer_cancel(&a->access_timer);
    app_login_note_use(c);
    app_feed_disconnected(a, unsent_from);
    app_convert_drop(a);
    app_replay_drop(a);
    app_snapshot_drop(a);
    share_membership_disconnected(a);
    if (a->is_stored)
        app_store_session(a, NULL); /* it has gone, and may stay for so long */
}

static void offline(struct client *c)
{
    (void)c; /* nobody sees the presence of applications */
}

static bool session_closed(struct session *s)
{
    struct app_session *a = app_session_of(s);
    bool was_stored;

    timer_cancel(&a->away_timer);
    while (!list_is_empty(&a->subscriptions))
        app_subscription_free(list_entry(a->subscriptions.next, struct app_subscription, node));
    was_stored = app_feed_close(a);
    project_unref(&a->project);
    project_secret_unref(&a->access.secret);
    buffer_deinit(&a->match_more_ids);
    buffer_deinit(&a->flights);
    mem_free(a->resumed);
    mem_free(a);
    s->owner = NULL;
    return was_stored;
}

static void room(struct session *s)
{
    app_feed_continue(app_session_of(s));
    app_snapshot_continue(app_session_of(s));
}

static void delivered(struct session *s, uint64_t seq)
{
    (void)seq; /* the position that is saved is worked out from what is still unacknowledged */
    app_session_of(s)->cursor_moved = true;
}

static bool secure_shared(struct app_session *a, const struct flow_out_entry *e)
{
    struct slice name = share_membership_group(a, e->delivery.share);

    if (name.len == 0)
        return false; /* it has left, and finishes what it was sent */
    share_store_flight(a, name, e);
    return true;
}

static bool secure(struct session *s, const struct flow_out_entry *e)
{
    struct app_session *a = app_session_of(s);

    if (!a->is_stored || e->delivery.qos != 2)
        return false;
    if (e->delivery.share_seq != 0)
        return secure_shared(a, e);
    app_store_flight(a, e);
    return true;
}

static void released(struct session *s, uint16_t packet_id)
{
    app_store_released(app_session_of(s), packet_id);
}

/* An answer that was given must hold after a crash, too. */
static bool secure_subscriptions(struct client *c)
{
    struct app_session *a = app_session_of(c->session);
    struct router_receipt receipt = secured_receipt_of_answer(c);

    if (!a->is_stored)
        return false;
    app_store_session(a, &receipt);
    return true;
}

/* Whatever an application publishes may become a row of a device's session. */
static bool is_congested(const struct worker *w, const struct client *c)
{
    (void)c;
    return site_is_congested(w);
}

const struct mqtt_service app_service = {
    .name = "application",
    .reads_again = true,
    .home = home,
    .authenticate = authenticate,
    .session_opened = session_opened,
    .attached = attached,
    .connected = connected,
    .subscribe = app_subscribe,
    .subscribed = app_subscribed,
    .unsubscribe = app_unsubscribe,
    .publish = app_publish,
    .is_congested = is_congested,
    .keep_will = app_keep_will,
    .publish_will = app_publish_will,
    .forget_will = app_forget_will,
    .room = room,
    .delivered = delivered,
    .share_over = share_membership_over,
    .secure = secure,
    .secure_subscriptions = secure_subscriptions,
    .released = released,
    .disconnected = disconnected,
    .offline = offline,
    .session_closed = session_closed,
};
