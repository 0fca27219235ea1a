/* The server: everything started in the order of the layers, and stopped in the opposite one. */
#pragma once

#include "app/config.h"

/** Runs until SIGINT or SIGTERM. Gives the program's exit code: 0 after a clean stop; 1 when it
 * could not start (one line on stderr said why). */
int server_run(const struct config *c);
