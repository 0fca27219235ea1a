/* What client and input share: the packets of a connected client, and faults. */
#pragma once

#include "mqtt/client.h"
#include "mqtt/decode.h"

/** Handles one whole packet of a connected client. */
void input_packet(struct client *c, const struct decode_header *h, struct slice body);

/** The peer broke the protocol: logged, counted, v5 DISCONNECT with the reason, end. */
void client_fault(struct client *c, enum reason reason, const char *packet);

/** Sends what was encoded into the client's scratch. */
void client_send_scratch(struct client *c);

/** Sends an answer to a publish when its turn has come. */
void client_settle(struct client *c, uint16_t packet_id, uint8_t qos,
                   const struct service_verdict *verdict);
