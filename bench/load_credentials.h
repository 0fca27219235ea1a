/*
 * Who connects: the project's key and secret, and the devices' user names and passwords.
 */
#pragma once

#include <stddef.h>

struct json_t; /* of jansson */

struct load_credentials_device {
    const char *username; /* borrowed from the document */
    const char *password;
};

/** Immutable once loaded. */
struct load_credentials {
    struct json_t *document; /* owned */
    const char *project_key; /* borrowed from the document or the command line */
    const char *project_secret;
    struct load_credentials_device *devices; /* owned */
    size_t device_count;
};

/**
 * Reads the JSON file `path`: an object with `devices`, a list of objects with `username` and
 * `password`, and, unless given here, `project_key` and `project_secret`. That is the form of the
 * server's demo.json and, without the latter two, of `eztcloud device add --count N --json`.
 *
 * @param key, secret  win over the file's when not empty; borrowed
 * A missing or wrong member ends the process with one line.
 */
void load_credentials_init(struct load_credentials *credentials, const char *path, const char *key,
                           const char *secret);

/** Frees what was loaded; accepts a zeroed object. */
void load_credentials_deinit(struct load_credentials *credentials);

/**
 * Gives `text` with {projectKey} and {deviceUsername} replaced; the caller frees it. An unknown
 * placeholder ends the process with one line.
 *
 * @param username  NULL where {deviceUsername} has no meaning
 */
char *load_credentials_expand(const struct load_credentials *credentials, const char *text,
                              const char *username);
