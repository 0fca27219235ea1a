/*
 * SHA-1, MD5 and base64 through OpenSSL's EVP. Pure, any thread.
 */
#include "net/tls_digest.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/invariant.h"

enum { SHA1_LEN = 20, MD5_LEN = 16 };

void tls_digest_sha1_base64(struct slice in, char out[TLS_DIGEST_SHA1_BASE64_LEN + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    invariant(EVP_Digest(in.data, in.len, digest, &len, EVP_sha1(), NULL) == 1);
    invariant(len == SHA1_LEN);
    invariant(EVP_EncodeBlock((unsigned char *)out, digest, SHA1_LEN) ==
              TLS_DIGEST_SHA1_BASE64_LEN);
}

void tls_digest_md5_hex(struct slice in, char out[TLS_DIGEST_MD5_HEX_LEN + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    invariant(EVP_Digest(in.data, in.len, digest, &len, EVP_md5(), NULL) == 1);
    invariant(len == MD5_LEN);
    for (size_t i = 0; i < MD5_LEN; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
