/*
 * Keys and user names of the contract: `PR_` or `DU_` and ten of [A-Za-z0-9], `PK_` and five; and
 * of our own: alarm rules, `AL_` and ten.
 *
 * Ten such characters are a number below 62^10 < 2^60, so inside the program a project, a device
 * or a device type is a uint64_t (number + 1; 0 means none): compared, hashed and stored as one
 * word.
 * Random ones come from the kernel's generator. Any thread. Source: open-api.md 1
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    IDENT_TEXT_LEN = 13,     /* "PR_" or "DU_" and ten characters */
    IDENT_TYPE_TEXT_LEN = 8, /* "PK_" and five */
    IDENT_SECRET_LEN = 40,   /* projectSecret and ProjectToken */
    IDENT_PASSWORD_LEN = 16, /* a device password that we make */
    IDENT_MEMBER_MAX = 64    /* attribute, event, command and stream identifiers */
};

enum ident_kind { IDENT_PROJECT, IDENT_DEVICE, IDENT_TYPE, IDENT_RULE };

/** The number of a key or user name; 0 when the text is not of that form. */
uint64_t ident_parse(enum ident_kind kind, struct slice text);

/** Writes the text of an identifier (never 0, always one of ident_parse or ident_random) and a zero
 *  byte: 14 bytes (a device type: 9). */
void ident_format(enum ident_kind kind, uint64_t id, char out[IDENT_TEXT_LEN + 1]);

/** True for a number that an identifier of this kind can be. */
bool ident_is_valid(enum ident_kind kind, uint64_t id);

/** A new random identifier, never 0. */
uint64_t ident_random(enum ident_kind kind);

/** Writes `len` random characters of [A-Za-z0-9], without bias, and a zero byte: len + 1 bytes. */
void ident_random_text(char *out, size_t len);

/** True for `[A-Za-z0-9_-]{1,64}`: attribute, event, command, stream identifiers. */
bool ident_is_member(struct slice text);
