/*
 * What a run is asked to do: one mode and the options of load_options.def.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, word on the command line, what it does) */
#define LOAD_MODE_LIST(X)                                                                    \
    X(DELIVER, "deliver", "devices publish, subscribers receive and check")                  \
    X(AWAY, "away", "subscribers leave, devices publish, some subscribers come back for it") \
    X(IDLE, "idle", "connections are opened and held: what does one cost in memory")         \
    X(CONNECTS, "connects", "connections are opened and closed at once: how many a second")

/* clang-format off */
enum load_mode {
#define X(name, word, help) LOAD_MODE_##name,
    LOAD_MODE_LIST(X)
#undef X
    LOAD_MODE_COUNT
};
/* clang-format on */

/** Texts are borrowed from the command line; numbers are within their bounds. */
struct load_options {
    enum load_mode mode;
#define NUMBER(field, name, initial, smallest, largest, help) uint32_t field;
#define TEXT(field, name, initial, help)                      const char *field;
#define FLAG(field, name, help)                               bool field;
#include "load_options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
};

/** The word of a mode. */
const char *load_options_mode_word(enum load_mode mode);

/**
 * Reads the command line. Prints the help and ends the process with 0 when asked to, and ends it
 * with 2 and one line when something is wrong.
 */
void load_options_parse(struct load_options *options, int argc, char **argv);
