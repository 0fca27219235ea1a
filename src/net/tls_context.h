/*
 * Certificates and TLS settings of the server: one context for all TLS ports, chosen by SNI,
 * reloadable.
 *
 * TLS 1.2 and 1.3, no renegotiation, no compression, session tickets (keys shared by all contexts
 * and workers, rotated), SSL_MODE_RELEASE_BUFFERS. OpenSSL is known in tls_* and *_tls only. A
 * loaded set is immutable and counted: connections that were made under an old set keep it.
 * `tls_context_new_ssl` may be called by any thread. Source: open-api.md 2
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

struct ssl_st;
struct tls_context;

/**
 * Loads the certificates: `<tls_dir>/server.pem` with `server.key` as the default one, and every
 * pair `<tls_dir>/sni/<name>.pem`, `.key` for its subject alternative names.
 *
 * @param error  one line for a person on failure, naming the file
 * Errors: ST_NOT_FOUND, ST_INVALID (does not parse, key does not fit), ST_IO, ST_UNSUPPORTED (an
 * OpenSSL that lacks what we demand)
 */
enum status tls_context_open(const char *tls_dir, struct tls_context **out, char *error,
                             size_t error_len) MUST_CHECK;
void tls_context_close(struct tls_context **c);

/** Reads the files again; on failure the old set stays in use. Called by one thread; others may
 * take connections meanwhile. */
enum status tls_context_reload(struct tls_context *c, char *error, size_t error_len) MUST_CHECK;

/** A new server-side SSL object under the present set, in accept state, without BIO; the caller
 * owns it (SSL_free). NULL never. */
struct ssl_st *tls_context_new_ssl(struct tls_context *c);
