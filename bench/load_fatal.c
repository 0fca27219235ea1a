/*
 * The end of a run that cannot start. Any thread. Deliberately without clean-up: the process
 * ends, and nothing that it holds outlives it.
 */
#include "load_fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void load_fatal(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("eztcloud-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}
