/*
 * `eztcloud status`: what the server that runs on a data directory counts, and its memory.
 *
 * Asks over the control socket; changes nothing. One thread, a process of its own.
 */
#pragma once

/** Prints it; argv: what stands behind `status`. Gives the exit code. */
int cli_status_run(int argc, char *const *argv);
