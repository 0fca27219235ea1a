/*
 * Logging in to the application API.
 *
 * A password is looked up among the texts of the project's secrets; one that has the form of a
 * browser pass also leads to a secret by name, whose code it must carry. Whoever is not found there
 * is compared with something that nobody has. Expiry and address come after that: only who knows
 * the secret learns of them.
 */
#include "service/app_login.h"

#include "base/invariant.h"
#include "platform/browser_pass.h"
#include "service/counters.h"
#include "service/events.h"
#include "service/share_membership.h"

enum { GRANT_SCOPES, GRANT_PASS_EXPIRY }; /* words of a grant; no pass expires at 0 */

/* The secret of a pass that is genuine, or NULL. */
static struct project_secret *find_by_pass(const struct secret_set *secrets,
                                           struct slice project_key, const struct browser_pass *p)
{
    static const struct secret_mac_key nobody;
    struct project_secret *s = secret_set_find_name(secrets, p->name);

    return browser_pass_is_genuine(p, project_key, s == NULL ? &nobody : &s->mac_key) ? s : NULL;
}

/* Why a secret that is right may not be used now, or NULL. */
static const char *find_obstacle(const struct client *c, const struct project_secret *s,
                                 const struct browser_pass *pass)
{
    int64_t now_ms = client_worker(c)->unix_ms;

    if (s->expires_ms != 0 && now_ms >= s->expires_ms)
        return "the secret has expired";
    if (pass->expires_ms != 0 && now_ms >= pass->expires_ms)
        return "the pass has expired";
    if ((s->scopes & pass->scopes) == 0)
        return "the secret allows nothing of what the pass is for";
    if (!project_secret_allows_address(s, conn_peer_address(c->conn)))
        return "the secret may not be used from this address";
    return NULL;
}

static enum reason refuse(const struct client *c, const struct project_secret *s,
                          struct slice project_key, const char *why, struct service_login *login)
{
    counter_inc(logins_not_allowed);
    log_event(EV_SECRET_REFUSED, "peer", conn_peer(c->conn), "project", log_slice(project_key),
              "secret", s->name, "cause", why);
    login->why = slice_of(why);
    return REASON_NOT_AUTHORIZED;
}

enum reason app_login_check(struct client *c, const struct packet_connect *p,
                            const struct home_project *hp, struct service_login *login)
{
    struct login_guard *guard = site_of(client_worker(c))->settings->app_logins;
    const struct secret_set *secrets = hp == NULL ? NULL : hp->secrets;
    struct browser_pass pass = {.scopes = SCOPES_ALL};
    struct project_secret *s;
    const char *obstacle;
    enum reason reason;

    if (!site_may_log_in(guard, c, p->username))
        return REASON_CONNECTION_RATE_EXCEEDED;
    if (browser_pass_parse(p->password, &pass))
        s = find_by_pass(secrets, p->username, &pass);
    else
        s = secret_set_find_text(secrets, p->password);
    obstacle = s == NULL ? NULL : find_obstacle(c, s, &pass);
    if (obstacle != NULL) /* no guess, so the guard need not hear of it */
        return refuse(c, s, p->username, obstacle, login);
    reason = site_conclude_login(guard, c, p->username, s != NULL);
    if (s == NULL)
        return reason;
    login->grant.object = s;
    login->grant.words[GRANT_SCOPES] = s->scopes & pass.scopes;
    login->grant.words[GRANT_PASS_EXPIRY] = (uint64_t)pass.expires_ms;
    return reason;
}

uint8_t app_login_scopes(const struct service_grant *grant)
{
    return (uint8_t)grant->words[GRANT_SCOPES];
}

struct project_secret *app_login_limits(const struct service_grant *grant)
{
    return project_secret_limits(grant->object);
}

enum reason app_login_check_session(const struct client *c, const struct packet_connect *p,
                                    struct service_login *login)
{
    const struct project_secret *secret = login->grant.object;
    const struct session *s = NULL;

    if ((app_login_scopes(&login->grant) & SCOPE_BIT(SCOPE_SUBSCRIBE)) != 0 || p->clean_start)
        return REASON_SUCCESS;
    s = session_find(client_worker(c), c->settings->service,
                     ident_parse(IDENT_PROJECT, p->username), p->client_id);
    if (s == NULL || !app_session_is_subscribed(app_session_of(s)))
        return REASON_SUCCESS;
    return refuse(c, secret, p->username,
                  "the session has subscriptions, and the secret does not allow to subscribe",
                  login);
}

/* --- while it is connected ------------------------------------------------------------------- */

static void on_expiry(struct timer *t);

/* The deadline is one of the clock on the wall, which may be moved. */
static void watch_expiry(struct app_session *a)
{
    struct worker *w = a->session->worker;
    int64_t left_ms = a->access.expires_ms - w->unix_ms;

    if (a->access.expires_ms != 0)
        timer_set(&w->timers, &a->access_timer, w->now_ms + (uint64_t)(left_ms > 0 ? left_ms : 0),
                  on_expiry);
}

static void on_expiry(struct timer *t)
{
    struct app_session *a = list_entry(t, struct app_session, access_timer);
    struct session *s = a->session;
    const char *why = a->access.is_pass ? "the pass has expired" : "the secret has expired";

    invariant(s->client != NULL);
    if (s->worker->unix_ms < a->access.expires_ms) {
        watch_expiry(a);
        return;
    }
    counter_inc(secrets_ended);
    log_event(EV_SECRET_ENDED, "client", s->client_id, "peer", conn_peer(s->client->conn), "cause",
              why);
    if (!a->access.is_pass)
        session_drop_will(s); /* who may not connect may not publish either */
    client_disconnect(s->client,
                      a->access.is_pass ? REASON_MAXIMUM_CONNECT_TIME : REASON_NOT_AUTHORIZED,
                      slice_of(why));
}

void app_login_note_use(const struct client *c)
{
    const struct app_session *a = app_session_of(c->session);

    secret_usage_note(a->site->settings->secret_usage, a->project->project_id,
                      a->access.secret->name, conn_peer_address(c->conn),
                      client_worker(c)->unix_ms);
}

void app_login_attached(struct app_session *a, const struct service_grant *grant)
{
    struct app_access *access = &a->access;
    int64_t pass_expires_ms = (int64_t)grant->words[GRANT_PASS_EXPIRY];

    project_secret_unref(&access->secret);
    access->secret = project_secret_ref(grant->object);
    access->limits = project_secret_limits(access->secret);
    access->scopes = app_login_scopes(grant);
    access->is_over = false;
    access->expires_ms = access->secret->expires_ms;
    access->is_pass =
        pass_expires_ms != 0 && (access->expires_ms == 0 || pass_expires_ms < access->expires_ms);
    if (access->is_pass)
        access->expires_ms = pass_expires_ms;
    watch_expiry(a);
}

static bool may_not_receive(const struct delivery *d, void *arg)
{
    const struct open_message *m = list_entry(d->message, struct open_message, message);

    return m->device_id != 0 && !app_may_receive(arg, m->device_id, m->type_id);
}

static void throw_out(struct delivery *d, void *arg)
{
    struct app_session *a = arg;

    counter_inc(deliveries_not_allowed);
    if (d->share_seq != 0)
        share_membership_over(a->session, d->share, d->share_seq);
    delivery_deinit(d);
    a->cursor_moved = true;
}

void app_login_throw_out(struct app_session *a)
{
    if (a->access.limits != NULL)
        flow_out_take_if(&a->session->out, may_not_receive, throw_out, a);
}

const char *app_login_renew(struct app_session *a, const struct secret_set *secrets)
{
    struct app_access *access = &a->access;
    struct project_secret *s;

    if (access->secret == NULL)
        return NULL;
    s = secret_set_find_name(secrets, slice_of(access->secret->name));
    if (s != NULL && project_secret_is_like(s, access->secret)) {
        project_secret_unref(&access->secret);
        access->secret = project_secret_ref(s);
        access->limits = project_secret_limits(access->secret);
        return NULL;
    }
    if (access->is_over)
        return NULL; /* it was told */
    access->is_over = true;
    access->scopes = 0;
    return s == NULL ? "the secret was revoked" : "the secret was changed";
}
