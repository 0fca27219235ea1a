/*
 * The old digests that protocols prescribe, so that OpenSSL stays known in tls_* alone: SHA-1 in
 * the WebSocket handshake, where it is a checksum, and MD5 in the signed requests of the hosted
 * platform's HTTPS API, which are as they are. Nothing of ours rests on either. Pure, any thread.
 */
#pragma once

#include "base/bytes.h"

enum { TLS_DIGEST_SHA1_BASE64_LEN = 28, TLS_DIGEST_MD5_HEX_LEN = 32 };

/** Writes the SHA-1 of `in` in base64 and a zero byte. */
void tls_digest_sha1_base64(struct slice in, char out[TLS_DIGEST_SHA1_BASE64_LEN + 1]);

/** Writes the MD5 of `in` in lower-case hexadecimal digits and a zero byte. */
void tls_digest_md5_hex(struct slice in, char out[TLS_DIGEST_MD5_HEX_LEN + 1]);
