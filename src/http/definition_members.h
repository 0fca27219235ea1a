/*
 * Definitions whose members are the ones of the API: null in the API is a member that is not there.
 */
#pragma once

#include <jansson.h>

#include "base/bytes.h"

/** The members that the API has of a definition. */
struct definition_members {
    const char *const *names;
    size_t count;
};

/** Sets them in `object` to what the definition says. */
void definition_members_show(const struct definition_members *m, const json_t *definition,
                             json_t *object);

/** What the definition says with those of the body. `out` may hold the bytes of `definition`; it
 * is written anew. A definition that is damaged says nothing. */
void definition_members_take(const struct definition_members *m, const json_t *body,
                             struct slice definition, struct buffer *out);
