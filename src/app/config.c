/*
 * Options from four places, parsed by one table.
 *
 * First every place's text is gathered, the stronger over the weaker, with where it came from; then
 * each option's text is parsed once. So a fault is told in the words of the place where it was
 * made, and a weaker place's fault does not matter.
 */
#include "app/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_priv.h"
#include "base/bytes.h"
#include "base/invariant.h"
#include "base/mem.h"

enum option_type { TYPE_TEXT, TYPE_HOST, TYPE_FLAG, TYPE_NUMBER, TYPE_PORT, TYPE_LEVEL };

static const struct option {
    const char *name; /* with _ */
    enum option_type type;
    const char *default_text;
    uint64_t min;
    uint64_t max;
    const char *unit;
    const char *help;
    size_t offset; /* of its member in struct config */
} options[CONFIG_OPTION_COUNT] = {
#define OPTION(name, type, default_text, min, max, unit, reloadable, help) \
    {#name, TYPE_##type, default_text, min, max, unit, help, offsetof(struct config, name)},
#include "app/options.def"
#undef OPTION
};

enum source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

/* What is known of one option before it is parsed. */
struct given {
    const char *text; /* borrowed from its source */
    enum source source;
};

struct loading {
    struct config *config;
    struct config_file file; /* owned */
    const char *file_path;   /* borrowed; NULL: none */
    struct given given[CONFIG_OPTION_COUNT];
    char *error;
    size_t error_len;
};

enum { NAME_MAX_LEN = 64 };

/* `port_base` as it is written elsewhere: `port-base`, `PORT_BASE`. */
static const char *spell(const char *name, char out[NAME_MAX_LEN], enum source where)
{
    size_t len = strlen(name);

    invariant(len < NAME_MAX_LEN);
    for (size_t i = 0; i <= len; i++) {
        if (where == SOURCE_FLAG)
            out[i] = name[i] == '_' ? '-' : name[i];
        else
            out[i] = (char)toupper((unsigned char)name[i]);
    }
    return out;
}

/* ---- faults */

/* One line: the option and value as they were given, and what to give instead. */
static enum status refuse(const struct loading *l, size_t option, const char *instead)
{
    const struct given *g = &l->given[option];
    char spelled[NAME_MAX_LEN];
    const char *name = options[option].name;

    switch (g->source) {
    case SOURCE_FLAG:
        (void)snprintf(l->error, l->error_len, "--%s %s: %s", spell(name, spelled, SOURCE_FLAG),
                       g->text, instead);
        break;
    case SOURCE_ENVIRONMENT:
        (void)snprintf(l->error, l->error_len, "EZTCLOUD_%s=%s: %s",
                       spell(name, spelled, SOURCE_ENVIRONMENT), g->text, instead);
        break;
    case SOURCE_FILE:
        (void)snprintf(l->error, l->error_len, "%s: %s: %s: %s", l->file_path, name, g->text,
                       instead);
        break;
    case SOURCE_DEFAULT:
        (void)snprintf(l->error, l->error_len, "%s is %s by default here: %s", name, g->text,
                       instead);
        break;
    }
    return ST_INVALID;
}

static enum status refuse_bounds(const struct loading *l, size_t option, const char *what)
{
    char instead[160];

    (void)snprintf(instead, sizeof(instead), "give %s from %" PRIu64 " to %" PRIu64, what,
                   options[option].min, options[option].max);
    return refuse(l, option, instead);
}

/* ---- one option's text to its value */

/* A whole decimal number, nothing else around it; false when it is none or above 2^63. */
static bool parse_number(const char *text, uint64_t *value)
{
    size_t len = strlen(text);

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

static bool parse_flag(const char *text, bool *value)
{
    static const struct word {
        const char *text;
        bool value;
    } words[] = {
        {"true", true}, {"false", false}, {"yes", true}, {"no", false},
        {"on", true},   {"off", false},   {"1", true},   {"0", false},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

static enum status parse_text(const struct loading *l, size_t option, char **member)
{
    const struct option *o = &options[option];
    const char *text = l->given[option].text;
    size_t len = strlen(text);

    if (len < o->min || len > o->max)
        return refuse_bounds(l, option, "a text with a length");
    for (size_t i = 0; i < len; i++) {
        if (o->type == TYPE_HOST && isalnum((unsigned char)text[i]) == 0 &&
            strchr(".:-_", text[i]) == NULL)
            return refuse(l, option, "give a host name or an address");
        if ((unsigned char)text[i] < 0x20)
            return refuse(l, option, "give a text without control characters");
    }
    *member = slice_to_string(slice_of(text));
    return ST_OK;
}

static enum status parse_port(const struct loading *l, size_t option, uint16_t *member)
{
    static const char prefix[] = "base+";
    const struct option *o = &options[option];
    const char *text = l->given[option].text;
    bool is_relative = strncmp(text, prefix, sizeof(prefix) - 1) == 0;
    uint64_t value;

    if (!parse_number(text + (is_relative ? sizeof(prefix) - 1 : 0), &value))
        return refuse_bounds(l, option, "base+N, or a port");
    value += is_relative ? l->config->port_base : 0;
    if (value < o->min || value > o->max)
        return refuse_bounds(l, option, "base+N, or a port");
    *member = (uint16_t)value;
    return ST_OK;
}

static enum status parse_option(const struct loading *l, size_t option)
{
    const struct option *o = &options[option];
    const char *text = l->given[option].text;
    void *member = (char *)l->config + o->offset;
    uint64_t number;

    switch (o->type) {
    case TYPE_TEXT:
    case TYPE_HOST:
        return parse_text(l, option, member);
    case TYPE_FLAG:
        return parse_flag(text, member) ? ST_OK : refuse(l, option, "give true or false");
    case TYPE_NUMBER:
        if (!parse_number(text, &number) || number < o->min || number > o->max)
            return refuse_bounds(l, option, "a number");
        *(uint32_t *)member = (uint32_t)number;
        return ST_OK;
    case TYPE_PORT:
        return parse_port(l, option, member);
    case TYPE_LEVEL:
        return log_level_parse(text, member)
                   ? ST_OK
                   : refuse(l, option, "give one of error, warn, info, debug");
    }
    return ST_INVALID;
}

/* ---- gathering */

static void give(struct loading *l, size_t option, const char *text, enum source source)
{
    if (text != NULL && source >= l->given[option].source)
        l->given[option] = (struct given){text, source};
}

/* The option of a flag `--name` or `--name=value`; CONFIG_OPTION_COUNT: there is none. */
static size_t find_flag(const char *argument)
{
    size_t len = strcspn(argument, "=");
    char spelled[NAME_MAX_LEN];

    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        (void)spell(options[i].name, spelled, SOURCE_FLAG);
        if (len > 2 && strncmp(argument, "--", 2) == 0 && strlen(spelled) == len - 2 &&
            strncmp(argument + 2, spelled, len - 2) == 0)
            return i;
    }
    return CONFIG_OPTION_COUNT;
}

static enum status gather_flags(struct loading *l, int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        size_t option = find_flag(argv[i]);
        const char *value = strchr(argv[i], '=');

        if (option == CONFIG_OPTION_COUNT) {
            (void)snprintf(l->error, l->error_len,
                           "%s: unknown option: `eztcloud serve --help` lists them", argv[i]);
            return ST_INVALID;
        }
        if (value != NULL) {
            give(l, option, value + 1, SOURCE_FLAG);
        } else if (options[option].type == TYPE_FLAG) {
            give(l, option, "true", SOURCE_FLAG);
        } else if (i + 1 < argc) {
            give(l, option, argv[++i], SOURCE_FLAG);
        } else {
            (void)snprintf(l->error, l->error_len, "%s: the value is missing: give one behind it",
                           argv[i]);
            return ST_INVALID;
        }
    }
    return ST_OK;
}

static void gather_environment(struct loading *l)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        char variable[NAME_MAX_LEN + 16];
        char spelled[NAME_MAX_LEN];

        (void)snprintf(variable, sizeof(variable), "EZTCLOUD_%s",
                       spell(options[i].name, spelled, SOURCE_ENVIRONMENT));
        give(l, i, getenv(variable), SOURCE_ENVIRONMENT);
    }
}

static enum status gather_file(struct loading *l)
{
    enum status st;

    if (l->given[CONFIG_OPTION_config].text[0] == '\0')
        return ST_OK;
    l->file_path = l->given[CONFIG_OPTION_config].text;
    st = config_file_read(l->file_path, &l->file, l->error, l->error_len);
    if (st == ST_OK && l->file.texts[CONFIG_OPTION_config] != NULL) {
        (void)snprintf(l->error, l->error_len, "%s: config: a file cannot name another: remove it",
                       l->file_path);
        return ST_INVALID;
    }
    for (size_t i = 0; st == ST_OK && i < CONFIG_OPTION_COUNT; i++)
        give(l, i, l->file.texts[i], SOURCE_FILE);
    return st;
}

/* ---- what options mean together */

static enum status check_ports(const struct loading *l)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        for (size_t j = i + 1; j < CONFIG_OPTION_COUNT; j++) {
            char instead[160];
            uint16_t a;
            uint16_t b;

            if (options[i].type != TYPE_PORT || options[j].type != TYPE_PORT)
                continue;
            memcpy(&a, (const char *)l->config + options[i].offset, sizeof(a));
            memcpy(&b, (const char *)l->config + options[j].offset, sizeof(b));
            if (a != b || a == 0)
                continue;
            (void)snprintf(instead, sizeof(instead), "%s has port %u already: give another one",
                           options[i].name, a);
            return refuse(l, j, instead);
        }
    }
    return ST_OK;
}

static uint32_t count_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

static void settle(struct config *c)
{
    if (c->workers == 0) {
        uint32_t most = (uint32_t)options[CONFIG_OPTION_workers].max;
        uint32_t processors = count_processors();

        c->workers = processors < most ? processors : most;
    }
    if (c->session_expiry_default > c->session_expiry_max)
        c->session_expiry_default = c->session_expiry_max;
}

enum status config_load(struct config *c, int argc, char *const *argv, char *error,
                        size_t error_len)
{
    struct loading l = {.config = c, .error = error, .error_len = error_len};
    enum status st;

    *c = (struct config){0};
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        give(&l, i, options[i].default_text, SOURCE_DEFAULT);
    st = gather_flags(&l, argc, argv);
    gather_environment(&l);
    if (st == ST_OK)
        st = gather_file(&l);
    for (size_t i = 0; st == ST_OK && i < CONFIG_OPTION_COUNT; i++)
        st = parse_option(&l, i);
    if (st == ST_OK)
        st = check_ports(&l);
    if (st == ST_OK)
        settle(c);
    else
        config_deinit(c);
    config_file_deinit(&l.file);
    return st;
}

void config_deinit(struct config *c)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        if (options[i].type == TYPE_TEXT || options[i].type == TYPE_HOST)
            mem_free(*(char **)(void *)((char *)c + options[i].offset));
    }
    *c = (struct config){0};
}

void config_print_help(FILE *out)
{
    static const char *const placeholders[] = {
        [TYPE_TEXT] = " TEXT", [TYPE_HOST] = " HOST", [TYPE_FLAG] = "",
        [TYPE_NUMBER] = " N",  [TYPE_PORT] = " PORT", [TYPE_LEVEL] = " LEVEL",
    };

    (void)fprintf(out,
                  "eztcloud serve: runs the server in the foreground.\n\n"
                  "Each option can also stand in the environment (EZTCLOUD_PORT_BASE) or in the "
                  "file\nof --config (port_base); a flag goes before the environment, that before "
                  "the file.\n");
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        char spelled[NAME_MAX_LEN];

        (void)fprintf(out, "\n  --%s%s", spell(o->name, spelled, SOURCE_FLAG),
                      placeholders[o->type]);
        if (o->type == TYPE_NUMBER)
            (void)fprintf(out, " (%s; %" PRIu64 " to %" PRIu64 "%s%s)", o->default_text, o->min,
                          o->max, o->unit[0] == '\0' ? "" : " ", o->unit);
        else if (o->type != TYPE_FLAG && o->default_text[0] != '\0')
            (void)fprintf(out, " (%s)", o->default_text);
        (void)fprintf(out, "\n      %s\n", o->help);
    }
}
