/*
 * The keys that session tickets are sealed with: one set for all certificates, workers and reloads.
 *
 * Tickets hold the whole session, so the server keeps none. A key seals for TLS_TICKET_ROTATE_MS
 * and opens for as long again; with the set the tickets of a stopped server end. Shared and
 * counted; each context that uses a set holds a reference. Any thread. Source: RFC 5077, RFC 8446
 * section 4.6.1
 */
#pragma once

enum {
    TLS_TICKET_ROTATE_MS = 12 * 60 * 60 * 1000,
    TLS_TICKET_LIFETIME_S = TLS_TICKET_ROTATE_MS / 1000 /* as clients are told */
};

struct ssl_ctx_st;
struct tls_ticket_keys;

/** A new set with a random key and one reference, which the caller owns. */
struct tls_ticket_keys *tls_ticket_keys_new(void);

/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void tls_ticket_keys_unref(struct tls_ticket_keys **kp);

/** Makes the context seal and open its tickets with these keys; it holds a reference until it is
 * freed. Once a context. */
void tls_ticket_keys_attach(struct tls_ticket_keys *k, struct ssl_ctx_st *context);
