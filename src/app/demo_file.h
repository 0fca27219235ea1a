/*
 * `<data>/demo.json`: what a program needs to know to use the demo project of a running server.
 *
 * Written by the server when everything listens, removed at its clean stop; read by `eztcloud
 * simulate`. It holds secrets: mode 0600. One thread; it blocks.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "app/endpoint.h"
#include "base/ident.h"
#include "base/status.h"
#include "store/registry.h"

struct demo_file_device {
    char username[IDENT_TEXT_LEN + 1];
    char password[REGISTRY_NAME_MAX + 1];
    char name[REGISTRY_NAME_MAX + 1];
    char parent[IDENT_TEXT_LEN + 1];     /* through which it speaks; "": it connects itself, */
    char address[REGISTRY_NAME_MAX + 1]; /* and neither is in the file */
};

struct demo_file {
    char project_key[IDENT_TEXT_LEN + 1];
    char project_secret[IDENT_SECRET_LEN + 1];
    char project_token[IDENT_SECRET_LEN + 1];
    char endpoints[ENDPOINT_COUNT][ENDPOINT_URL_MAX + 1]; /* "": off, and not in the file */
    char ca[PATH_MAX];                /* absolute path of the CA's certificate */
    struct demo_file_device *devices; /* owned */
    size_t device_count;
    long pid; /* of the server */
};

/** Wipes and frees; a zeroed one is accepted. */
void demo_file_deinit(struct demo_file *d);

/** Puts the file there, whole. Errors: ST_IO, ST_REFUSED. */
enum status demo_file_write(const char *data_dir, const struct demo_file *d) MUST_CHECK;

/** Reads it; demo_file_deinit. Errors: ST_NOT_FOUND, ST_MALFORMED (not ours), ST_REFUSED, ST_IO. */
enum status demo_file_read(const char *data_dir, struct demo_file *d) MUST_CHECK;

/** Removes it; none is fine. */
void demo_file_remove(const char *data_dir);
