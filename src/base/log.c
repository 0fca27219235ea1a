/*
 * Puts log lines together on the stack and writes each with one system call.
 *
 * The rate limit of an event is one atomic word, so threads that fail together do not wait for
 * each other, and no line is counted twice or lost from "and N more". Nothing here allocates
 * memory or takes a lock.
 */
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/utf8.h"

static const struct {
    const char *name; /* in options */
    const char *mark; /* in lines */
} levels[] = {
    [LOG_ERROR] = {"error", "ERROR"},
    [LOG_WARN] = {"warn", "WARN"},
    [LOG_INFO] = {"info", "INFO"},
    [LOG_DEBUG] = {"debug", "DEBUG"},
};

static _Atomic int level_written = LOG_INFO;
static struct log_event *_Atomic limited_events; /* a stack that only grows */

struct line {
    char data[LOG_LINE_MAX];
    size_t len;
    size_t end;     /* no byte is put from here on */
    bool overflown; /* something did not fit */
};

static void put(struct line *l, const void *data, size_t len)
{
    if (l->overflown || l->end - l->len < len) {
        l->overflown = true;
        return;
    }
    memcpy(l->data + l->len, data, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* True for what can stand in a line as it is: neither a control character nor broken UTF-8. */
static bool is_plain(struct slice s, size_t len)
{
    if (len == 1)
        return s.data[0] >= 0x20 && s.data[0] != 0x7f;
    /* 0xc2 0x80 to 0x9f are control characters that terminals obey */
    return len > 1 && !(s.data[0] == 0xc2 && s.data[1] < 0xa0);
}

static bool needs_quotes(struct slice value)
{
    if (value.len == 0)
        return true;
    while (value.len > 0) {
        size_t len = utf8_char_len(value);

        if (!is_plain(value, len) || (len == 1 && strchr(" \"\\=", value.data[0]) != NULL))
            return true;
        value = slice_from(value, len);
    }
    return false;
}

static void put_escaped(struct line *l, uint8_t byte)
{
    static const char from[] = "\"\\\n\r\t";
    static const char to[] = "\"\\nrt";
    const char *at = byte == 0 ? NULL : strchr(from, byte);
    char text[8];

    if (at == NULL)
        (void)snprintf(text, sizeof(text), "\\x%02x", byte);
    else
        (void)snprintf(text, sizeof(text), "\\%c", to[at - from]);
    put_text(l, text);
}

static void put_quoted(struct line *l, struct slice value)
{
    put(l, "\"", 1);
    while (value.len > 0) {
        size_t len = utf8_char_len(value);

        if (is_plain(value, len) && value.data[0] != '"' && value.data[0] != '\\') {
            put(l, value.data, len);
        } else {
            len = len == 0 ? 1 : len;
            for (size_t i = 0; i < len; i++)
                put_escaped(l, value.data[i]);
        }
        value = slice_from(value, len);
    }
    put(l, "\"", 1);
}

static void put_pair(struct line *l, const char *key, const char *value)
{
    struct slice shown = utf8_truncate(slice_of(value), LOG_VALUE_MAX);

    put(l, " ", 1);
    put_text(l, key);
    put(l, "=", 1);
    if (needs_quotes(shown))
        put_quoted(l, shown);
    else
        put(l, shown.data, shown.len);
}

static void line_begin(struct line *l, const struct log_event *event)
{
    int64_t unix_ms = clock_unix_ms();
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&seconds, &tm);
    l->len = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    memcpy(l->data, when, l->len);
    l->overflown = false;
    l->end = sizeof(l->data) - 1; /* the end of the line always fits */
    (void)snprintf(when, sizeof(when), ".%03dZ ", (int)(unix_ms % 1000));
    put_text(l, when);
    put_text(l, levels[event->level].mark);
    put(l, " ", 1);
    for (const char *c = event->name; *c != '\0'; c++) {
        char lower = (char)tolower((unsigned char)*c);

        put(l, &lower, 1);
    }
}

static void line_write(struct line *l)
{
    l->data[l->len++] = '\n';
    /* There is nobody to tell that the log cannot be written. */
    ssize_t written = write(STDERR_FILENO, l->data, l->len);
    (void)written;
}

static void write_more(const struct log_event *event, uint64_t more)
{
    char text[64];
    struct line l;

    line_begin(&l, event);
    (void)snprintf(text, sizeof(text), " more=%" PRIu64 " : and %" PRIu64 " more in %d s", more,
                   more, LOG_WINDOW_MS / 1000);
    put_text(&l, text);
    line_write(&l);
}

enum { WINDOW_COUNT_BITS = 24 };

#define WINDOW_COUNT_MAX ((UINT64_C(1) << WINDOW_COUNT_BITS) - 1)

static uint64_t window_count(uint64_t window)
{
    return window & WINDOW_COUNT_MAX;
}

static bool window_is_over(uint64_t window, uint64_t now_ms)
{
    return window_count(window) == 0 || now_ms >= (window >> WINDOW_COUNT_BITS) + LOG_WINDOW_MS;
}

static void list_event(struct log_event *event)
{
    if (atomic_flag_test_and_set(&event->listed))
        return;
    event->next_listed = atomic_load(&limited_events);
    while (!atomic_compare_exchange_weak(&limited_events, &event->next_listed, event))
        continue;
}

static void write_suppressed(const struct log_event *event, uint64_t window)
{
    if (window_count(window) > LOG_BURST)
        write_more(event, window_count(window) - LOG_BURST);
}

/* Counts the event in its window; true when its line is to be written. */
static bool admit(struct log_event *event)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t window = atomic_load(&event->window);
    uint64_t next;
    bool over;

    do {
        over = window_is_over(window, now_ms);
        if (over)
            next = now_ms << WINDOW_COUNT_BITS | 1;
        else
            next = window_count(window) < WINDOW_COUNT_MAX ? window + 1 : window;
    } while (!atomic_compare_exchange_weak(&event->window, &window, next));
    if (over) {
        write_suppressed(event, window);
        return true;
    }
    if (window_count(next) <= LOG_BURST)
        return true;
    list_event(event);
    return false;
}

void log_event_write(struct log_event *event, ...)
{
    int saved_errno = errno;
    size_t text_len = strnlen(event->text, LOG_LINE_MAX / 2);
    const char *key;
    va_list args;
    struct line l;

    atomic_fetch_add_explicit(&event->total, 1, memory_order_relaxed);
    if ((int)event->level > atomic_load_explicit(&level_written, memory_order_relaxed))
        return;
    if (admit(event)) {
        line_begin(&l, event);
        l.end -= strlen(" : ") + text_len;
        va_start(args, event);
        while ((key = va_arg(args, const char *)) != NULL && !l.overflown) {
            const char *value = va_arg(args, const char *);
            size_t before = l.len;

            if (value != NULL)
                put_pair(&l, key, value);
            if (l.overflown)
                l.len = before;
        }
        va_end(args);
        l.overflown = false;
        l.end += strlen(" : ") + text_len;
        put_text(&l, " : ");
        put(&l, event->text, text_len);
        line_write(&l);
    }
    errno = saved_errno;
}

/* The texts that log_int and log_slice give: the oldest is written over. */
enum { SCRATCH_COUNT = 8, SCRATCH_SIZE = LOG_SLICE_MAX + 4 };

static char *scratch(void)
{
    static _Thread_local char texts[SCRATCH_COUNT][SCRATCH_SIZE];
    static _Thread_local unsigned next;

    return texts[next++ % SCRATCH_COUNT];
}

const char *log_int(int64_t value)
{
    char *text = scratch();

    (void)snprintf(text, SCRATCH_SIZE, "%" PRId64, value);
    return text;
}

const char *log_slice(struct slice s)
{
    struct slice shown = utf8_truncate(s, LOG_SLICE_MAX);
    char *text = scratch();

    for (size_t i = 0; i < shown.len; i++)
        text[i] = shown.data[i] == 0 ? '?' : (char)shown.data[i];
    memcpy(text + shown.len, "...", 4);
    if (shown.len == s.len)
        text[shown.len] = '\0';
    return text;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_written, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void flush(bool all)
{
    uint64_t now_ms = clock_mono_ms();

    for (struct log_event *e = atomic_load(&limited_events); e != NULL; e = e->next_listed) {
        uint64_t window = atomic_load(&e->window);

        if (!all && !window_is_over(window, now_ms))
            continue;
        /* When it fails the event has just happened again: it is written with that window. */
        if (atomic_compare_exchange_strong(&e->window, &window, 0))
            write_suppressed(e, window);
    }
}

void log_flush_suppressed(void)
{
    flush(false);
}

void log_flush_all(void)
{
    flush(true);
}
