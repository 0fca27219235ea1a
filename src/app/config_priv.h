/*
 * Between the option parser and the YAML reader: texts by option.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"

enum config_option {
#define OPTION(name, ...) CONFIG_OPTION_##name,
#include "app/options.def"
#undef OPTION
    CONFIG_OPTION_COUNT
};

/** What a file says, before any of it is looked at. */
struct config_file {
    char *texts[CONFIG_OPTION_COUNT]; /* owned; NULL: not in the file */
};

/** Reads a YAML file. Errors: ST_INVALID, with a line in `error`. */
enum status config_file_read(const char *path, struct config_file *file, char *error,
                             size_t error_len) MUST_CHECK;
void config_file_deinit(struct config_file *file);
