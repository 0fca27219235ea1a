/*
 * The list of failures: one enum for the whole program, with a text each.
 *
 * A status says what went wrong in terms of the caller; errno, OpenSSL and SQLite
 * codes do not travel above the file that wraps them. Pure values, any thread.
 */
#pragma once

/* X(NAME, text for a person) */
#define STATUS_LIST(X)                                \
    X(OK, "done")                                     \
    X(AGAIN, "not yet: more input or room is needed") \
    X(CLOSED, "the other side has closed")            \
    X(MALFORMED, "malformed")                         \
    X(PROTOCOL, "not allowed by the protocol here")   \
    X(TOO_LARGE, "larger than the limit")             \
    X(REFUSED, "not allowed")                         \
    X(NOT_FOUND, "does not exist")                    \
    X(EXISTS, "exists already")                       \
    X(INVALID, "not a valid value")                   \
    X(FULL, "the limit is reached")                   \
    X(BUSY, "in use")                                 \
    X(UNSUPPORTED, "not supported")                   \
    X(IO, "input or output failed")                   \
    X(CORRUPT, "stored data is damaged")

enum status {
#define X(name, text) ST_##name,
    STATUS_LIST(X)
#undef X
        STATUS_COUNT
};

/** Marks functions whose status must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))

/** The text of a status, never NULL. */
const char *status_text(enum status st);
