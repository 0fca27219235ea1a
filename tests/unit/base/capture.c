/*
 * stderr through a pipe. Used by one thread; a child writes less than a pipe holds.
 */
#include "capture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int saved = -1;
static int pipe_fds[2];
static char captured[65536 + 1];

void capture_begin(void)
{
    saved = dup(STDERR_FILENO);
    if (saved < 0 || pipe(pipe_fds) != 0 || dup2(pipe_fds[1], STDERR_FILENO) < 0)
        abort();
    close(pipe_fds[1]);
}

const char *capture_end(void)
{
    size_t len = 0;
    ssize_t more;

    if (dup2(saved, STDERR_FILENO) < 0) /* closes the last writer, so that reading ends */
        abort();
    close(saved);
    while ((more = read(pipe_fds[0], captured + len, sizeof(captured) - 1 - len)) > 0)
        len += (size_t)more;
    close(pipe_fds[0]);
    captured[len] = '\0';
    return captured;
}

bool capture_abort(void (*body)(void), const char **text)
{
    const struct rlimit no_core = {0, 0};
    int status = 0;
    pid_t child;

    capture_begin();
    child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        body();
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    *text = capture_end();
    return child > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
