/*
 * Log lines: one event, one line, `key=value`, to stderr.
 *
 *     2026-11-22T20:55:57.123Z WARN tls_failed peer=192.0.2.4:5091 cause="no shared cipher" : text
 *
 * An event is declared in its layer's events.def (level, text, what an operator should do), which
 * is also the manual. Each event is limited in rate, because peers can cause it: at most ten lines
 * in ten seconds, then one line "and N more". Never a secret, a token or a payload. Any thread; a
 * line is written with one system call. A value that needs it is quoted, with \" \\ \n \r \t \xNN
 * inside, so that " : " outside quotes always begins the text.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum {
    LOG_BURST = 10,        /* lines of one event in one window */
    LOG_WINDOW_MS = 10000, /* begins with its first line */
    LOG_SLICE_MAX = 128,   /* bytes of a slice that log_slice shows */
    LOG_VALUE_MAX = 512,   /* bytes of a value that a line shows */
    LOG_LINE_MAX = 4096    /* bytes; a pipe takes so many whole */
};

/** One kind of event; made by LOG_EVENT_DEFINE from a table. Static. */
struct log_event {
    const char *name; /* in capitals; stands in lower case in the line */
    enum log_level level;
    const char *text;
    const char *advice;
    _Atomic uint64_t window; /* rate limit: start (monotonic ms) << 24 | lines wanted since */
    _Atomic uint64_t total;  /* how often it happened, also when it was not written */
    atomic_flag listed;      /* among those that have been limited */
    struct log_event *next_listed;
};

/*
 * A layer's events.h:   #define EVENT LOG_EVENT_DECLARE
 *                       #include "net/events.def"
 *                       #undef EVENT
 * and its events.c the same with LOG_EVENT_DEFINE. A line of the table:
 * EVENT(TLS_FAILED, WARN, "text", "what to do")
 */
#define LOG_EVENT_DECLARE(name, level, text, advice) extern struct log_event EV_##name;
#define LOG_EVENT_DEFINE(name, level, text, advice) \
    struct log_event EV_##name = {#name, LOG_##level, text, advice, 0, 0, ATOMIC_FLAG_INIT, NULL};

/**
 * Writes an event: `log_event(EV_TLS_FAILED, "peer", peer, "cause", cause)`. Keys and values are C
 * strings in pairs; a NULL value leaves the pair out; values with spaces, control characters or
 * bytes that are not UTF-8 are quoted and escaped. A pair for which the line has no room is left
 * out together with those behind it. errno stays as it was.
 */
#define log_event(event, ...) log_event_write(&(event), ##__VA_ARGS__, (const char *)0)

/** What log_event expands to. */
void log_event_write(struct log_event *event, ...) __attribute__((sentinel));

/** A number as text for log_event: lives until the eighth next call of log_int or log_slice on the
 *  same thread. */
const char *log_int(int64_t value);

struct slice;

/** A slice as text for log_event (cut at 128 bytes, zero bytes shown as `?`): lives as that of
 *  log_int. */
const char *log_slice(struct slice s);

/** What is written: events up to this level (default LOG_INFO). */
void log_set_level(enum log_level level);

/** "error", "warn", "info", "debug"; false when it is none of them. */
bool log_level_parse(const char *text, enum log_level *level);

/** Writes "and N more" for the events whose window is over; called about once a second. */
void log_flush_suppressed(void);

/** As log_flush_suppressed, but for all events: at the end of the program. */
void log_flush_all(void);
