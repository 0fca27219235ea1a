/*
 * A topic with the place of a serial number in it, `meters/{sn}/up`. Pure functions, any thread.
 * Source: device-protocol.md "Topic mapping"
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

enum { TOPIC_TEMPLATE_MAX = 256 /* bytes */ };

/** What stands around the serial number; borrowed from the text. A zeroed one is none. */
struct topic_template {
    struct slice before, after;
};

static inline bool topic_template_is_set(const struct topic_template *t)
{
    return t->before.len + t->after.len > 0;
}

/**
 * Reads a template.
 *
 * @param why  on failure one sentence (static)
 * Errors: ST_INVALID: not 1 to TOPIC_TEMPLATE_MAX bytes of UTF-8 with `{sn}` once and something
 * beside it; wildcards; a `$` in front
 */
enum status topic_template_parse(struct slice text, struct topic_template *out,
                                 const char **why) MUST_CHECK;

/** Whether this is the template's topic for the serial number (not empty). */
bool topic_template_matches(const struct topic_template *t, struct slice sn, struct slice topic);

/** Writes that topic; gives its length. There is room for both. */
size_t topic_template_write(const struct topic_template *t, struct slice sn, char *out);
