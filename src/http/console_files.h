/*
 * The files of the web console, embedded. `make console` builds them and makes the C file
 * (tools/console_files.mjs); who links the program links it too.
 */
#pragma once

#include "http/static_files.h"

extern const struct static_file console_files[];
extern const size_t console_file_count;
