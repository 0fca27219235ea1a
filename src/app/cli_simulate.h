/*
 * `eztcloud simulate`: connects the devices of `<data>/demo.json` over MQTT and lets them live.
 *
 * An ordinary client: it knows nothing of the server but that file. One thread, a process of its
 * own; ends on SIGINT and SIGTERM.
 */
#pragma once

/** Runs until it is told to end; argv: what stands behind `simulate`. Gives the exit code. */
int cli_simulate_run(int argc, char *const *argv);
