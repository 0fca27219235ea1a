/*
 * How the process ends when one of our own assumptions turns out to be wrong.
 *
 * Uses the stack alone (memory or locks may be what is broken) and ends with SIGABRT, so that a
 * core dump shows the place.
 */
#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void invariant_failed(const char *file, int line, const char *condition)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%s:%d: invariant failed: %s\n", file, line, condition);
    size_t want = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;

    if (len < 0 || write(STDERR_FILENO, text, want) < 0)
        _exit(EXIT_FAILURE); /* nobody hears us: end all the same */
    abort();
}
