/*
 * The local CA and server certificate of the first start, so that clients can verify from the first
 * minute.
 *
 * ECDSA P-256. Made once in `<data>/tls`: ca.pem, ca.key, server.pem (server certificate and CA),
 * server.key; keys mode 0600. Runs at start, on the main thread. Source: open-api.md 2
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

/**
 * Makes what is missing; what exists stays untouched (an operator's own server.pem too).
 * The certificate names localhost, 127.0.0.1, ::1, the host's name and `public_host`; one of ours
 * that is about to end (30 days) or lacks `public_host` is made anew under the same CA and for the
 * same key. Where a server certificate stands already no CA is made beside it; without the CA's key
 * nothing is renewed.
 *
 * @param tls_dir      made with mode 0700 when it does not exist; the directory above it does
 * @param public_host  a host name or an IP address without brackets; NULL or "" for none
 * @param error        one line for a person on failure, naming the file and what to do
 * Errors: ST_INVALID (a file that does not parse or does not fit, an ended CA, no host name),
 * ST_NOT_FOUND (a key is missing), ST_IO
 */
enum status tls_local_ca_ensure(const char *tls_dir, const char *public_host, char *error,
                                size_t error_len) MUST_CHECK;
