/*
 * Assertions that stay on in release builds.
 *
 * An invariant that fails is our own bug: the process prints what it knows and ends;
 * durable state is always such that a restart continues. What a peer can cause is never
 * an invariant. Any thread.
 */
#pragma once

/** Ends the process with the place and the condition on stderr. */
void invariant_failed(const char *file, int line, const char *condition)
    __attribute__((noreturn, cold));

#define invariant(condition)                                  \
    do {                                                      \
        if (__builtin_expect(!(condition), 0))                \
            invariant_failed(__FILE__, __LINE__, #condition); \
    } while (0)
