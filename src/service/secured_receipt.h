/*
 * Receipts of the journal for what a client's session may not send before a row of it is durable:
 * whoever writes the row, for an application or for a device, gives the receipt with it.
 */
#pragma once

#include "mqtt/client.h"
#include "platform/router.h"

/** Its packet that waits for this entry leaves (session_secured). */
struct router_receipt secured_receipt_of_entry(const struct session *s,
                                               const struct flow_out_entry *e);

/** The end of this session, which session_closed has told to be on its way (session_end_secured).
 */
struct router_receipt secured_receipt_of_end(const struct session *s);

/** What the client's connection is to send from this turn on is withheld, and leaves. */
struct router_receipt secured_receipt_of_output(const struct client *c);

/** The answer that the client keeps leaves (client_secured). */
struct router_receipt secured_receipt_of_answer(const struct client *c);
