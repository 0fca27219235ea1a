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

/** A message matched the group's filter, at its home. `seq`: its number in the journal, 0: live. */
void share_group_deliver(struct share_group *g, struct open_message *m, uint64_t seq);

/** As for a session that is fed by the journal (home_sink.delivered_up_to). */
void share_group_delivered_up_to(struct site *s, uint64_t project_id, uint64_t seq);

/** Saves how far the groups at home here have come. */
void share_group_save_cursors(struct site *s);

/** At start, while no worker runs: the group with this hash will hear of one more member that was
 * one before; it gives nothing of the journal until it has heard of all. */
void share_group_expect(struct site *s, uint64_t hash);

/** Likewise: a delivery of QoS 2 with this number is on its way to this one of them. */
void share_group_expect_claim(struct site *s, uint64_t hash, uint64_t seq, uint64_t share);
