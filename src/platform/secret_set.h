/*
 * All secrets of a project, to look up which one a password is.
 *
 * Immutable after it is made, counted, shared by the workers; a change makes a new set. A look-up
 * takes the same time whichever it finds, whether it finds any, and however many there are.
 * Source: open-api.md 3 "Refusals", "Several secrets"
 */
#pragma once

#include "platform/project_secret.h"

enum { SECRET_SET_MAGIC = 0x53534554, SECRET_SET_MAX = 32 };

struct secret_set;

/** A set with one reference, which the caller owns; the references to the secrets (at most
 * SECRET_SET_MAX) pass to it. */
struct secret_set *secret_set_new(struct project_secret *const *secrets, size_t count);
struct secret_set *secret_set_ref(struct secret_set *s);
/** NULL inside is accepted. */
void secret_set_unref(struct secret_set **s);

/** The secret of this text, or of this name, or NULL; borrowed from the set. NULL for the set: it
 * is empty, and the look-up takes as long as any. */
struct project_secret *secret_set_find_text(const struct secret_set *s, struct slice text);
struct project_secret *secret_set_find_name(const struct secret_set *s, struct slice name);
