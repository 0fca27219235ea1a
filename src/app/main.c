/*
 * The program's entry: which of its commands is meant.
 *
 * Every command gives the exit code: 0, or 1 with one line on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_backup.h"
#include "app/cli_simulate.h"
#include "app/cli_status.h"
#include "app/config.h"
#include "app/server.h"
#include "base/log.h"
#include "http/console_files.h"
#include "http/http_dispatch.h"
#include "store/secret.h"

static void print_help(FILE *out)
{
    (void)fprintf(
        out, "EZtCloud Open " EZTCLOUD_VERSION "\n\n"
             "  eztcloud serve [--option value]...              runs the server\n"
             "  eztcloud simulate                               lets the demo devices report\n"
             "  eztcloud status                                 shows what the server counts\n"
             "  eztcloud backup DIR                             copies a data directory\n"
             "  eztcloud restore DIR                            puts a backup into a new one\n");
    cli_print_help(out);
    (void)fprintf(out,
                  "\n`--help` behind any of them tells more. `eztcloud --version` tells which one "
                  "this is.\n");
}

static int serve(int argc, char *const *argv)
{
    struct config c;
    char error[512];
    int code;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            config_print_help(stdout);
            return EXIT_SUCCESS;
        }
    }
    if (config_load(&c, argc, argv, error, sizeof(error)) != ST_OK) {
        (void)fprintf(stderr, "eztcloud: %s\n", error);
        return EXIT_FAILURE;
    }
    log_set_level(c.log_level);
    static_files_use(console_files, console_file_count);
    http_fallback = static_files_answer;
    code = server_run(&c);
    config_deinit(&c);
    return code;
}

static int run(int argc, char *const *argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "serve") == 0)
        return serve(argc - 2, argv + 2);
    log_set_level(LOG_WARN); /* the answer is what counts here */
    if (strcmp(word, "simulate") == 0)
        return cli_simulate_run(argc - 2, argv + 2);
    if (strcmp(word, "status") == 0)
        return cli_status_run(argc - 2, argv + 2);
    if (strcmp(word, "backup") == 0)
        return cli_backup_run(argc - 2, argv + 2);
    if (strcmp(word, "restore") == 0)
        return cli_restore_run(argc - 2, argv + 2);
    if (cli_is_noun(word))
        return cli_run(argc - 1, argv + 1, stdout, stderr);
    if (strcmp(word, "--help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("eztcloud " EZTCLOUD_VERSION "\n");
        return EXIT_SUCCESS;
    }
    (void)fprintf(stderr, "eztcloud: %s%s: `eztcloud --help` lists the commands\n", word,
                  word[0] == '\0' ? "the command is missing" : ": unknown command");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (secret_init() != ST_OK) {
        (void)fprintf(stderr, "eztcloud: the system gives no randomness\n");
        return EXIT_FAILURE;
    }
    return run(argc, argv);
}
