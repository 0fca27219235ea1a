/*
 * Notifiers in the registry: who is told of a project's alarms. What a definition says is the
 * platform's business; here it is a text. As registry.h otherwise.
 */
#pragma once

#include "store/registry.h"

enum {
    REGISTRY_NOTIFIERS_MAX = 16, /* of a project */
    REGISTRY_NOTIFIER_SECRET_LEN = 32
};

struct registry_notifier {
    uint64_t notifier_id; /* given when it is added; of no other, ever */
    uint64_t project_id;
    char name[IDENT_MEMBER_MAX + 1]; /* an identifier (ident_is_member), one of its project */
    char secret[REGISTRY_NOTIFIER_SECRET_LEN + 1];
    struct slice definition; /* borrowed: a JSON text (docs/alarms.md) */
    int64_t created_ms;
};

/** Adds one. Whoever calls has read the definition. Errors: ST_EXISTS (its name), ST_FULL
 * (REGISTRY_NOTIFIERS_MAX), ST_NOT_FOUND (project), ST_INVALID (name, secret), ST_IO. */
enum status registry_notifier_add(struct registry *r, const struct registry_notifier *x) MUST_CHECK;
/** `definition`, the caller's, keeps the bytes of the row's. Errors: ST_NOT_FOUND, ST_IO,
 * ST_CORRUPT. */
enum status registry_notifier_find(struct registry *r, uint64_t project_id, const char *name,
                                   struct registry_notifier *out,
                                   struct buffer *definition) MUST_CHECK;
/** Changes the secret and the definition. Errors: ST_NOT_FOUND, ST_INVALID (secret), ST_IO. */
enum status registry_notifier_update(struct registry *r,
                                     const struct registry_notifier *x) MUST_CHECK;
enum status registry_notifier_remove(struct registry *r, uint64_t project_id,
                                     const char *name) MUST_CHECK;

typedef bool (*registry_notifier_fn)(const struct registry_notifier *x, void *arg);
/** All of a project (0: of every project), oldest first. A damaged row is logged and left out. */
enum status registry_notifier_each(struct registry *r, uint64_t project_id, registry_notifier_fn fn,
                                   void *arg) MUST_CHECK;
