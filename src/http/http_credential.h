/*
 * The secrets of a project as credentials of this API: found by text or by name, and whether they
 * are good now.
 *
 * Reads the registry over the caller's connection. Any thread. Source: open-api.md 3, 7
 */
#pragma once

#include "http/http_call.h"

/** The secret of this text (a new reference; the look-up takes the same time whichever it is), or
 * NULL. */
struct project_secret *http_credential_find_text(struct http_call *call, uint64_t project_id,
                                                 struct slice given);

/** The secret of this name (a new reference), or NULL. `text`: what it is; wipe it. */
struct project_secret *http_credential_find_name(struct http_call *call, uint64_t project_id,
                                                 const char *name, char text[IDENT_SECRET_LEN + 1]);

/** NULL: it may be used now, from where the call comes; otherwise why not, in one sentence. */
const char *http_credential_refuses(const struct http_call *call, const struct project_secret *s);

/** True when the caller may have to do with this device: its secret is for it, or it has none. */
bool http_credential_allows_device(const struct http_call *call, uint64_t device_id,
                                   uint64_t type_id);
