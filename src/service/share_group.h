/*
 * Share groups: devices are assigned to members, so that the order of a device's messages holds.
 *
 * A group (project, name, filter) is at home on one worker, hashed from these; its members may be anywhere. Messages reach it through that worker's index
 * and go on to the member's worker by letter. A member leaves by UNSUBSCRIBE, by its session's end, or after 5 s offline; then its devices are
 * assigned anew. Source: open-api.md 3.1, MQTT 5.0 section 4.8.2
 */
#pragma once

#include "service/app_session.h"

struct share_group;

/** Tells the group's home that a member joins (or changes its options). The interest is held up meanwhile, so nothing published after the SUBACK is missed. */
void share_group_join(struct app_subscription *sub, const struct open_filter *filter,
                      struct slice group);

/** Tells it that a member leaves. */
void share_group_leave(struct app_subscription *sub);

/** Tells it that a member's connection is gone or back. */
void share_group_presence(struct app_subscription *sub, bool is_online);

/** A message matched the group's filter, at its home. */
void share_group_deliver(struct home *h, struct share_group *g, struct open_message *m);

/** Frees the groups of a worker that is being stopped. */
void share_group_free_all(struct site *s);
