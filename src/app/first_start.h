/*
 * What a start makes for people who are new here: the demo project, demo.json, and the lines to
 * paste.
 *
 * Which project is the demo project stands in the registry (a setting), so that a second start
 * finds the same one, whatever it is called by then. Main thread, at start and stop.
 */
#pragma once

#include <stddef.h>

#include "app/config.h"
#include "base/status.h"
#include "store/registry.h"

/**
 * With `demo`: makes the demo project with its devices, unless there is one.
 *
 * @param error  on failure one line
 * Errors: ST_IO, ST_CORRUPT, ST_BUSY
 */
enum status first_start_prepare(const struct config *c, struct registry *r, char *error,
                                size_t error_len) MUST_CHECK;

/** With `demo`: writes demo.json; called when everything listens. Errors as above. */
enum status first_start_write_demo(const struct config *c, struct registry *r, char *error,
                                   size_t error_len) MUST_CHECK;

/** With `demo`: removes demo.json. */
void first_start_remove_demo(const struct config *c);

/** Writes the endpoints to stdout, the link of the first visit (NULL: there was one), and with
 * `demo` the credentials and a line for a terminal and for a web page. */
void first_start_print(const struct config *c, struct registry *r, const char *setup_url);
