/* What the two parts of a connection share: client.c (its life) and client_connect.c (CONNECT). */
#pragma once

#include "mqtt/client.h"
#include "mqtt/decode.h"

/** The first packet. False: it is not used yet: the connection moves to its home, or waits; the
 * packet is offered again. */
bool client_first_packet(struct client *c, const struct decode_header *h, struct slice body);

/** The first packet is no CONNECT: the end [MQTT-3.1.0-1]. */
void client_refuse_other(struct client *c, enum packet_type type);

/** The beginning of a CONNECT that is larger than allowed: refused as soon as it tells its version;
 * until then nothing is done. */
void client_refuse_large(struct client *c, struct slice begun);

/** It waits no longer, for whatever reason; one that does not wait is accepted. */
void client_stop_waiting(struct client *c);

/** The session has no client any more, or is gone for good: who waits for that may come in. */
void client_let_waiting_in(struct session *s);

/** Minds the silence of a client from now on; 0: it may be silent. */
void client_start_keep_alive(struct client *c, uint16_t keep_alive_s);
