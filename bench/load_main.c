/*
 * eztcloud-bench: makes load for an MQTT server, checks what comes back, and measures what it cost
 * the server. One run a process. Exit code 0: all came as it should; 1: the server did something
 * wrong; 2: the run could not be made.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "load_clock.h"
#include "load_options.h"
#include "load_plan.h"
#include "load_report.h"
#include "load_run.h"

/** A descriptor each connection: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static struct load_options options;
    static struct load_plan plan;
    static struct load_run_result result;

    load_options_parse(&options, argc, argv);
    load_clock_init();
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write() */

    load_plan_init(&plan, &options);
    load_run(&plan, &result);
    load_report_print(&plan, &result);
    load_plan_deinit(&plan);
    return load_faults_none(&result.faults) ? EXIT_SUCCESS : EXIT_FAILURE;
}
