/*
 * A notifier: who is told of a project's alarms, where, and which.
 *
 * Read from its definition, a JSON text (docs/alarms.md), and never changed afterwards. Counted:
 * threads share it. How and when it is told is the business of service/notify. Source: open-api.md
 * 6
 */
#pragma once

#include <stdatomic.h>

#include "base/ident.h"
#include "platform/alarm_history.h"
#include "platform/alarm_rule.h"
#include "store/secret.h"

enum {
    NOTIFIER_MAGIC = 0x4E4F5446,
    NOTIFIER_TEXT_MAX = 64 * 1024, /* bytes of a definition */
    NOTIFIER_URL_MAX = 512,
    NOTIFIER_NAMED_MAX = 1000, /* devices, and types */
    NOTIFIER_ERROR_MAX = 256,  /* room enough for any error, its zero included */
    NOTIFIER_SIGNATURE_MAX = 3 + SECRET_MAC_BASE64_LEN,
    NOTIFIER_SECRET_TEXT_MAX = 63
};

struct notifier {
    uint32_t magic;
    _Atomic uint32_t refs;
    uint64_t notifier_id, project_id;
    char name[IDENT_MEMBER_MAX + 1];
    char url[NOTIFIER_URL_MAX + 1];
    bool is_enabled;
    unsigned levels;                 /* a bit each */
    unsigned changes;                /* a bit each, of enum alarm_change */
    bool is_limited;                 /* to these: */
    uint64_t *device_ids, *type_ids; /* owned, sorted */
    size_t device_count, type_count;
    struct secret_mac_key mac_key;
    struct secret_digest version; /* of all that it was made from */
};

/**
 * Reads a definition.
 *
 * @param name    its name: an identifier
 * @param secret  by which it signs, as the registry keeps it
 * @param out     one reference, which the caller owns
 * @param error   NOTIFIER_ERROR_MAX bytes; on failure one line for a person
 * Errors: ST_TOO_LARGE, ST_MALFORMED, ST_INVALID
 */
enum status notifier_parse(uint64_t notifier_id, uint64_t project_id, const char *name,
                           struct slice secret, struct slice definition, struct notifier **out,
                           char *error) MUST_CHECK;
struct notifier *notifier_ref(struct notifier *n);
/** Gives one reference back and empties the giver's pointer; NULL inside is accepted. */
void notifier_unref(struct notifier **n);

/** Whether two were made from the same. */
bool notifier_is_like(const struct notifier *a, const struct notifier *b);

/** Whether it is to tell this change. The record's type_id counts. */
bool notifier_wants(const struct notifier *n, const struct alarm_record *r);

/** Appends the JSON text that tells a change. Errors: ST_CORRUPT: an identifier or a code that
 * cannot be. */
enum status notifier_write_alarm(const struct notifier *n, const struct alarm_record *r,
                                 struct buffer *out) MUST_CHECK;
/** Appends the JSON text of a test. */
void notifier_write_test(const struct notifier *n, int64_t now_ms, struct buffer *out);

/** Writes `v1,<base64>`: HMAC-SHA256 of `<delivery>.<timestamp>.<body>`. Source: Standard Webhooks
 */
void notifier_sign(const struct notifier *n, const char *delivery, const char *timestamp,
                   struct slice body, char out[NOTIFIER_SIGNATURE_MAX + 1]);

/** How a secret is shown to people: `whsec_<base64>`. */
void notifier_secret_text(const char *secret, char out[NOTIFIER_SECRET_TEXT_MAX + 1]);
