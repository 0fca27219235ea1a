/*
 * From live to the journal: a session that ends with its connection takes messages at once; when it
 * asks for a replay it is fed by the journal from then on, as a persistent one is, with neither gap
 * nor duplicate at the change. On the session's home worker. Source: open-api.md 3.4
 */
#pragma once

#include "service/app_session.h"

/** Begins the change, if it is not under way or over; replays that wait begin behind it. */
void app_convert_begin(struct app_session *a);

/** A subscription was made while the change is under way. */
void app_convert_subscribed(struct app_subscription *sub);

/** Whether a message that has come live is to be given now: what will come by the journal is not.
 * Cheap when no change is under way. */
bool app_convert_takes_live(const struct app_session *a, const struct open_message *m);

/** Whether one that has come by the journal is to be given: what was given live is not. */
bool app_convert_takes_committed(const struct app_session *a, const struct open_message *m);

/** The connection is over. */
void app_convert_drop(struct app_session *a);
