/*
 * The secrets of projects from the registry to the workers. Main thread.
 */
#pragma once

#include "app/server_priv.h"

/** All of them, while no worker runs; the projects are there. Errors: ST_IO, ST_CORRUPT. */
enum status secret_sync_load(struct server *s) MUST_CHECK;

/** Those of one project, which have changed, as letters. What cannot be read is logged, and the
 * workers go on with what they have. */
void secret_sync_apply(struct server *s, uint64_t project_id);

/** Writes to the registry when secrets were last used. What cannot be written is tried again. */
void secret_sync_save_uses(struct server *s);

/** The same, once a minute however often it is called. */
void secret_sync_save_uses_now_and_then(struct server *s);
