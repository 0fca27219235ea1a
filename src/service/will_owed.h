/*
 * Wills of clients that were there, or had gone not long before, when the server stopped, however
 * it stopped.
 *
 * Each waits until its client has had time to come back, as `online` of devices does, and is then
 * published as if the connection had ended now. They belong to no session, since not every client
 * has one that outlives the program: they are the author's. On the author's home worker. Source:
 * MQTT 5.0 sections 3.1.2.5 and 3.1.3.2.2, open-api.md 3.4
 */
#pragma once

#include "service/site.h"
#include "service/will_store.h"

void will_owed_init(struct site *s);
/** Frees them: they are due after the next start. */
void will_owed_deinit(struct site *s);

/**
 * At start, in the order of their numbers: a will that is in the journal.
 *
 * @param will      copied
 * @param had_gone  its client had gone before the stop, and it was put off
 * @param wait_ms   until it is published
 */
void will_owed_add(struct site *s, const struct will_author *a, const struct will *will,
                   bool had_gone, uint64_t wait_ms);

/** The author has a client again. It is not published, unless it was put off before the stop and
 * the session that would cancel it does not go on. */
void will_owed_returned(struct site *s, const struct will_author *a, bool session_goes_on);

/** The device will be told to be offline: its will comes first. */
void will_owed_leaving(struct site *s, uint64_t project_id, uint64_t device_id);

/** It is not published: the device was removed or switched off. */
void will_owed_drop(struct site *s, uint64_t project_id, uint64_t device_id);

/** Those of the project's applications are not published, but those whose secrets are among these.
 * NULL: none. */
void will_owed_drop_others(struct site *s, uint64_t project_id, const struct secret_set *secrets);
