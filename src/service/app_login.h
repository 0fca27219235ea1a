/*
 * Who an application is, by one of its project's secrets or by a browser pass, and what it may.
 *
 * At the session's home. Source: open-api.md 3 "Refusals", "Several secrets", "Browser pass"
 */
#pragma once

#include "service/app_session.h"

/**
 * Checks user name and password: same answer in the same time whether the key or the secret is
 * wrong, whatever secrets there are.
 *
 * @param hp     NULL: no such project
 * @param login  receives the grant, or why the right secret may not be used now
 * @return SUCCESS, BAD_CREDENTIALS, NOT_AUTHORIZED, or CONNECTION_RATE_EXCEEDED while locked out
 */
enum reason app_login_check(struct client *c, const struct packet_connect *p,
                            const struct home_project *hp, struct service_login *login);

/** Checks whether who has this grant may continue the session that it names: NOT_AUTHORIZED when
 * it has subscriptions and the grant does not allow to subscribe. They are not thrown away for it,
 * and are not fed to it. */
enum reason app_login_check_session(const struct client *c, const struct packet_connect *p,
                                    struct service_login *login);

/** The scopes of a grant that app_login_check has given. */
uint8_t app_login_scopes(const struct service_grant *grant);

/** Its secret if that is limited to some devices, otherwise NULL; borrowed. */
struct project_secret *app_login_limits(const struct service_grant *grant);

/** The session is used with this grant from now on. */
void app_login_attached(struct app_session *a, const struct service_grant *grant);

/** Notes that the secret of a client that has a session is in use. */
void app_login_note_use(const struct client *c);

/** Before anything is sent: what waits in the session and is of devices that its client may not be
 * given any more is thrown out, and counted. */
void app_login_throw_out(struct app_session *a);

/** The project's secrets are these now. NULL: that of the session is among them, unchanged;
 * otherwise why its connection must end. */
const char *app_login_renew(struct app_session *a, const struct secret_set *secrets);
