/* A loop of turns, and waits between them on one condition. */
#include "store/commit_thread.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/invariant.h"
#include "base/timed_wait.h"

enum {
    RETRY_MS = 1000,     /* between two attempts to store a batch, */
    RETRY_STOP_MS = 200, /* and when the server is stopping, */
    RETRIES_STOP = 10    /* which cannot wait for ever */
};

void commit_thread_lock(struct commit_thread *t)
{
    invariant(pthread_mutex_lock(&t->mutex) == 0);
}

void commit_thread_unlock(struct commit_thread *t)
{
    invariant(pthread_mutex_unlock(&t->mutex) == 0);
}

void commit_thread_wake(struct commit_thread *t)
{
    invariant(pthread_cond_signal(&t->wake) == 0);
}

/* --- removals --------------------------------------------------------------------------------- */

void commit_thread_remove_project(struct commit_thread *t, uint64_t project_id)
{
    commit_thread_lock(t);
    buffer_append(&t->removals, &project_id, sizeof(project_id));
    commit_thread_unlock(t);
    commit_thread_wake(t);
}

void commit_thread_take_removals(struct commit_thread *t)
{
    buffer_append_slice(&t->batch_removals, buffer_slice(&t->removals));
    t->removals.len = 0;
}

void commit_thread_run_removals(struct commit_thread *t)
{
    for (size_t at = 0; at < t->batch_removals.len; at += sizeof(uint64_t)) {
        uint64_t project_id;

        memcpy(&project_id, t->batch_removals.data + at, sizeof(project_id));
        t->owner->remove_project(t->arg, project_id);
    }
    buffer_deinit(&t->batch_removals);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Waits `ms`, or until there is something to do; with `for_work` false until the stop. */
static void wait_for(struct commit_thread *t, uint64_t ms, bool for_work)
{
    struct timespec until = timed_wait_end(ms);
    int result = 0;

    commit_thread_lock(t);
    while (result != ETIMEDOUT && !t->is_stopping &&
           !(for_work && (t->owner->has_work(t->arg) || t->removals.len > 0)))
        result = pthread_cond_timedwait(&t->wake, &t->mutex, &until);
    commit_thread_unlock(t);
}

static bool is_stopping(struct commit_thread *t)
{
    bool stopping;

    commit_thread_lock(t);
    stopping = t->is_stopping;
    commit_thread_unlock(t);
    return stopping;
}

static void *run(void *arg)
{
    struct commit_thread *t = arg;

    pthread_setname_np(pthread_self(), t->owner->name);
    counter_thread_attach();
    while (!is_stopping(t)) {
        uint64_t now_ms, until_ms;

        if (t->owner->turn(t->arg))
            continue;
        now_ms = clock_mono_ms();
        until_ms = t->owner->idle_until_ms(t->arg);
        if (t->owner->is_stuck(t->arg))
            wait_for(t, RETRY_MS, false);
        else
            wait_for(t, until_ms > now_ms ? until_ms - now_ms : 1, true);
    }
    return NULL;
}

/* --- begin and end ---------------------------------------------------------------------------- */

void commit_thread_start(struct commit_thread *t, const struct commit_thread_owner *owner,
                         void *arg, bool threaded)
{
    *t = (struct commit_thread){.owner = owner, .arg = arg, .is_threaded = threaded};
    invariant(pthread_mutex_init(&t->mutex, NULL) == 0);
    timed_wait_init(&t->wake);
    if (threaded)
        invariant(pthread_create(&t->thread, NULL, run, t) == 0);
}

static void store_rest(struct commit_thread *t)
{
    const struct timespec pause = {0, RETRY_STOP_MS * 1000000L};

    for (unsigned tries = 0; tries < RETRIES_STOP; tries++) {
        while (t->owner->turn(t->arg)) {}
        if (!t->owner->is_stuck(t->arg))
            return;
        if (t->is_threaded)
            (void)nanosleep(&pause, NULL);
    }
    t->owner->give_up(t->arg);
}

void commit_thread_stop(struct commit_thread *t)
{
    commit_thread_lock(t);
    t->is_stopping = true;
    commit_thread_unlock(t);
    commit_thread_wake(t);
    if (t->is_threaded)
        invariant(pthread_join(t->thread, NULL) == 0);
    store_rest(t);
    buffer_deinit(&t->removals);
    buffer_deinit(&t->batch_removals);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
}
