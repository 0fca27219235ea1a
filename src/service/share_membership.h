/*
 * Memberships in share groups, at the home of the session that has them.
 *
 * A membership begins with the subscription and may outlive it by a moment: until the group has
 * heard that it is over. Source: open-api.md 3.1 "Shared groups"
 */
#pragma once

#include "service/app_session.h"

void share_membership_init(struct site *s);

/** No letter is under way and no session left, so none is left either. */
void share_membership_deinit(struct site *s);

/**
 * Tells the group that a subscription joins it, or that its options have changed. The interest is
 * held up meanwhile, so nothing that is published after the SUBACK is missed.
 */
void share_membership_join(struct app_subscription *sub);

/** At start: it was a member. The group hears of it by share_membership_join, when all claims of
 * its deliveries are known. */
void share_membership_restore(struct app_subscription *sub);

/** A delivery of QoS 2 with this number in the journal is on its way to the client since before the
 * server started. Gives the share by which it goes on. */
uint64_t share_membership_claim(struct app_subscription *sub, uint64_t seq);

/** The group's name, "<group>/<filter>"; in the subscription. */
struct slice share_membership_name(const struct app_subscription *sub);

/** The same by its share; empty: the session has left it. */
struct slice share_membership_group(const struct app_session *a, uint64_t share);

/** mqtt_service.share_over. */
void share_membership_over(struct session *s, uint64_t share, uint64_t seq);

/**
 * Ends the membership of a subscription: UNSUBSCRIBE, or its session is over. What the client has
 * not been sent goes to the other members; without a connection also the QoS 1 messages that it
 * has not acknowledged. Source: [MQTT-3.10.4-3], [MQTT-4.8.2-4]
 */
void share_membership_leave(struct app_subscription *sub);

/** The session has a connection, on which nothing has been sent yet. Where that is for other
 * devices than the one before it, the session leaves the group, with all that it was to be given,
 * and joins it anew. */
void share_membership_attached(struct app_session *a);

/** The session's connection has ended: after 5 s its groups hear that it is away; at once when it
 * was ended for its full queue. */
void share_membership_disconnected(struct app_session *a);

/** The session has a connection (again). */
void share_membership_connected(struct app_session *a);
