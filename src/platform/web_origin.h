/*
 * The web pages that may connect to a project's application API, by their origins.
 *
 * A list is a text: origins as browsers write them (`https://host`, `https://host:8443`), one space
 * between two. Pure functions, any thread. Source: open-api.md 3.5, RFC 6454 section 6.2
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

enum {
    WEB_ORIGIN_MAX = 300, /* bytes of one: a scheme, the longest name of a host, a port */
    WEB_ORIGIN_LIST_MAX = 2048
};

/**
 * Brings a list as a person writes it (separated by spaces or commas, in any case, with a default
 * port, a slash at the end) into the form that is compared. `null` is the origin of pages that have
 * none.
 *
 * @param out   room for WEB_ORIGIN_LIST_MAX bytes and a zero; the empty list is ""
 * @param word  when an entry is none: that one, borrowed from `text`
 * Errors: ST_INVALID (an entry), ST_TOO_LARGE
 */
enum status web_origin_list_make(struct slice text, char *out, struct slice *word) MUST_CHECK;

/** True when the header of a page names one of the list. */
bool web_origin_list_has(struct slice list, struct slice origin);
