/*
 * The process tells each step that was over through a pipe. Afterwards the same seed is played here
 * up to the last one that was told, beside a journal of our own; and what the other one has left is
 * held against our model.
 */
#include "journal_killed.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/invariant.h"
#include "journal_tell.h"

enum {
    TOLD_MAX = 60,   /* steps that write, before it is killed */
    PAUSE_MAX = 3000 /* rounds, in which it may go on */
};

static int told_fd;            /* of the process: where it tells */
static uint64_t written, told; /* steps: ours, and those that the process has told */
static const struct data_place *left;
static bool is_compared;

/* --- the process ------------------------------------------------------------------------------ */

static void tell(void *arg, bool is_over)
{
    const uint8_t byte = 1;

    (void)arg;
    if (is_over && write(told_fd, &byte, 1) != 1)
        _exit(EXIT_FAILURE); /* nobody listens any more */
}

static void run_until_killed(struct journal_script *s, uint64_t seed, struct data_place *place)
{
    journal_script_open(s, seed, LIFE_CALM, place, tell);
    for (;;)
        journal_script_step(s);
}

/* --- we --------------------------------------------------------------------------------------- */

static uint64_t listen_for(int fd, uint64_t most)
{
    uint64_t count = 0;
    uint8_t byte;

    while (count < most && read(fd, &byte, 1) == 1)
        count++;
    return count;
}

static void kill_in_a_while(pid_t pid, uint32_t rounds)
{
    for (volatile uint32_t i = 0; i < rounds; i++) {}
    invariant(kill(pid, SIGKILL) == 0);
}

/* Gives how many steps it has told. */
static uint64_t run_and_kill(struct journal_script *s, uint64_t seed, struct data_place *place)
{
    struct chance c = {~seed};
    uint64_t count;
    int ends[2], how;
    pid_t pid;

    invariant(pipe(ends) == 0);
    pid = fork();
    invariant(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        told_fd = ends[1];
        run_until_killed(s, seed, place);
    }
    (void)close(ends[1]);
    count = listen_for(ends[0], chance_below(&c, TOLD_MAX));
    kill_in_a_while(pid, chance_below(&c, PAUSE_MAX));
    count += listen_for(ends[0], UINT64_MAX);
    (void)close(ends[0]);
    invariant(waitpid(pid, &how, 0) == pid);
    if (!WIFSIGNALED(how) || WTERMSIG(how) != SIGKILL)
        journal_tell_fail("the process has ended by itself");
    return count;
}

static void compare(void *arg, bool is_over)
{
    struct journal_script *s = arg;

    if (is_over) {
        written++;
    } else if (written == told && !is_compared) {
        is_compared = true;
        journal_life_compare(&s->life, left);
    }
}

uint64_t journal_killed_play(struct journal_script *s, uint64_t seed)
{
    struct data_place place, own;

    data_place_open(&place);
    data_place_open(&own);
    told = run_and_kill(s, seed, &place);
    journal_tell_trace("the process was killed after %llu steps that write",
                       (unsigned long long)told);
    written = 0;
    left = &place;
    is_compared = false;
    journal_script_open(s, seed, LIFE_CALM, &own, compare);
    while (!is_compared)
        journal_script_step(s);
    journal_script_close(s);
    data_place_close(&place);
    data_place_close(&own);
    return told;
}
