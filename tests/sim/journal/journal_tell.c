#include "journal_tell.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "store/events.h"

static uint64_t seed, step;
static bool is_running, is_tracing;

static void print_line(const char *format, va_list args)
{
    (void)fprintf(stderr, "seed %llu step %llu: ", (unsigned long long)seed,
                  (unsigned long long)step);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

static void on_abort(int signal_number)
{
    char text[96];
    int len = 0;

    if (is_running)
        len = snprintf(text, sizeof(text), "at step %llu; again: EZTCLOUD_SIM_SEED=%llu\n",
                       (unsigned long long)step, (unsigned long long)seed);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(EXIT_FAILURE);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

void journal_tell_prepare(void)
{
    is_tracing = getenv("EZTCLOUD_SIM_TRACE") != NULL;
    (void)signal(SIGABRT, on_abort);
    if (is_tracing)
        return;
    EV_VALUES_FAILED.level = EV_JOURNAL_COMMIT_FAILED.level = LOG_DEBUG;
    log_set_level(LOG_ERROR);
}

void journal_tell_begin(uint64_t run_seed)
{
    seed = run_seed;
    step = 0;
    is_running = true;
}

void journal_tell_step(void)
{
    step++;
}

uint64_t journal_tell_steps(void)
{
    return step;
}

void journal_tell_end(void)
{
    is_running = false;
}

void journal_tell_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(format, args);
    va_end(args);
    abort();
}

void journal_tell_trace(const char *format, ...)
{
    va_list args;

    if (!is_tracing)
        return;
    va_start(args, format);
    print_line(format, args);
    va_end(args);
}
