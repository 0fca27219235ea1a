#include "one_device.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PROJECT = 1, DEVICE = 2, PAYLOAD_MAX = 65536, RESTARTED_MS = 777 };

static struct one_device one;
static int64_t bytes_before;

static void on_deliver(struct home *h, struct open_message *m, uint64_t seq)
{
    (void)h;
    (void)seq;
    buffer_printf(&one.story, "%s ", open_kinds[m->kind].word);
    buffer_append_slice(&one.story, message_payload(&m->message));
    buffer_append_text(&one.story, "\n");
}

static void on_delivered_up_to(struct home *h, uint64_t project_id, uint64_t seq)
{
    (void)h;
    (void)project_id;
    (void)seq;
}

static void on_device(struct home *h, struct device *d)
{
    (void)h;
    (void)d;
}

static void on_project(struct home *h, struct project *p)
{
    (void)h;
    (void)p;
}

static const struct home_sink sink = {
    .deliver = on_deliver,
    .delivered_up_to = on_delivered_up_to,
    .device_removed = on_device,
    .device_leaving = on_device,
    .device_closed = on_device,
    .project_removed = on_project,
    .project_closed = on_project,
};

static void start(void)
{
    struct secret_digest none = {0};
    struct project *p = project_new(PROJECT, true, true);
    struct worker *w;

    one.workers = worker_group_new(1, false);
    one.shared = (struct home_shared){
        .sink = &sink,
        .payload_max = PAYLOAD_MAX,
        .command_timeout_ms = 300000,
        .log_limits = {.entries = 100, .bytes = 1000000, .payload = 1000},
    };
    w = worker_group_get(one.workers, 0);
    home_init(w, &one.shared);
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++)
        p->interest.live[kind] = 1;
    home_put_project(home_of(w), p);
    project_unref(&p);
    one.device = home_add_device(home_of(w), PROJECT, DEVICE, &none, true);
}

static void stop(void)
{
    home_deinit(worker_group_get(one.workers, 0));
    worker_group_free(&one.workers);
}

int one_device_open(void **state)
{
    clock_hold(ONE_DEVICE_START_MS, ONE_DEVICE_START_UNIX_MS);
    bytes_before = mem_bytes_used_total();
    start();
    *state = &one;
    return 0;
}

int one_device_close(void **state)
{
    bool is_silent = one.story.len == 0;

    (void)state;
    if (!is_silent)
        (void)fprintf(stderr, "not expected: %.*s", (int)one.story.len, one.story.data);
    stop();
    buffer_deinit(&one.story);
    clock_release();
    return is_silent && mem_bytes_used_total() == bytes_before ? 0 : -1;
}

void one_device_restart(struct one_device *o, uint64_t pause_ms)
{
    int64_t unix_ms = clock_unix_ms() + (int64_t)pause_ms;

    (void)o;
    stop();
    clock_hold(RESTARTED_MS, unix_ms); /* another machine's uptime */
    start();
}

void one_device_advance(struct one_device *o, uint64_t ms)
{
    clock_advance(ms);
    (void)worker_turn(worker_group_get(o->workers, 0));
}

void one_device_expect(struct one_device *o, const char *want)
{
    struct buffer text = {0};

    for (const char *c = want; *c != '\0'; c++) {
        if (*c == '\'') {
            buffer_append_u8(&text, '"');
        } else if (strncmp(c, "NOW", 3) == 0) {
            buffer_printf(&text, "%" PRId64, clock_unix_ms());
            c += 2;
        } else {
            buffer_append_u8(&text, (uint8_t)*c);
        }
    }
    buffer_append_u8(&text, '\0');
    buffer_append_u8(&o->story, '\0');
    assert_string_equal((const char *)o->story.data, (const char *)text.data);
    o->story.len = 0;
    buffer_deinit(&text);
}
