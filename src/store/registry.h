/*
 * The registry: projects with their secrets, device types, devices and alarm rules (later
 * operators), in SQLite (WAL) under the data directory.
 *
 * Off the message path: read whole at start, and row by row when something changed. One connection
 * belongs to one thread at a time; the command line opens its own, also while a server runs. Every
 * change of a row gets a growing change number (triggers), by which a running server finds what
 * another process changed. Secrets are encrypted at rest under the key of store/secret. No SQL and
 * no SQLite code above this file. Source: open-api.md 1 to 3
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/ident.h"
#include "base/status.h"
#include "store/journal.h"
#include "store/secret.h"

struct registry;

enum {
    REGISTRY_NAME_MAX = 128,     /* bytes of UTF-8 in a name, a password, an address */
    REGISTRY_SN_MAX = 64,        /* and in a serial number */
    REGISTRY_ORIGINS_MAX = 2048, /* bytes of a list of origins */
    REGISTRY_LEVELS_MAX = 16,    /* of sub-devices below a device that connects */
    REGISTRY_SECRETS_MAX = 32,   /* of a project */
    REGISTRY_PEER_MAX = 63       /* bytes of a network address */
};

/** The name of a project's first secret. */
#define REGISTRY_MAIN_SECRET "main"

struct registry_project {
    uint64_t project_id;
    char name[REGISTRY_NAME_MAX + 1];
    char secret[IDENT_SECRET_LEN + 1]; /* the secret named "main"; empty: there is none now */
    char token[IDENT_SECRET_LEN + 1];
    bool enabled;
    bool open_mqtt;      /* the edition switch of the application API */
    bool alarm_per_rule; /* every rule's changes are told, not only the device's first and last */
    bool log;            /* the messages of all its devices are logged */
    enum journal_policy journal;
    char origins[REGISTRY_ORIGINS_MAX + 1]; /* pages that may connect (platform/web_origin.h);
                                               empty: any */
    int64_t created_ms;
};

struct registry_secret {
    uint64_t project_id;
    char name[IDENT_MEMBER_MAX + 1]; /* an identifier (ident_is_member), one of its project */
    char secret[IDENT_SECRET_LEN + 1];
    struct slice definition; /* borrowed: a JSON text (docs/secrets.md): what it may */
    int64_t created_ms;
    int64_t used_ms;                       /* Unix; when last, to the minute; 0: never */
    char used_from[REGISTRY_PEER_MAX + 1]; /* then: from where */
};

struct registry_type {
    uint64_t type_id;
    uint64_t project_id;
    char name[REGISTRY_NAME_MAX + 1];
    char code[IDENT_MEMBER_MAX + 1]; /* the operator's own, one of its project; empty: none */
    struct slice definition;         /* borrowed: a JSON text (docs/device-types.md) */
    int64_t created_ms;
};

struct registry_device {
    uint64_t device_id;
    uint64_t project_id;
    uint64_t type_id; /* of a type of its project; 0: none */
    char name[REGISTRY_NAME_MAX + 1];
    char password[REGISTRY_NAME_MAX + 1];
    bool enabled;
    int64_t created_ms;
    uint64_t parent_id;                  /* of a device of its project; 0: it connects itself */
    char address[REGISTRY_NAME_MAX + 1]; /* below its parent; empty: it has none */
    char sn[REGISTRY_SN_MAX + 1];        /* serial number, one of its type; empty: none */
    bool log;                            /* its messages are logged */
};

struct registry_rule {
    uint64_t rule_id;
    uint64_t project_id;
    struct slice definition; /* borrowed: a JSON text (docs/alarms.md) */
    int64_t created_ms;
};

/** True for a name, a password or an address: 1 to REGISTRY_NAME_MAX bytes of UTF-8 without control
 * characters. */
bool registry_text_is_valid(const char *text);

/** True for a serial number: such a text of up to REGISTRY_SN_MAX bytes that can be a level of a
 * topic (no `/`, `+`, `#`). */
bool registry_sn_is_valid(const char *text);

/** What a change was about. */
enum registry_entity {
    REGISTRY_PROJECT,
    REGISTRY_DEVICE,
    REGISTRY_TYPE,
    REGISTRY_RULE,
    REGISTRY_SECRETS, /* all of a project, whose id it has; never told as removed */
    REGISTRY_NOTIFIER
};

struct registry_change {
    int64_t number;
    enum registry_entity entity;
    uint64_t id;
    bool removed;     /* otherwise added or changed: read the row */
    bool was_removed; /* at least once in the time asked for: what is there now is another one */
};

/**
 * Opens (and makes, mode 0700) the data directory's registry, and brings its schema to this
 * program's version.
 *
 * @param error  on failure one line for a person: what, why, what to do; at most `error_len` bytes
 * Errors: ST_IO, ST_CORRUPT, ST_UNSUPPORTED (a newer schema), ST_BUSY
 */
enum status registry_open(const char *data_dir, struct registry **out, char *error,
                          size_t error_len) MUST_CHECK;
void registry_close(struct registry **r);

/** One transaction around several changes. When the commit fails they are all undone. */
enum status registry_begin(struct registry *r) MUST_CHECK;
enum status registry_commit(struct registry *r) MUST_CHECK;
void registry_rollback(struct registry *r);

/** Adds a project, with its main secret. Errors: ST_EXISTS (its id), ST_INVALID (name,
 * credentials), ST_IO. */
enum status registry_project_add(struct registry *r, const struct registry_project *p) MUST_CHECK;
/** The same for a new one, which is given its identifier, secret and token. */
enum status registry_project_make(struct registry *r, struct registry_project *p) MUST_CHECK;
/** Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT (a secret that does not decrypt). */
enum status registry_project_find(struct registry *r, uint64_t project_id,
                                  struct registry_project *out) MUST_CHECK;
/** Changes a project's name, switches and origins; its credentials stay. Errors: ST_NOT_FOUND,
 * ST_INVALID (name), ST_IO. */
enum status registry_project_update(struct registry *r,
                                    const struct registry_project *p) MUST_CHECK;
/** Gives a project another token. Errors: ST_NOT_FOUND, ST_INVALID, ST_IO. */
enum status registry_project_set_token(struct registry *r, uint64_t project_id,
                                       const char *token) MUST_CHECK;
/** Removes a project with all its devices. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_project_remove(struct registry *r, uint64_t project_id) MUST_CHECK;

/** Appends the JSON text of the endpoints that a project sets itself. Errors: ST_NOT_FOUND (none),
 * ST_IO. */
enum status registry_project_endpoints_find(struct registry *r, uint64_t project_id,
                                            struct buffer *out) MUST_CHECK;
/** Errors: ST_NOT_FOUND (project), ST_IO. */
enum status registry_project_endpoints_put(struct registry *r, uint64_t project_id,
                                           struct slice urls) MUST_CHECK;

/** Called with a borrowed row; giving false ends the walk. */
typedef bool (*registry_project_fn)(const struct registry_project *p, void *arg);
/** All projects, oldest first. A damaged row is logged and left out, so that one does not keep a
 * server down. */
enum status registry_project_each(struct registry *r, registry_project_fn fn, void *arg) MUST_CHECK;

/** Adds a secret to a project. Whoever calls has read the definition. Errors: ST_EXISTS (its name),
 * ST_FULL (REGISTRY_SECRETS_MAX), ST_NOT_FOUND (project), ST_INVALID (name, secret), ST_IO. */
enum status registry_secret_add(struct registry *r, const struct registry_secret *x) MUST_CHECK;
/** `definition`, the caller's, keeps the bytes of the row's. Errors: ST_NOT_FOUND, ST_IO,
 * ST_CORRUPT (it does not decrypt). */
enum status registry_secret_find(struct registry *r, uint64_t project_id, const char *name,
                                 struct registry_secret *out, struct buffer *definition) MUST_CHECK;
/** Changes a secret's text and definition. Errors: ST_NOT_FOUND, ST_INVALID (secret), ST_IO. */
enum status registry_secret_update(struct registry *r, const struct registry_secret *x) MUST_CHECK;
/** Writes down a use, unless a later one is known; a secret that is gone is accepted. This is no
 * change that registry_change_each would tell. Errors: ST_IO. */
enum status registry_secret_set_use(struct registry *r, uint64_t project_id, const char *name,
                                    int64_t used_ms, const char *used_from) MUST_CHECK;
enum status registry_secret_remove(struct registry *r, uint64_t project_id,
                                   const char *name) MUST_CHECK;

typedef bool (*registry_secret_fn)(const struct registry_secret *x, void *arg);
/** All secrets of a project, oldest first; 0: of every project, those of one behind each other. A
 * damaged row is logged and left out. */
enum status registry_secret_each(struct registry *r, uint64_t project_id, registry_secret_fn fn,
                                 void *arg) MUST_CHECK;

/** Adds a device type. Whoever calls has read the definition. Errors: ST_EXISTS (its id, or its
 * code in the project), ST_NOT_FOUND (project), ST_INVALID (name, code), ST_IO. */
enum status registry_type_add(struct registry *r, const struct registry_type *t) MUST_CHECK;
/** Finds one by its id, or by its code. `definition`, the caller's, keeps the bytes of the row's.
 * Errors: ST_NOT_FOUND, ST_IO, ST_CORRUPT. */
enum status registry_type_find(struct registry *r, uint64_t type_id, struct registry_type *out,
                               struct buffer *definition) MUST_CHECK;
enum status registry_type_find_code(struct registry *r, uint64_t project_id, const char *code,
                                    struct registry_type *out,
                                    struct buffer *definition) MUST_CHECK;
/** Changes a type's name, code and definition; it stays in its project. Errors: ST_NOT_FOUND,
 * ST_EXISTS (code), ST_INVALID (name, code), ST_IO. */
enum status registry_type_update(struct registry *r, const struct registry_type *t) MUST_CHECK;
/** The type with this code if all projects together have one such. Errors: ST_NOT_FOUND (none, or
 * several), ST_IO. */
enum status registry_type_find_only(struct registry *r, const char *code,
                                    uint64_t *type_id) MUST_CHECK;
/** A product key that no type has. */
uint64_t registry_type_new_id(struct registry *r);
/** Removes a type; its devices have none from then on. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_type_remove(struct registry *r, uint64_t type_id) MUST_CHECK;

/** How many devices are of a type. */
enum status registry_type_device_count(struct registry *r, uint64_t type_id,
                                       size_t *out) MUST_CHECK;

typedef bool (*registry_type_fn)(const struct registry_type *t, void *arg);
/** All types of a project (0: of every project), oldest first. A damaged row is logged and left
 * out. */
enum status registry_type_each(struct registry *r, uint64_t project_id, registry_type_fn fn,
                               void *arg) MUST_CHECK;

/** Adds an alarm rule. Whoever calls has read the definition. Errors: ST_EXISTS (its id),
 * ST_NOT_FOUND (project), ST_INVALID (its id), ST_IO. */
enum status registry_rule_add(struct registry *r, const struct registry_rule *x) MUST_CHECK;
/** `definition`, the caller's, keeps the bytes of the row's. Errors: ST_NOT_FOUND, ST_IO,
 * ST_CORRUPT. */
enum status registry_rule_find(struct registry *r, uint64_t rule_id, struct registry_rule *out,
                               struct buffer *definition) MUST_CHECK;
/** Changes a rule's definition. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_rule_update(struct registry *r, const struct registry_rule *x) MUST_CHECK;
enum status registry_rule_remove(struct registry *r, uint64_t rule_id) MUST_CHECK;

typedef bool (*registry_rule_fn)(const struct registry_rule *x, void *arg);
/** All rules of a project (0: of every project), oldest first. A damaged row is logged and left
 * out. */
enum status registry_rule_each(struct registry *r, uint64_t project_id, registry_rule_fn fn,
                               void *arg) MUST_CHECK;

/** Adds a device. Errors: ST_EXISTS (its id, in any project), ST_REFUSED (another one has its
 * address, or its serial number), ST_NOT_FOUND (project, type or parent), ST_FULL (more than
 * REGISTRY_LEVELS_MAX), ST_INVALID (name, password, address, serial number), ST_IO. */
enum status registry_device_add(struct registry *r, const struct registry_device *d) MUST_CHECK;
enum status registry_device_find(struct registry *r, uint64_t device_id,
                                 struct registry_device *out) MUST_CHECK;
/** Finds one by its place below a device, or by its serial number. */
enum status registry_device_find_address(struct registry *r, uint64_t parent_id,
                                         const char *address,
                                         struct registry_device *out) MUST_CHECK;
enum status registry_device_find_sn(struct registry *r, uint64_t project_id, uint64_t type_id,
                                    const char *sn, struct registry_device *out) MUST_CHECK;
/** Changes all of a device but what it is called by and when it was made; it stays in its project.
 * Errors: ST_NOT_FOUND (type and parent too), ST_REFUSED, ST_FULL and ST_INVALID as for add;
 * ST_INVALID also for a parent that is below it. */
enum status registry_device_update(struct registry *r, const struct registry_device *d) MUST_CHECK;
/** Removes a device with all that is below it. */
enum status registry_device_remove(struct registry *r, uint64_t device_id) MUST_CHECK;

typedef bool (*registry_device_fn)(const struct registry_device *d, void *arg);
/** All devices of a project (0: of every project), oldest first. A damaged row is logged and left
 * out. */
enum status registry_device_each(struct registry *r, uint64_t project_id, registry_device_fn fn,
                                 void *arg) MUST_CHECK;

/**
 * The device that holds the connection for this one: itself, if it has no parent.
 *
 * @param level  its steps below that one; NULL: not asked for
 * Errors: ST_NOT_FOUND, ST_CORRUPT (too many levels: rows that were not written here), ST_IO
 */
enum status registry_device_root(struct registry *r, uint64_t device_id, uint64_t *root_id,
                                 unsigned *level) MUST_CHECK;

/** @param level  steps below the device that was asked for */
typedef bool (*registry_below_fn)(uint64_t device_id, unsigned level, void *arg);
/** All that is below a device, those that are nearest first. */
enum status registry_device_each_below(struct registry *r, uint64_t device_id, registry_below_fn fn,
                                       void *arg) MUST_CHECK;

typedef bool (*registry_parent_fn)(uint64_t device_id, uint64_t parent_id, void *arg);
/** All sub-devices of all projects. */
enum status registry_device_each_parent(struct registry *r, registry_parent_fn fn,
                                        void *arg) MUST_CHECK;

/** Which devices of a project, and from where on. */
struct registry_device_filter {
    uint64_t project_id;
    uint64_t after; /* positions above this one, which grow with the age of the row; 0: all */
    bool by_type, by_parent;
    uint64_t type_id, parent_id; /* 0: those that have none */
};

/** Without password. Giving false ends the walk. */
typedef bool (*registry_device_page_fn)(uint64_t position, const struct registry_device *d,
                                        void *arg);
/** Walks the devices that a filter lets through, oldest first. */
enum status registry_device_page(struct registry *r, const struct registry_device_filter *f,
                                 registry_device_page_fn fn, void *arg) MUST_CHECK;

/** How many devices a project has. */
enum status registry_device_count(struct registry *r, uint64_t project_id, size_t *out) MUST_CHECK;

/** The number of the newest change, 0 when there was none. */
enum status registry_last_change(struct registry *r, int64_t *out) MUST_CHECK;

typedef bool (*registry_change_fn)(const struct registry_change *c, void *arg);
/** The changes after `since` in order, the newest one of each row. */
enum status registry_change_each(struct registry *r, int64_t since, registry_change_fn fn,
                                 void *arg) MUST_CHECK;

/** A value of the program's own under a name; appends its bytes. Errors: ST_NOT_FOUND, ST_IO. */
enum status registry_setting_find(struct registry *r, const char *name,
                                  struct buffer *out) MUST_CHECK;
/** Sets it, new or not. Errors: ST_IO. */
enum status registry_setting_put(struct registry *r, const char *name,
                                 struct slice value) MUST_CHECK;

/** A mac under the key of the data directory (secret_mac). */
void registry_mac(const struct registry *r, const char *context, struct slice text,
                  uint8_t out[SECRET_HASH_LEN]);

/** True when another connection has committed since the last call: cheap (no table is read). */
bool registry_has_changed(struct registry *r);
