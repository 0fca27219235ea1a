/*
 * The YAML file of options, through libcyaml: a mapping whose keys are the option names.
 *
 * Values are read as texts; what they mean is decided in config.c, the same as for a flag. What
 * libcyaml has to say comes as log lines, of which the first one and the first place make our line.
 */
#include <cyaml/cyaml.h>
#include <stdio.h>
#include <string.h>

#include "app/config_priv.h"
#include "base/bytes.h"
#include "base/mem.h"

enum { TEXT_MAX = 4096, COMPLAINT_MAX = 256 };

/* In the shape that libcyaml fills: a pointer an option. */
struct yaml_options {
#define OPTION(name, ...) char *name;
#include "app/options.def"
#undef OPTION
};

static const cyaml_schema_field_t fields[] = {
#define OPTION(name, ...)                                                        \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, \
                           struct yaml_options, name, 0, TEXT_MAX),
#include "app/options.def"
#undef OPTION
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER_NULL, struct yaml_options, fields),
};

struct complaint {
    char what[COMPLAINT_MAX];
    char where[COMPLAINT_MAX];
};

static void on_log(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct complaint *c = ctx;
    char line[COMPLAINT_MAX];

    (void)level;
    (void)vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    if (c->what[0] == '\0')
        (void)snprintf(c->what, sizeof(c->what), "%s", line + strspn(line, " "));
    else if (c->where[0] == '\0' && line[0] == ' ')
        (void)snprintf(c->where, sizeof(c->where), "%s", line + strspn(line, " "));
}

static void explain(const char *path, cyaml_err_t result, const struct complaint *c, char *error,
                    size_t error_len)
{
    static const char unknown[] = "Load: Unexpected key: ";
    static const char prefix[] = "Load: ";
    const char *what = c->what;

    if (result == CYAML_ERR_FILE_OPEN) {
        (void)snprintf(error, error_len,
                       "--config %s: the file cannot be read: look at its name and rights", path);
        return;
    }
    if (strncmp(what, unknown, sizeof(unknown) - 1) == 0) {
        (void)snprintf(
            error, error_len,
            "%s: unknown option %s: `eztcloud serve --help` lists them (in the file with "
            "_ for -)",
            path, what + sizeof(unknown) - 1);
        return;
    }
    if (strncmp(what, prefix, sizeof(prefix) - 1) == 0)
        what += sizeof(prefix) - 1;
    (void)snprintf(error, error_len, "%s: %s%s%s: write one `name: value` a line", path,
                   what[0] == '\0' ? cyaml_strerror(result) : what, c->where[0] == '\0' ? "" : ", ",
                   c->where);
}

enum status config_file_read(const char *path, struct config_file *file, char *error,
                             size_t error_len)
{
    struct complaint complaint = {0};
    const cyaml_config_t how = {
        .log_fn = on_log, .log_ctx = &complaint, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
    struct yaml_options *read = NULL;
    cyaml_err_t result = cyaml_load_file(path, &how, &schema, (cyaml_data_t **)&read, NULL);

    *file = (struct config_file){0};
    if (result != CYAML_OK) {
        explain(path, result, &complaint, error, error_len);
        return ST_INVALID;
    }
    if (read == NULL)
        return ST_OK; /* nothing in it */
#define OPTION(name, ...)   \
    if (read->name != NULL) \
        file->texts[CONFIG_OPTION_##name] = slice_to_string(slice_of(read->name));
#include "app/options.def"
#undef OPTION
    (void)cyaml_free(&how, &schema, read, 0);
    return ST_OK;
}

void config_file_deinit(struct config_file *file)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        mem_free(file->texts[i]);
    *file = (struct config_file){0};
}
