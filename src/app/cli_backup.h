/* `eztcloud backup DIR` and `eztcloud restore DIR`. One thread, a process of its own. */
#pragma once

/** Run with the arguments behind the word; give the exit code. */
int cli_backup_run(int argc, char *const *argv);
int cli_restore_run(int argc, char *const *argv);
