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

/** The CONNECT that waits under this number goes on (client_go_on). */
struct router_receipt secured_receipt_of_connect(const struct worker *w, uint64_t wait_number);

/** The answer that the client keeps leaves (client_secured). */
struct router_receipt secured_receipt_of_answer(const struct client *c);
