/*
 * Share groups: devices are assigned to members, so that the order of a device's messages holds.
 *
 * A group (project, name, filter) is at home on one worker, hashed from these; its members may be
 * anywhere (share_membership.h). Messages reach it through that worker's index and go on to the
 * member's worker by letter. Source: open-api.md 3.1, MQTT 5.0 section 4.8.2
 */
#pragma once

#include "service/site.h"

struct share_group;

void share_group_init(struct site *s);

/** No letter is under way and no session left, so no group is left either. */
void share_group_deinit(struct site *s);

/** A message matched the group's filter, at its home. */
void share_group_deliver(struct home *h, struct share_group *g, struct open_message *m);
