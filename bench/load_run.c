/*
 * The main thread of a run: starts the shards, moves them from phase to phase, and takes marks.
 * It looks at the shards' counters every few milliseconds instead of being told, so that it costs
 * them nothing. Measured is
 *
 *   deliver   from the end of the warm-up to the last delivery or acknowledgement
 *   away      from the first publish to the last acknowledgement, and from the return of the first
 *             subscriber until they have caught up
 *   idle      from before the first connection to the end of the hold
 *   connects  from the first connection to the last
 */
#include "load_run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load_buffer.h"
#include "load_clock.h"
#include "load_fatal.h"
#include "load_shard.h"

static const int64_t look_every_ns = 2 * LOAD_CLOCK_NS_PER_MS;
/* What a server sends too often comes soon after the last message that was awaited. */
static const int64_t settle_ns = 200 * LOAD_CLOCK_NS_PER_MS;
/* Time for a server to give back what belonged to connections. */
static const int64_t leave_ns = 1000 * LOAD_CLOCK_NS_PER_MS;

struct run {
    const struct load_plan *plan; /* borrowed */
    struct load_shard *shards;    /* owned */
    uint32_t shard_count;
    int64_t deadline_ns; /* steady time */
    int64_t until_ns;    /* of the phase that waits for nothing but time */
};

/** Whether a phase is over. */
typedef bool (*run_over_fn)(const struct run *run, const struct load_run_mark *now);

static void run_sleep(int64_t ns)
{
    const struct timespec time = {.tv_sec = ns / LOAD_CLOCK_NS_PER_S,
                                  .tv_nsec = ns % LOAD_CLOCK_NS_PER_S};

    nanosleep(&time, NULL);
}

static void run_count(const struct run *run, struct load_run_mark *mark)
{
    *mark = (struct load_run_mark){.at_ns = load_clock_now_ns()};
    for (uint32_t i = 0; i < run->shard_count; i++)
        mark->drained_shards +=
            atomic_load_explicit(&run->shards[i].progress.drained, memory_order_acquire);
    for (uint32_t i = 0; i < run->shard_count; i++) {
        const struct load_shard_progress *progress = &run->shards[i].progress;

        mark->attached += atomic_load_explicit(&progress->attached, memory_order_relaxed);
        mark->left += atomic_load_explicit(&progress->left, memory_order_relaxed);
        mark->published += atomic_load_explicit(&progress->published, memory_order_relaxed);
        mark->acknowledged += atomic_load_explicit(&progress->acknowledged, memory_order_relaxed);
        mark->delivered += atomic_load_explicit(&progress->delivered, memory_order_relaxed);
    }
}

static void run_mark(const struct run *run, struct load_run_mark *mark)
{
    const pid_t pid = (pid_t)run->plan->options.server_pid;

    run_count(run, mark);
    if (!load_process_read_cpu(&mark->server, pid) ||
        !load_process_read_memory(&mark->server, pid) ||
        !load_process_read_written(&mark->server, pid))
        load_fatal("there is no server with process id %d", (int)pid);
    mark->own_cpu_ns = load_process_own_cpu_ns();
}

static bool run_broken(const struct run *run)
{
    for (uint32_t i = 0; i < run->shard_count; i++) {
        if (atomic_load_explicit(&run->shards[i].progress.broken, memory_order_relaxed))
            return true;
    }
    return false;
}

/**
 * Waits until `over` says so.
 *
 * @return false when the run has to end instead: a fault, the time limit, or no more progress
 */
static bool run_wait(const struct run *run, run_over_fn over)
{
    const int64_t quiet_ns = run->plan->options.quiet * LOAD_CLOCK_NS_PER_MS;
    struct load_run_mark now;
    uint64_t seen = 0;
    int64_t moved_ns = load_clock_now_ns();

    for (;;) {
        uint64_t progress;

        run_count(run, &now);
        if (over(run, &now))
            return true;
        progress = now.attached + now.published + now.acknowledged + now.delivered;
        if (progress != seen)
            moved_ns = now.at_ns;
        seen = progress;
        if (run_broken(run) || now.at_ns > run->deadline_ns || now.at_ns - moved_ns > quiet_ns)
            return false;
        run_sleep(look_every_ns);
    }
}

static bool run_attached(const struct run *run, const struct load_run_mark *now)
{
    return now->attached == run->plan->options.devices + run->plan->options.subscribers;
}

/** Whether all that was published has been acknowledged and delivered. */
static bool run_arrived(const struct run *run, const struct load_run_mark *now)
{
    const struct load_options *options = &run->plan->options;

    return (options->qos == 0 || now->acknowledged == now->published) &&
           now->delivered >= now->published * run->plan->receiving;
}

static bool run_delivered(const struct run *run, const struct load_run_mark *now)
{
    const struct load_plan *plan = run->plan;

    return now->published == (uint64_t)plan->messages_each * plan->options.devices &&
           run_arrived(run, now);
}

/** Time is up, or there is nothing left to do in it. */
static bool run_time_is_up(const struct run *run, const struct load_run_mark *now)
{
    return now->at_ns >= run->until_ns || run_delivered(run, now);
}

static bool run_drained(const struct run *run, const struct load_run_mark *now)
{
    return now->drained_shards == run->shard_count && run_arrived(run, now);
}

static void run_command(const struct run *run, enum load_shard_command command)
{
    for (uint32_t i = 0; i < run->shard_count; i++)
        load_shard_command(&run->shards[i], command);
}

/** Lets `ms` milliseconds pass; false when the run has to end instead. */
static bool run_pass(struct run *run, uint32_t ms)
{
    run->until_ns = load_clock_now_ns() + ms * LOAD_CLOCK_NS_PER_MS;
    return run_wait(run, run_time_is_up);
}

/** Publishes and receives. False when the run had to end before all was delivered. */
static bool run_deliver(struct run *run, struct load_run_result *result)
{
    const struct load_options *options = &run->plan->options;

    run_mark(run, &result->begin);
    run_command(run, LOAD_SHARD_GO);
    if (options->warmup > 0) {
        if (!run_pass(run, options->warmup))
            return false;
        run_mark(run, &result->begin);
    }
    if (options->duration > 0) {
        if (!run_pass(run, options->duration))
            return false;
        run_command(run, LOAD_SHARD_DRAIN);
        return run_wait(run, run_drained);
    }
    return run_wait(run, run_delivered);
}

/** Whether all subscribers have gone. */
static bool run_left(const struct run *run, const struct load_run_mark *now)
{
    return now->left == run->plan->options.subscribers;
}

/** Whether all that is owed to those who are away has been acknowledged. */
static bool run_stored(const struct run *run, const struct load_run_mark *now)
{
    const struct load_plan *plan = run->plan;

    return now->acknowledged == (uint64_t)plan->messages_each * plan->options.devices;
}

/** Whether no more is on its way to a subscriber than one device may have unacknowledged. */
static bool run_caught_up(const struct run *run, const struct load_run_mark *now)
{
    const struct load_plan *plan = run->plan;
    const uint64_t on_their_way = (uint64_t)plan->receiving * plan->options.window;

    return now->delivered + on_their_way >= now->published * plan->receiving;
}

/** Subscribers leave, come back, and get what was published. False when it had to end before. */
static bool run_away(struct run *run, struct load_run_result *result)
{
    run_command(run, LOAD_SHARD_LEAVE);
    if (!run_wait(run, run_left))
        return false;
    run_sleep(leave_ns);
    run_mark(run, &result->begin);
    run_command(run, LOAD_SHARD_GO);
    if (!run_wait(run, run_stored))
        return false;
    run_mark(run, &result->stored);
    run_command(run, LOAD_SHARD_RETURN);
    if (!run_wait(run, run_caught_up))
        return false;
    run_mark(run, &result->caught_up);
    run_command(run, LOAD_SHARD_DRAIN);
    return run_wait(run, run_drained);
}

/** Merges what the shards have, whose threads have ended. */
static void run_merge(const struct run *run, struct load_run_result *result)
{
    const struct load_plan *plan = run->plan;
    uint32_t *sent = load_buffer_new_objects(plan->options.devices, sizeof(*sent));
    int64_t last_ns = result->begin.at_ns;

    for (uint32_t i = 0; i < run->shard_count; i++) {
        const struct load_shard *shard = &run->shards[i];

        load_histogram_merge(&result->latency, &shard->latency);
        load_histogram_merge(&result->acknowledgement, &shard->acknowledgement);
        load_faults_merge(&result->faults, &shard->faults);
        if (shard->last_progress_ns > last_ns)
            last_ns = shard->last_progress_ns;
        if (shard->tls[0] != '\0')
            memcpy(result->tls, shard->tls, sizeof(result->tls));
        for (uint32_t j = 0; j < shard->device_count; j++) {
            sent[shard->first_device + j] = shard->devices[j].sent;
            load_faults_count(&result->faults, LOAD_FAULT_UNACKED,
                              load_device_unacknowledged(&shard->devices[j]));
        }
    }
    for (uint32_t i = 0; i < run->shard_count; i++) {
        for (uint32_t j = 0; j < run->shards[i].receiving; j++)
            load_faults_count(&result->faults, LOAD_FAULT_LOST,
                              load_subscriber_missing(&run->shards[i].subscribers[j], sent));
    }
    /* The mark was taken up to one look later; the time is the moment itself. */
    if (plan->options.mode != LOAD_MODE_IDLE && last_ns > result->begin.at_ns)
        result->end.at_ns = last_ns;
    free(sent);
}

static void run_init(struct run *run, const struct load_plan *plan)
{
    *run = (struct run){
        .plan = plan,
        .shard_count = plan->options.threads,
        .shards = load_buffer_new_objects(plan->options.threads, sizeof(*run->shards)),
        .deadline_ns = load_clock_now_ns() + plan->options.time_limit * LOAD_CLOCK_NS_PER_S,
    };
    for (uint32_t i = 0; i < run->shard_count; i++)
        load_shard_init(&run->shards[i], plan, run->shards, i, run->shard_count);
}

static void run_deinit(struct run *run)
{
    for (uint32_t i = 0; i < run->shard_count; i++)
        load_shard_deinit(&run->shards[i]);
    free(run->shards);
}

void load_run(const struct load_plan *plan, struct load_run_result *result)
{
    struct run run;
    bool finished;

    *result = (struct load_run_result){0};
    run_init(&run, plan);
    run_mark(&run, &result->begin);
    for (uint32_t i = 0; i < run.shard_count; i++)
        load_shard_start(&run.shards[i]);
    finished = run_wait(&run, run_attached);
    if (finished && plan->options.mode == LOAD_MODE_DELIVER)
        finished = run_deliver(&run, result);
    if (finished && plan->options.mode == LOAD_MODE_AWAY)
        finished = run_away(&run, result);
    if (finished && plan->options.mode == LOAD_MODE_IDLE)
        run_sleep(plan->options.hold * LOAD_CLOCK_NS_PER_MS);
    run_mark(&run, &result->end);
    run_sleep(settle_ns);
    run_command(&run, LOAD_SHARD_STOP);
    for (uint32_t i = 0; i < run.shard_count; i++)
        load_shard_join(&run.shards[i]);

    run_count(&run, &result->last);
    run_merge(&run, result);
    if (!finished && load_faults_none(&result->faults))
        load_faults_count(&result->faults, LOAD_FAULT_UNFINISHED, 1);
    run_deinit(&run);
}
