/*
 * A backup is complete when its list, backup.json, is there: it is written last. What the list says
 * is what a restore goes by.
 */
#include "app/cli_backup.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/backup.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "store/private_file.h"

#define LIST_FILE "backup.json"

enum { LIST_MAX = 4 * 1024 * 1024 };

struct call {
    const char *dir, *data_dir; /* borrowed */
    bool is_json, with_keys, may_take_keys;
    char error[BACKUP_ERROR_MAX];
};

static const char backup_help[] =
    "eztcloud backup DIR: copies the data directory into DIR, which is new or empty, while the\n"
    "server runs or not.\n\n"
    "  --data DIR   data directory (EZTCLOUD_DATA, else ./data)\n"
    "  --keys       with secret.key and tls/: whoever has DIR has every secret then\n"
    "  --json       answer in JSON\n";

static const char restore_help[] =
    "eztcloud restore DIR: puts the backup in DIR into a data directory, which is new or empty.\n\n"
    "  --data DIR   data directory to make (EZTCLOUD_DATA, else ./data)\n"
    "  --json       answer in JSON\n";

/* --- arguments ------------------------------------------------------------------------------- */

static bool complain(const char *argument, const char *what)
{
    (void)fprintf(stderr, "eztcloud: %s: %s: `--help` tells more\n", argument, what);
    return false;
}

static bool read_arguments(int argc, char *const *argv, const char *word, struct call *call)
{
    call->data_dir = getenv("EZTCLOUD_DATA");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            call->is_json = true;
        else if (call->may_take_keys && strcmp(argv[i], "--keys") == 0)
            call->with_keys = true;
        else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            call->data_dir = argv[++i];
        else if (strncmp(argv[i], "--data=", 7) == 0)
            call->data_dir = argv[i] + 7;
        else if (argv[i][0] != '-' && call->dir == NULL)
            call->dir = argv[i];
        else
            return complain(argv[i], "unknown here, or its value is missing");
    }
    if (call->data_dir == NULL)
        call->data_dir = "./data";
    return call->dir != NULL || complain(word, "the directory of the backup is missing");
}

static bool asks_for_help(int argc, char *const *argv, const char *help)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(help, stdout);
            return true;
        }
    }
    return false;
}

static int end(const struct call *call, enum status st)
{
    if (st != ST_OK)
        (void)fprintf(stderr, "eztcloud: %s\n", call->error);
    return st == ST_OK && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum status fail(struct call *call, enum status st, const char *path, const char *what)
{
    (void)snprintf(call->error, sizeof(call->error), "%.300s: %s", path, what);
    return st;
}

/* --- the list -------------------------------------------------------------------------------- */

static json_t *files_of(const struct backup_set *s, uint64_t *bytes)
{
    json_t *files = json_array();

    *bytes = 0;
    for (size_t at = 0; at < s->files.len; at += sizeof(struct backup_file)) {
        struct backup_file f;

        memcpy(&f, s->files.data + at, sizeof(f));
        *bytes += f.bytes;
        (void)json_array_append_new(
            files, json_pack("{s:s,s:I}", "name", f.name, "bytes", (json_int_t)f.bytes));
    }
    return files;
}

static enum status write_list(struct call *call, json_t *list)
{
    char path[PATH_MAX];
    char *text = json_dumps(list, JSON_INDENT(1));
    int len = snprintf(path, sizeof(path), "%s/" LIST_FILE, call->dir);
    enum status st = ST_IO;

    if (text != NULL && len > 0 && (size_t)len < sizeof(path))
        st = private_file_create(path, slice_of(text));
    free(text);
    return st == ST_OK ? st : fail(call, st, call->dir, "its " LIST_FILE " cannot be written");
}

static enum status read_file(struct backup_set *s, const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    struct backup_file f = {.bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes"))};

    if (name == NULL || strlen(name) > BACKUP_NAME_MAX)
        return ST_CORRUPT;
    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    buffer_append(&s->files, &f, sizeof(f));
    return ST_OK;
}

static enum status read_list(struct call *call, struct backup_set *s)
{
    char path[PATH_MAX];
    json_t *list, *file;
    size_t i;
    enum status st = ST_OK;

    (void)snprintf(path, sizeof(path), "%s/" LIST_FILE, call->dir);
    list = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (list == NULL)
        return fail(call, ST_NOT_FOUND, call->dir,
                    "is no backup, or one that was not completed: it has no " LIST_FILE
                    " that can be read");
    if (json_integer_value(json_object_get(list, "backup")) > BACKUP_FORMAT)
        st = fail(call, ST_UNSUPPORTED, call->dir, "is of a newer program: restore it with that");
    s->has_keys = json_is_true(json_object_get(list, "keys"));
    json_array_foreach (json_object_get(list, "files"), i, file) {
        if (st == ST_OK && read_file(s, file) != ST_OK)
            st = fail(call, ST_CORRUPT, path, "is damaged");
    }
    if (st == ST_OK && s->files.len == 0)
        st = fail(call, ST_CORRUPT, path, "is damaged");
    json_decref(list);
    return st;
}

/* --- the commands ---------------------------------------------------------------------------- */

static void answer(const struct call *call, json_t *object)
{
    struct cli_output output = {.file = stdout, .is_json = call->is_json};

    cli_output_object(&output, object);
}

static enum status make(struct call *call)
{
    struct backup_set s;
    int64_t now_ms = clock_unix_ms();
    enum status st = backup_make(call->data_dir, call->dir, call->with_keys, &s, call->error);
    uint64_t bytes;
    json_t *files = files_of(&s, &bytes), *list;

    list =
        json_pack("{s:i,s:s,s:I,s:i,s:i,s:b,s:o}", "backup", BACKUP_FORMAT, "program",
                  EZTCLOUD_VERSION, "made_ms", (json_int_t)now_ms, "schema", (int)s.schema,
                  "journal_format", (int)s.journal_format, "keys", (int)s.has_keys, "files", files);
    if (st == ST_OK)
        st = write_list(call, list);
    json_decref(list);
    if (st == ST_OK)
        answer(call,
               json_pack("{s:s,s:I,s:I,s:b}", "backup", call->dir, "made_ms", (json_int_t)now_ms,
                         "bytes", (json_int_t)bytes, "keys", (int)s.has_keys));
    backup_set_deinit(&s);
    return st;
}

int cli_backup_run(int argc, char *const *argv)
{
    struct call call = {.may_take_keys = true};
    enum status st;

    if (asks_for_help(argc, argv, backup_help))
        return EXIT_SUCCESS;
    if (!read_arguments(argc, argv, "backup", &call))
        return EXIT_FAILURE;
    st = make(&call);
    if (st == ST_OK && !call.with_keys)
        (void)fprintf(stderr,
                      "note: secret.key and tls/ are not in it (--keys takes them along): keep "
                      "them apart from it; without secret.key no server starts on this backup\n");
    return end(&call, st);
}

static enum status restore(struct call *call, struct backup_set *s)
{
    enum status st = read_list(call, s);

    if (st == ST_OK)
        st = backup_restore(call->dir, call->data_dir, s, call->error);
    if (st == ST_OK)
        answer(call, json_pack("{s:s,s:s,s:b}", "restored", call->dir, "data", call->data_dir,
                               "keys", (int)s->has_keys));
    return st;
}

int cli_restore_run(int argc, char *const *argv)
{
    struct backup_set s = {0};
    struct call call = {.dir = NULL};
    enum status st;

    if (asks_for_help(argc, argv, restore_help))
        return EXIT_SUCCESS;
    if (!read_arguments(argc, argv, "restore", &call))
        return EXIT_FAILURE;
    st = restore(&call, &s);
    if (st == ST_OK && !s.has_keys)
        (void)fprintf(stderr,
                      "note: the backup has no keys: put secret.key of the server that it was made "
                      "of into %s (mode 0600) before a server starts there, and its tls/, or "
                      "clients must be given the new ca.pem\n",
                      call.data_dir);
    backup_set_deinit(&s);
    return end(&call, st);
}
