/*
 * Passwords of people: hashed with argon2id, so that a stolen registry costs much work a guess.
 *
 * A hash takes 64 MiB and tens of milliseconds. One is made at a time, however many ask, so that
 * log-ins of strangers cannot take all memory; it blocks, so it stays off the loops. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

enum { SECRET_PASSWORD_HASH_MAX = 127, SECRET_PASSWORD_MIN = 8, SECRET_PASSWORD_MAX = 128 };

/** True for 8 to 128 bytes of UTF-8 without control characters. */
bool secret_password_is_valid(struct slice password);

/** Writes the hash as text, with its salt and its parameters. Errors: ST_IO (no memory). */
enum status secret_password_hash(struct slice password,
                                 char out[SECRET_PASSWORD_HASH_MAX + 1]) MUST_CHECK;

/** True when the hash is that of the password. NULL: there is nobody of that name; it takes the
 * same time and is false. */
bool secret_password_verify(const char *hash, struct slice password);
