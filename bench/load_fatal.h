/*
 * How the load maker gives up: a fault in its own set-up (options, files, addresses) ends it with
 * one line. What a server does wrong is never fatal, it is counted (load_faults.h).
 */
#pragma once

/** Prints `eztcloud-bench: <text>` on stderr and ends the process with exit code 2. */
_Noreturn void load_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
