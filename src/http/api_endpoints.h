/*
 * Endpoints as JSON: the server's, and those that a project sets itself.
 *
 * Any thread. Source: open-api.md 2 "Endpoints differ per project"
 */
#pragma once

#include "http/http_call.h"

/** The server's own URLs by service. */
json_t *api_endpoints_of_server(const struct http_site *site);

/** Those that a project sets itself (a new reference; an empty object: none). Errors: ST_IO,
 * ST_CORRUPT. */
enum status api_endpoints_own(struct registry *r, uint64_t project_id, json_t **out) MUST_CHECK;

/** What counts for a project: its own, else the server's. */
json_t *api_endpoints_of_project(const struct http_site *site, const json_t *own);

/**
 * Takes `own_endpoints` of the body, service by service, and stores the result.
 *
 * Gives true when all is well, or the body has none; false: answered.
 */
bool api_endpoints_change(struct http_call *call, uint64_t project_id);
