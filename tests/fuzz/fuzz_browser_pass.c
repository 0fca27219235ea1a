/*
 * browser_pass.h: what is taken for a pass has its form to the byte, and is genuine only if it is
 * what browser_pass_write makes of the same claims.
 *
 * The input is a password. Its claims, if it has the form, are signed anew: the two are the same
 * text, but for the order of the scopes, exactly when the input counts as genuine.
 */
#include "platform/browser_pass.h"

#include "base/invariant.h"

#define KEY "PR_0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same claims with the code that they should have. */
static void sign(const struct browser_pass *p, const struct secret_mac_key *key,
                 char mac[SECRET_MAC_TEXT_LEN + 1])
{
    const struct slice parts[] = {slice_of("p1." KEY "."), p->claims};

    secret_mac_write(key, parts, 2, mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice password = {data, size};
    char made[BROWSER_PASS_MAX + 1], name[IDENT_MEMBER_MAX + 1], mac[SECRET_MAC_TEXT_LEN + 1];
    struct secret_mac_key key;
    struct browser_pass p, again;

    invariant(secret_init() == ST_OK);
    if (!browser_pass_parse(password, &p))
        return 0;
    key = secret_mac_key_of(slice_of("0123456789abcdefghijABCDEFGHIJ0123456789"));
    invariant(size <= BROWSER_PASS_MAX && p.mac.len == SECRET_MAC_TEXT_LEN);
    invariant(ident_is_member(p.name) && p.scopes != 0 && (p.scopes & ~SCOPES_ALL) == 0);
    invariant(p.expires_ms > 0 && p.expires_ms % 1000 == 0);
    sign(&p, &key, mac);
    invariant(browser_pass_is_genuine(&p, slice_of(KEY), &key) == slice_is(p.mac, mac));
    invariant(!browser_pass_is_genuine(&p, slice_of("PR_9876543210"), &key));

    memcpy(name, p.name.data, p.name.len);
    name[p.name.len] = '\0';
    browser_pass_write(slice_of(KEY), name, p.scopes, p.expires_ms / 1000, &key, made);
    invariant(strlen(made) == size && browser_pass_parse(slice_of(made), &again));
    invariant(slice_equal(again.name, p.name) && again.scopes == p.scopes &&
              again.expires_ms == p.expires_ms);
    invariant(browser_pass_is_genuine(&again, slice_of(KEY), &key));
    return 0;
}
