/*
 * Notices on `$open/<projectKey>/notice`: what a client has to know of its messages.
 * Source: open-api.md 3.2, 3.4
 */
#pragma once

#include "service/app_session.h"

/** Records of the journal from `from_seq` to `to_seq` are gone before the session had them. `seq`
 * as in app_own_send. */
void app_notice_lost(struct app_session *a, uint64_t from_seq, uint64_t to_seq, uint64_t seq);

/** What the client asked for is at its end. `op`: "replay" or "snapshot"; `filter` as it gave it.
 */
void app_notice_end(struct app_session *a, const char *op, struct slice filter, uint64_t seq);

/** It will not be done. `op` as the client wrote it; `why`: one sentence. */
void app_notice_refused(struct app_session *a, struct slice op, struct slice filter,
                        const char *why);
