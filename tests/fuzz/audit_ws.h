/*
 * The WebSocket around an audited connection: what the client sent is unwrapped for the audit, and
 * what the server sends must be one HTTP answer and then whole, unmasked frames of binary data,
 * pongs and one close at the end. Each failure ends the process.
 */
#pragma once

#include "audit.h"

struct ws_frame;

struct audit_ws {
    struct audit *audit;   /* borrowed: of the MQTT inside */
    struct buffer head;    /* owned: the request as far as it was sent */
    struct ws_frame *sent; /* owned; NULL: no upgrade was asked for in order */
    bool is_refused;
    struct buffer in; /* owned: what is not whole yet */
    bool has_answer, has_close;
};

void audit_ws_init(struct audit_ws *w, struct audit *audit);
void audit_ws_deinit(struct audit_ws *w);

/** The client sends these bytes. */
void audit_ws_sent(struct audit_ws *w, struct slice bytes);

/** The server sent these. */
void audit_ws_received(struct audit_ws *w, struct slice bytes);
