/*
 * Browser passes: passwords that a customer's own server makes of a secret, so that no secret is
 * shipped in a page.
 *
 *     p1.<secret's name>.<scopes>.<expiry>.<mac>
 *
 * scopes: letters of SCOPE_LIST, each once, in any order; expiry: Unix seconds; mac: HMAC-SHA256 of
 * `p1.<projectKey>.<secret's name>.<scopes>.<expiry>` under the secret, base64url without padding.
 * Pure functions, any thread. Source: open-api.md 3 "Browser pass"
 */
#pragma once

#include "platform/project_secret.h"

enum {
    BROWSER_PASS_EXPIRY_DIGITS = 10, /* until the year 2286: milliseconds are a mistake */
    BROWSER_PASS_MAX = 3 + IDENT_MEMBER_MAX + 1 + SCOPE_COUNT + 1 + BROWSER_PASS_EXPIRY_DIGITS + 1 +
                       SECRET_MAC_TEXT_LEN
};

struct browser_pass {
    struct slice name;   /* of the secret; inside the password, as all slices */
    struct slice claims; /* `<secret's name>.<scopes>.<expiry>` */
    struct slice mac;
    uint8_t scopes;
    int64_t expires_ms; /* Unix */
};

/** Reads letters of scopes, at least one, each once, in any order. */
bool browser_pass_parse_scopes(struct slice letters, uint8_t *out);

/** Takes a password apart; false: it has not the form of a pass. Whether it is genuine is not
 * looked at. */
bool browser_pass_parse(struct slice password, struct browser_pass *out);

/** True when the pass was made of this secret for this project; in constant time. */
bool browser_pass_is_genuine(const struct browser_pass *p, struct slice project_key,
                             const struct secret_mac_key *key);

/**
 * Makes a pass.
 *
 * @param name        of the secret that `key` was made of
 * @param scopes      bits, at least one
 * @param expires_s   Unix seconds, above 0, at most BROWSER_PASS_EXPIRY_DIGITS digits
 */
void browser_pass_write(struct slice project_key, const char *name, uint8_t scopes,
                        int64_t expires_s, const struct secret_mac_key *key,
                        char out[BROWSER_PASS_MAX + 1]);
