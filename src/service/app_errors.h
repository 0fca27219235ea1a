/*
 * What an application learns of a refused publish beside its acknowledgement: a message on
 * `$open/<projectKey>/errors`, and the end of its connection when it does not stop. Source:
 * open-api.md 3.2, 3.3
 */
#pragma once

#include "service/app_session.h"

struct app_error {
    enum reason code;
    struct slice topic;
    struct slice message;  /* one sentence */
    unsigned line, column; /* of JSON, 0: none */
    uint16_t packet_id;
};

/** Counts, logs and tells a refusal. False: it is one too many (more than 30 in a minute), and the
 * connection is to be ended with 0x96, after the refusal was answered. */
MUST_CHECK bool app_errors_tell(struct app_session *a, const struct app_error *e);
