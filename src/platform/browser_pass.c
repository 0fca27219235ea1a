/*
 * Browser passes by their form, to the byte: what could be written in two ways would be two passes.
 * So a mac is compared as text, and numbers have no zeros in front.
 */
#include "platform/browser_pass.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/invariant.h"

static const char version[] = "p1";

bool browser_pass_parse_scopes(struct slice letters, uint8_t *out)
{
    *out = 0;
    for (size_t i = 0; i < letters.len; i++) {
        unsigned scope = 0;

        while (scope < SCOPE_COUNT && letters.data[i] != (uint8_t)scope_letter((enum scope)scope))
            scope++;
        if (scope == SCOPE_COUNT || (*out & SCOPE_BIT(scope)) != 0)
            return false;
        *out |= SCOPE_BIT(scope);
    }
    return *out != 0;
}

static bool parse_expiry(struct slice digits, int64_t *out)
{
    int64_t seconds = 0;

    if (digits.len == 0 || digits.len > BROWSER_PASS_EXPIRY_DIGITS || digits.data[0] == '0')
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        seconds = seconds * 10 + (digits.data[i] - '0');
    }
    *out = seconds * 1000;
    return true;
}

bool browser_pass_parse(struct slice password, struct browser_pass *out)
{
    struct slice rest = password;
    struct slice scopes, expiry;

    if (!slice_is(slice_cut(&rest, '.'), version))
        return false;
    out->name = slice_cut(&rest, '.');
    scopes = slice_cut(&rest, '.');
    expiry = slice_cut(&rest, '.');
    out->mac = rest;
    if (rest.data == NULL || rest.len != SECRET_MAC_TEXT_LEN || !ident_is_member(out->name) ||
        !browser_pass_parse_scopes(scopes, &out->scopes) || !parse_expiry(expiry, &out->expires_ms))
        return false;
    out->claims = slice_make(out->name.data, (size_t)(out->mac.data - out->name.data) - 1);
    return true;
}

static void write_mac(struct slice project_key, struct slice claims,
                      const struct secret_mac_key *key, char out[SECRET_MAC_TEXT_LEN + 1])
{
    const struct slice parts[] = {slice_of(version), slice_of("."), project_key, slice_of("."),
                                  claims};

    secret_mac_write(key, parts, sizeof(parts) / sizeof(parts[0]), out);
}

bool browser_pass_is_genuine(const struct browser_pass *p, struct slice project_key,
                             const struct secret_mac_key *key)
{
    char mac[SECRET_MAC_TEXT_LEN + 1];
    bool is_genuine;

    write_mac(project_key, p->claims, key, mac);
    is_genuine = secret_equal(p->mac, slice_make(mac, SECRET_MAC_TEXT_LEN));
    secret_wipe(mac, sizeof(mac));
    return is_genuine;
}

void browser_pass_write(struct slice project_key, const char *name, uint8_t scopes,
                        int64_t expires_s, const struct secret_mac_key *key,
                        char out[BROWSER_PASS_MAX + 1])
{
    char letters[SCOPE_COUNT + 1] = "";
    char mac[SECRET_MAC_TEXT_LEN + 1];
    struct browser_pass check;
    size_t count = 0;
    int len;

    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        if ((scopes & SCOPE_BIT(scope)) != 0)
            letters[count++] = scope_letter((enum scope)scope);
    }
    len =
        snprintf(out, BROWSER_PASS_MAX + 1, "%s.%s.%s.%" PRId64, version, name, letters, expires_s);
    invariant(len > 0 && len + 1 + SECRET_MAC_TEXT_LEN <= BROWSER_PASS_MAX);
    write_mac(project_key, slice_of(out + sizeof(version)), key, mac);
    (void)snprintf(out + len, (size_t)(BROWSER_PASS_MAX + 1 - len), ".%s", mac);
    invariant(browser_pass_parse(slice_of(out), &check));
}
