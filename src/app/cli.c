/*
 * Reads a command by the table cli.def, opens the registry for it, and lets a running server catch
 * up.
 *
 * Help is made from the same table. A verb that only reads does not make a data directory: a wrong
 * --data is told instead.
 */
#include "app/cli.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli_output.h"
#include "app/cli_sync.h"

enum cli_noun {
#define CLI_NOUN(noun, ...) CLI_NOUN_##noun,
#include "app/cli.def"
#undef CLI_NOUN
    CLI_NOUN_COUNT
};

static const struct noun {
    const char *name, *operand, *help;
} nouns[CLI_NOUN_COUNT] = {
#define CLI_NOUN(noun, operand, help) {#noun, operand, help},
#include "app/cli.def"
#undef CLI_NOUN
};

static const struct flag {
    const char *name, *placeholder, *help;
} flags[CLI_FLAG_COUNT] = {
#define CLI_FLAG(name, word, placeholder, help) {word, placeholder, help},
#include "app/cli.def"
#undef CLI_FLAG
};

#define F(flag) (UINT64_C(1) << CLI_FLAG_##flag)
_Static_assert(CLI_FLAG_COUNT <= 64, "a set of flags is a uint64_t");

static const struct verb {
    enum cli_noun noun;
    const char *name;
    bool takes_operand;
    uint64_t needs; /* sets of flags */
    uint64_t may;
    bool changes;
    const char *help;
    cli_verb_fn run;
} verbs[] = {
#define CLI_VERB(noun, verb, operand, needs, may, changes, help) \
    {CLI_NOUN_##noun, #verb, operand, needs, may, changes, help, cli_##noun##_##verb},
#include "app/cli.def"
#undef CLI_VERB
};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

static const uint64_t every_verb = F(data) | F(json);

/* Nouns that are there without the registry, also where it is damaged or its key is missing. */
static const unsigned without_registry = 1u << CLI_NOUN_journal;

/* ---- help */

enum { HELP_COLUMN = 50 };

static void print_verb(FILE *out, const struct verb *v)
{
    int len = fprintf(out, "  eztcloud %s %s", nouns[v->noun].name, v->name);

    if (v->takes_operand)
        len += fprintf(out, " %s", nouns[v->noun].operand);
    for (size_t i = 0; i < CLI_FLAG_COUNT; i++) {
        if ((v->needs & (UINT64_C(1) << i)) != 0)
            len += fprintf(out, " --%s %s", flags[i].name, flags[i].placeholder);
    }
    if (len >= HELP_COLUMN) {
        (void)fprintf(out, "\n");
        len = 0;
    }
    (void)fprintf(out, "%*s%s\n", HELP_COLUMN - len, "", v->help);
}

void cli_print_help(FILE *out)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (i == 0 || verbs[i].noun != verbs[i - 1].noun)
            (void)fprintf(out, "\n");
        print_verb(out, &verbs[i]);
    }
}

static void print_flags(FILE *out, uint64_t set)
{
    (void)fprintf(out, "\n");
    for (size_t i = 0; i < CLI_FLAG_COUNT; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "--%s %s", flags[i].name, flags[i].placeholder);
        if ((set & (UINT64_C(1) << i)) != 0)
            (void)fprintf(out, "  %-24s %s\n", text, flags[i].help);
    }
}

static void print_noun_help(FILE *out, enum cli_noun noun)
{
    uint64_t used = every_verb;

    (void)fprintf(out, "eztcloud %s: %s\n\n", nouns[noun].name, nouns[noun].help);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (verbs[i].noun == noun) {
            print_verb(out, &verbs[i]);
            used |= verbs[i].needs | verbs[i].may;
        }
    }
    print_flags(out, used);
}

static void print_verb_help(FILE *out, const struct verb *v)
{
    print_verb(out, v);
    print_flags(out, every_verb | v->needs | v->may);
}

/* ---- from words to a call */

enum status cli_fail(struct cli_call *call, enum status st, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(call->error, sizeof(call->error), format, args);
    va_end(args);
    return st;
}

static size_t find_noun(const char *word)
{
    size_t i = 0;

    while (i < CLI_NOUN_COUNT && strcmp(nouns[i].name, word) != 0)
        i++;
    return i;
}

const char *cli_flag_word(enum cli_flag flag)
{
    return flags[flag].name;
}

bool cli_is_noun(const char *word)
{
    return find_noun(word) < CLI_NOUN_COUNT;
}

static const struct verb *find_verb(size_t noun, const char *word)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (verbs[i].noun == noun && strcmp(verbs[i].name, word) == 0)
            return &verbs[i];
    }
    return NULL;
}

/* The flag of `--name` or `--name=value`, one of the set; CLI_FLAG_COUNT: it is none. */
static size_t find_flag(const char *argument, uint64_t set)
{
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");

    for (size_t i = 0; i < CLI_FLAG_COUNT; i++) {
        if ((set & (UINT64_C(1) << i)) != 0 && strlen(flags[i].name) == len &&
            strncmp(name, flags[i].name, len) == 0)
            return i;
    }
    return CLI_FLAG_COUNT;
}

/* Takes the flag at argv[*i] and, when it stands behind it, its value. */
static enum status read_flag(struct cli_call *call, const struct verb *v, int argc,
                             char *const *argv, int *i)
{
    const char *argument = argv[*i];
    size_t flag = find_flag(argument, every_verb | v->needs | v->may);
    const char *value = strchr(argument, '=');

    if (flag == CLI_FLAG_COUNT)
        return cli_fail(call, ST_INVALID,
                        "%s: unknown here: `eztcloud %s %s --help` lists what is known", argument,
                        nouns[v->noun].name, v->name);
    if (flags[flag].placeholder[0] == '\0' && value == NULL)
        call->flags[flag] = flags[flag].name;
    else if (flags[flag].placeholder[0] == '\0')
        return cli_fail(call, ST_INVALID, "%s: it takes no value: leave it out", argument);
    else if (value != NULL)
        call->flags[flag] = value + 1;
    else if (*i + 1 < argc)
        call->flags[flag] = argv[++*i];
    else
        return cli_fail(call, ST_INVALID, "%s: the value is missing: give %s behind it", argument,
                        flags[flag].placeholder);
    return ST_OK;
}

static enum status read_call(struct cli_call *call, const struct verb *v, int argc,
                             char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        enum status st = ST_OK;

        if (strncmp(argv[i], "--", 2) == 0)
            st = read_flag(call, v, argc, argv, &i);
        else if (v->takes_operand && call->operand == NULL)
            call->operand = argv[i];
        else
            st = cli_fail(call, ST_INVALID,
                          "%s: one word too many: `eztcloud %s %s --help` tells more", argv[i],
                          nouns[v->noun].name, v->name);
        if (st != ST_OK)
            return st;
    }
    if (v->takes_operand && call->operand == NULL)
        return cli_fail(call, ST_INVALID, "%s %s: which one? Give its %s", nouns[v->noun].name,
                        v->name, nouns[v->noun].operand);
    for (size_t i = 0; i < CLI_FLAG_COUNT; i++) {
        if ((v->needs & (UINT64_C(1) << i)) != 0 && call->flags[i] == NULL)
            return cli_fail(call, ST_INVALID, "%s %s: --%s is missing: give --%s %s",
                            nouns[v->noun].name, v->name, flags[i].name, flags[i].name,
                            flags[i].placeholder);
    }
    if (call->flags[CLI_FLAG_data] == NULL)
        call->flags[CLI_FLAG_data] = getenv("EZTCLOUD_DATA");
    if (call->flags[CLI_FLAG_data] == NULL)
        call->flags[CLI_FLAG_data] = "./data";
    return ST_OK;
}

/* ---- the registry */

enum status cli_get_project(struct cli_call *call, const char *key, struct registry_project *out)
{
    uint64_t id = ident_parse(IDENT_PROJECT, slice_of(key));
    enum status st;

    if (id == 0)
        return cli_fail(call, ST_INVALID, "%s: no project key: it is PR_ and ten letters or digits",
                        key);
    st = registry_project_find(call->registry, id, out);
    if (st == ST_NOT_FOUND)
        return cli_fail(call, st, "%s: no such project: `eztcloud project list` shows all", key);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", key, status_text(st));
}

enum status cli_get_project_id(struct cli_call *call, uint64_t *out)
{
    struct registry_project p;
    enum status st = cli_get_project(call, call->flags[CLI_FLAG_project], &p);

    *out = st == ST_OK ? p.project_id : 0;
    secret_wipe(&p, sizeof(p));
    return st;
}

enum status cli_take_text(struct cli_call *call, enum cli_flag flag, char *out)
{
    const char *text = call->flags[flag];

    if (text == NULL)
        return ST_OK;
    if (!registry_text_is_valid(text)) /* not repeated: it may be a password */
        return cli_fail(call, ST_INVALID,
                        "--%s: give 1 to %d bytes of UTF-8 without control characters",
                        flags[flag].name, REGISTRY_NAME_MAX);
    memcpy(out, text, strlen(text) + 1);
    return ST_OK;
}

enum status cli_take_switch(struct cli_call *call, enum cli_flag flag, bool *out)
{
    const char *word = call->flags[flag];
    bool is_on = word != NULL && strcmp(word, "on") == 0;

    if (word == NULL)
        return ST_OK;
    if (!is_on && strcmp(word, "off") != 0)
        return cli_fail(call, ST_INVALID, "--%s %s: give on or off", flags[flag].name, word);
    *out = is_on;
    return ST_OK;
}

void cli_take_list(struct cli_call *call, enum cli_flag flag, const char *member,
                   const char *no_limit, json_t *definition)
{
    struct slice rest = slice_of(call->flags[flag]);
    json_t *list;

    if (call->flags[flag] == NULL)
        return;
    if (slice_is(rest, no_limit)) {
        (void)json_object_del(definition, member);
        return;
    }
    list = json_array();
    while (rest.data != NULL) {
        struct slice word = slice_cut(&rest, ',');

        (void)json_array_append_new(list, json_stringn((const char *)word.data, word.len));
    }
    (void)json_object_set_new(definition, member, list);
}

enum status cli_take_types(struct cli_call *call, uint64_t project_id, json_t *definition)
{
    struct buffer type_definition = {0};
    enum status st = ST_OK;
    json_t *list, *element;
    size_t i;

    cli_take_list(call, CLI_FLAG_types, "types", "any", definition);
    list = call->flags[CLI_FLAG_types] == NULL ? NULL : json_object_get(definition, "types");
    json_array_foreach (list, i, element) {
        char key[IDENT_TEXT_LEN + 1];
        struct registry_type t;

        st = cli_get_type(call, json_string_value(element), project_id, &t, &type_definition);
        if (st != ST_OK)
            break;
        ident_format(IDENT_TYPE, t.type_id, key);
        (void)json_array_set_new(list, i, json_string(key));
    }
    buffer_deinit(&type_definition);
    return st;
}

enum status cli_read_file(struct cli_call *call, json_t **out)
{
    const char *path = call->flags[CLI_FLAG_file];
    json_error_t error;

    *out = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                                  : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (*out != NULL)
        return ST_OK;
    return cli_fail(call, ST_MALFORMED, "%s: line %d, column %d: %s", path, error.line,
                    error.column, error.text);
}

enum status cli_tell_change(struct cli_call *call, enum status st)
{
    if (st == ST_OK)
        return st;
    return cli_fail(call, st, "%s: not changed: %s", call->operand, status_text(st));
}

enum status cli_begin_change(struct cli_call *call)
{
    return cli_tell_change(call, registry_begin(call->registry));
}

enum status cli_end_change(struct cli_call *call, enum status st)
{
    if (st == ST_OK)
        return cli_tell_change(call, registry_commit(call->registry));
    registry_rollback(call->registry);
    return st;
}

enum status cli_end_list(struct cli_call *call, enum status st)
{
    cli_output_list_end(call->output);
    return st == ST_OK ? st : cli_fail(call, st, "the list ends early: %s", status_text(st));
}

enum status cli_end_remove(struct cli_call *call, enum status st)
{
    if (st != ST_OK)
        return cli_fail(call, st, "%s: not removed: %s", call->operand, status_text(st));
    cli_output_object(call->output, json_pack("{s:s}", "removed", call->operand));
    return st;
}

static bool has_registry(const char *data_dir)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/registry.db", data_dir);

    return len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0;
}

static enum status open_registry(struct cli_call *call, const struct verb *v)
{
    const char *data_dir = call->flags[CLI_FLAG_data];

    if (!v->changes && !has_registry(data_dir))
        return cli_fail(call, ST_NOT_FOUND,
                        "%s: there is no registry here: name the data directory "
                        "with --data",
                        data_dir);
    return registry_open(data_dir, &call->registry, call->error, sizeof(call->error));
}

/* A change that the server does not confirm is made all the same: a warning, no failure. */
static void wait_for_server(struct cli_call *call, FILE *err)
{
    int64_t change;
    enum status st = registry_last_change(call->registry, &change);

    if (st == ST_OK)
        st = cli_sync(call->flags[CLI_FLAG_data], change, CLI_SYNC_TIMEOUT_MS);
    if (st != ST_OK)
        (void)fprintf(err,
                      "warning: the change is stored, but the running server has not confirmed it: "
                      "look at its log\n");
}

static enum status run_verb(struct cli_call *call, const struct verb *v, FILE *err)
{
    enum status st = ST_OK;

    if ((without_registry & 1u << v->noun) == 0)
        st = open_registry(call, v);
    if (st == ST_OK)
        st = v->run(call);
    if (st == ST_OK && v->changes)
        wait_for_server(call, err);
    registry_close(&call->registry);
    return st;
}

/* A noun without a verb, or with one that it does not have. */
static int explain_noun(size_t noun, const char *word, FILE *out, FILE *err)
{
    if (word != NULL && strcmp(word, "--help") == 0) {
        print_noun_help(out, (enum cli_noun)noun);
        return EXIT_SUCCESS;
    }
    if (word == NULL)
        (void)fprintf(err, "eztcloud: %s: the command is missing", nouns[noun].name);
    else
        (void)fprintf(err, "eztcloud: %s %s: unknown command", nouns[noun].name, word);
    (void)fprintf(err, ": `eztcloud %s --help` lists them\n", nouns[noun].name);
    return EXIT_FAILURE;
}

static bool asks_for_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

int cli_run(int argc, char *const *argv, FILE *out, FILE *err)
{
    struct cli_output output = {.file = out};
    struct cli_call call = {.output = &output};
    size_t noun = find_noun(argv[0]);
    const struct verb *v = argc > 1 ? find_verb(noun, argv[1]) : NULL;
    enum status st;

    if (v == NULL)
        return explain_noun(noun, argc > 1 ? argv[1] : NULL, out, err);
    if (asks_for_help(argc - 2, argv + 2)) {
        print_verb_help(out, v);
        return EXIT_SUCCESS;
    }
    st = read_call(&call, v, argc - 2, argv + 2);
    output.is_json = call.flags[CLI_FLAG_json] != NULL;
    if (st == ST_OK)
        st = run_verb(&call, v, err);
    if (st != ST_OK)
        (void)fprintf(err, "eztcloud: %s\n", call.error);
    return st == ST_OK && fflush(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
