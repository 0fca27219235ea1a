/*
 * Files of certificates in a temporary data directory: put TLS_FOLDER_TEST around a test. Clocks
 * that a test has held run again after it.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

int tls_folder_setup(void **state);
int tls_folder_teardown(void **state);

#define TLS_FOLDER_TEST(function) \
    cmocka_unit_test_setup_teardown(function, tls_folder_setup, tls_folder_teardown)

/** The path of something in the directory, "" for itself; lives until the next call. */
const char *tls_folder_path(const char *name);

/** True when it exists. */
bool tls_folder_has(const char *name);

/** The permission bits. */
unsigned tls_folder_mode(const char *name);

/** The whole content; the caller frees it. */
struct buffer tls_folder_read(const char *name);

/** True when a file still has this content. */
bool tls_folder_is(const char *name, const struct buffer *content);

/** Makes a folder. */
void tls_folder_make(const char *name);

/** Writes or replaces a file. */
void tls_folder_write(const char *name, struct slice content);

/** Copies a file, removes one. */
void tls_folder_copy(const char *from, const char *to);
void tls_folder_remove(const char *name);
