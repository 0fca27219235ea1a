/*
 * The operators of the registry, and where they are logged in.
 *
 * Part of the registry (store/registry.h): the same connection, the same rules.
 */
#pragma once

#include "store/registry.h"
#include "store/secret_password.h"

enum { REGISTRY_USERNAME_MAX = 64 };

struct registry_operator {
    char username[REGISTRY_USERNAME_MAX + 1];
    char password_hash[SECRET_PASSWORD_HASH_MAX + 1];
    bool is_admin; /* otherwise a viewer */
    int64_t created_ms;
    int64_t last_login_ms; /* 0: never */
};

/** A login, by the hash of its token. */
struct registry_login {
    uint8_t token_hash[SECRET_HASH_LEN];
    char username[REGISTRY_USERNAME_MAX + 1];
    bool is_admin; /* found: of its operator */
    int64_t created_ms;
    int64_t used_ms;
};

/** True for 1 to 64 of A-Z a-z 0-9 . _ @ -. */
bool registry_username_is_valid(const char *text);

/** Errors: ST_EXISTS (user name), ST_INVALID (user name), ST_IO. */
enum status registry_operator_add(struct registry *r, const struct registry_operator *o) MUST_CHECK;
/** Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status registry_operator_find(struct registry *r, const char *username,
                                   struct registry_operator *out) MUST_CHECK;
/** Changes password, role and last login. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_operator_update(struct registry *r,
                                     const struct registry_operator *o) MUST_CHECK;
/** Removes one, with its logins. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_operator_remove(struct registry *r, const char *username) MUST_CHECK;

typedef bool (*registry_operator_fn)(const struct registry_operator *o, void *arg);
/** All operators, oldest first. */
enum status registry_operator_each(struct registry *r, registry_operator_fn fn,
                                   void *arg) MUST_CHECK;

/** How many there are, and how many of them are administrators. */
enum status registry_operator_count(struct registry *r, size_t *all, size_t *admins) MUST_CHECK;

enum status registry_login_add(struct registry *r, const struct registry_login *l) MUST_CHECK;
/** Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_login_find(struct registry *r, const uint8_t token_hash[SECRET_HASH_LEN],
                                struct registry_login *out) MUST_CHECK;
/** It was used at this time; of one that is gone nothing is said. */
enum status registry_login_use(struct registry *r, const uint8_t token_hash[SECRET_HASH_LEN],
                               int64_t used_ms) MUST_CHECK;
enum status registry_login_remove(struct registry *r,
                                  const uint8_t token_hash[SECRET_HASH_LEN]) MUST_CHECK;
/** Removes an operator's logins but one (NULL: all). */
enum status registry_login_remove_others(struct registry *r, const char *username,
                                         const uint8_t *token_hash) MUST_CHECK;
/** Removes those that are older, or were last used before. */
enum status registry_login_remove_old(struct registry *r, int64_t created_ms,
                                      int64_t used_ms) MUST_CHECK;
