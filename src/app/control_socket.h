/*
 * The control socket `<data>/control.sock` by its directory, from both sides: where a server
 * listens and how the command line asks it.
 *
 * The name of a Unix socket is short (108 bytes); in a directory whose path is longer it is reached
 * through a descriptor of that directory. A request is one line, the answer is all that comes until
 * the server closes. One thread; asking blocks.
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

/**
 * Listens (mode 0600). A name that a killed server left is taken over: that none runs is the
 * caller's to know.
 *
 * @param fd     set to the listening socket, non-blocking; the caller's to close
 * @param error  a line for a person, on failure
 * Errors: ST_IO
 */
enum status control_socket_listen(const char *data_dir, int *fd, char *error,
                                  size_t error_len) MUST_CHECK;

/** Removes the name when the server ends. */
void control_socket_remove(const char *data_dir);

/**
 * Asks a running server, for at most `timeout_ms`.
 *
 * @param request  one line with its end
 * @param answer   what came is appended; at most `answer_max` bytes
 * Errors: ST_NOT_FOUND: no server runs on the directory; ST_AGAIN: it has not answered in time;
 *         ST_TOO_LARGE: it says more; ST_IO: it cannot be asked
 */
enum status control_socket_ask(const char *data_dir, const char *request, unsigned timeout_ms,
                               size_t answer_max, struct buffer *answer) MUST_CHECK;
