/*
 * Command line to options, by the table of load_options.def. Main thread, before all else. It
 * checks each option by itself; what does not fit together is found where it is used.
 */
#include "load_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_fatal.h"

enum option_form { FORM_NUMBER, FORM_TEXT, FORM_FLAG };

static const struct option {
    const char *name;
    enum option_form form;
    size_t offset; /* of the field in struct load_options */
    uint32_t smallest;
    uint32_t largest;
    const char *initial;
    const char *help;
} options_table[] = {
#define PLACE(field) offsetof(struct load_options, field)
#define NUMBER(field, name, initial, smallest, largest, help) \
    {name, FORM_NUMBER, PLACE(field), smallest, largest, #initial, help},
#define TEXT(field, name, initial, help) {name, FORM_TEXT, PLACE(field), 0, 0, initial, help},
#define FLAG(field, name, help)          {name, FORM_FLAG, PLACE(field), 0, 0, "", help},
#include "load_options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
#undef PLACE
};

static const struct option_mode {
    const char *word;
    const char *help;
} modes[LOAD_MODE_COUNT] = {
#define X(name, word, help) [LOAD_MODE_##name] = {word, help},
    LOAD_MODE_LIST(X)
#undef X
};

#define OPTION_COUNT (sizeof(options_table) / sizeof(options_table[0]))

const char *load_options_mode_word(enum load_mode mode)
{
    return modes[mode].word;
}

static _Noreturn void options_print_help(void)
{
    puts("Usage: eztcloud-bench MODE [--NAME VALUE]...\n\nModes:");
    for (size_t i = 0; i < LOAD_MODE_COUNT; i++)
        printf("  %-18s %s\n", modes[i].word, modes[i].help);
    puts("\nOptions:");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options_table[i];

        printf("  --%-16s %s%s%s%s\n", option->name, option->help,
               option->initial[0] != '\0' ? " (" : "", option->initial,
               option->initial[0] != '\0' ? ")" : "");
    }
    exit(0);
}

static uint32_t options_read_number(const struct option *option, const char *text)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number < option->smallest ||
        number > option->largest)
        load_fatal("--%s is '%s'; it is a number from %u to %u", option->name, text,
                   option->smallest, option->largest);
    return (uint32_t)number;
}

static void options_set(struct load_options *options, const struct option *option, const char *text)
{
    char *field = (char *)options + option->offset;

    switch (option->form) {
    case FORM_NUMBER:
        *(uint32_t *)(void *)field = options_read_number(option, text);
        break;
    case FORM_TEXT:
        *(const char **)(void *)field = text;
        break;
    case FORM_FLAG:
        *(bool *)(void *)field = text != NULL;
        break;
    }
}

static const struct option *options_find(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options_table[i].name) == len && memcmp(options_table[i].name, name, len) == 0)
            return &options_table[i];
    }
    load_fatal("there is no option --%.*s; --help lists them", (int)len, name);
}

static enum load_mode options_read_mode(const char *word)
{
    for (size_t i = 0; i < LOAD_MODE_COUNT; i++) {
        if (strcmp(word, modes[i].word) == 0)
            return (enum load_mode)i;
    }
    load_fatal("there is no mode '%s'; --help lists them", word);
}

static void options_parse_rest(struct load_options *options, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const char *name = argv[i];
        const char *value = strchr(name, '=');
        const struct option *option;

        if (strncmp(name, "--", 2) != 0)
            load_fatal("'%s' is no option; --help lists them", name);
        name += 2;
        option = options_find(name, value != NULL ? (size_t)(value - name) : strlen(name));
        if (value != NULL)
            value++;
        else if (option->form == FORM_FLAG)
            value = "";
        else if (i + 1 < argc)
            value = argv[++i];
        else
            load_fatal("--%s needs a value", option->name);
        options_set(options, option, value);
    }
}

void load_options_parse(struct load_options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            options_print_help();
    }
    if (argc < 2)
        load_fatal("which mode? --help lists them");

    *options = (struct load_options){.mode = options_read_mode(argv[1])};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        options_set(options, &options_table[i],
                    options_table[i].form == FORM_FLAG ? NULL : options_table[i].initial);
    options_parse_rest(options, argc, argv);
}
