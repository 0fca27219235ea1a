/*
 * The digest that the WebSocket handshake needs, so that OpenSSL stays known in tls_* alone.
 *
 * SHA-1 serves here as a checksum that the protocol prescribes; nothing secret rests on it. Pure,
 * any thread.
 */
#pragma once

#include "base/bytes.h"

enum { TLS_DIGEST_SHA1_BASE64_LEN = 28 };

/** Writes the SHA-1 of `in` in base64 and a zero byte. */
void tls_digest_sha1_base64(struct slice in, char out[TLS_DIGEST_SHA1_BASE64_LEN + 1]);
