/*
 * What `eztcloud serve` was told: one member an option, from options.def.
 *
 * A flag goes before the environment, that before the YAML file, that before the default. Read
 * once, at start, on the main thread; immutable afterwards, and then any thread's to read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "base/status.h"

/* The member that an option of a type makes; texts are owned and never NULL. */
#define CONFIG_MEMBER_TEXT(name)   char *name;
#define CONFIG_MEMBER_HOST(name)   char *name;
#define CONFIG_MEMBER_FLAG(name)   bool name;
#define CONFIG_MEMBER_NUMBER(name) uint32_t name;
#define CONFIG_MEMBER_PORT(name)   uint16_t name; /* 0: off */
#define CONFIG_MEMBER_LEVEL(name)  enum log_level name;

/** Units are those of the table; `workers` is never 0 here. */
struct config {
#define OPTION(name, type, ...) CONFIG_MEMBER_##type(name)
#include "app/options.def"
#undef OPTION
};

/**
 * Reads flags, environment (EZTCLOUD_…) and the file that `config` names.
 *
 * @param argv   the flags alone: `--name value`, `--name=value`; of doubled ones the last counts
 * @param c      filled on success; config_deinit
 * @param error  on failure one line: which option, which value, what to do
 * Errors: ST_INVALID
 */
enum status config_load(struct config *c, int argc, char *const *argv, char *error,
                        size_t error_len) MUST_CHECK;

/** Frees its texts; a zeroed one is accepted. */
void config_deinit(struct config *c);

/** Writes every option with its default and bounds. */
void config_print_help(FILE *out);
