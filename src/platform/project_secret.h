/*
 * A secret of a project: what its holder may do, where from and until when.
 *
 * Read from its row in the registry and never changed afterwards; a change of the row makes a new
 * object. Counted: the workers share it, and connections keep the one that they logged in with. Of
 * its text there are only a digest and the state of a hash. Source: open-api.md 3 "Several secrets"
 */
#pragma once

#include <stdatomic.h>

#include "base/address_range.h"
#include "base/ident.h"
#include "store/secret.h"

enum {
    PROJECT_SECRET_MAGIC = 0x50534543,
    PROJECT_SECRET_TEXT_MAX = 256 * 1024, /* bytes of a definition */
    PROJECT_SECRET_RANGES_MAX = 64,
    PROJECT_SECRET_DEVICES_MAX = 10000,
    PROJECT_SECRET_TYPES_MAX = 256,
    PROJECT_SECRET_ERROR_MAX = 256 /* room enough for any error, its zero included */
};

/* X(NAME, word in a definition, letter in a browser pass) */
#define SCOPE_LIST(X)              \
    X(SUBSCRIBE, "subscribe", 's') \
    X(PUSH, "push", 'p')           \
    X(COMMAND, "command", 'c')

enum scope {
#define X(name, word, letter) SCOPE_##name,
    SCOPE_LIST(X)
#undef X
        SCOPE_COUNT
};

/** Sets of scopes are bits. */
#define SCOPE_BIT(scope) ((uint8_t)(1u << (scope)))
#define SCOPES_ALL       ((uint8_t)((1u << SCOPE_COUNT) - 1))

struct project_secret {
    uint32_t magic;
    _Atomic uint32_t refs;
    char name[IDENT_MEMBER_MAX + 1];
    uint8_t scopes;
    int64_t expires_ms;                    /* Unix; 0: never */
    struct secret_digest digest;           /* of its text */
    struct secret_mac_key mac_key;         /* for browser passes */
    char version[SECRET_MAC_TEXT_LEN + 1]; /* of all that stands in its row: another one, other
                                              rights; the same in every run, and tells nothing */
    struct address_range *ranges; /* owned; from where it may be used; none: from anywhere */
    size_t range_count;
    bool is_limited;      /* to these devices and those of these types; otherwise it is for all */
    uint64_t *device_ids; /* owned, sorted */
    size_t device_count;
    uint64_t *type_ids; /* owned, sorted */
    size_t type_count;
};

/**
 * Makes one of a row of the registry, with one reference, which the caller owns.
 *
 * @param text        the secret itself
 * @param definition  a JSON text (docs/secrets.md)
 * @param error       PROJECT_SECRET_ERROR_MAX bytes: on failure what is wrong, in one line
 * Errors: ST_TOO_LARGE, ST_MALFORMED, ST_INVALID
 */
enum status project_secret_parse(const char *name, struct slice text, struct slice definition,
                                 struct project_secret **out, char *error) MUST_CHECK;

struct project_secret *project_secret_ref(struct project_secret *s);
/** Wipes and frees with the last reference. NULL inside is accepted. */
void project_secret_unref(struct project_secret **s);

/** True when the two are the same row, unchanged. */
bool project_secret_is_like(const struct project_secret *a, const struct project_secret *b);

/** True when it may be used from this address (text); what is no address has no right. */
bool project_secret_allows_address(const struct project_secret *s, struct slice address);

/** True when it is for this device. `type_id` is the device's type, 0: none, or no such device. */
bool project_secret_allows_device(const struct project_secret *s, uint64_t device_id,
                                  uint64_t type_id);

/** The secret if it is limited to some devices, otherwise NULL: what need not be checked costs
 * nothing. */
static inline struct project_secret *project_secret_limits(struct project_secret *s)
{
    return s->is_limited ? s : NULL;
}

/** The word and the letter of a scope. */
const char *scope_word(enum scope scope);
char scope_letter(enum scope scope);
