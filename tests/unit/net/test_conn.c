/*
 * What ends a connection without its handler's doing: a peer that takes nothing, one that hangs up
 * while it waits, a place in the lobby that others need; and output that waits. Transports in
 * memory, the clock by hand.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "memory_transport.h"
#include "net/counters.h"
#include "net/lobby.h"

enum { WRITE_MS = 10000, CONNECT_MS = 5000, OUTPUT = 100000, NOT_ENDED = -1 };

static struct worker_group *workers;
static struct worker *home;
static struct lobby *lobby;
static struct memory_transport *pipe_end; /* shared with the connection */
static struct conn *conn;                 /* borrowed: until it has ended */
static int ended;                         /* enum conn_end */
static unsigned letters_a_read, letters_opened;
static int64_t bytes_before;

static void on_open(struct conn *c)
{
    (void)c;
}

static void on_letter(struct worker *w, const struct letter *l)
{
    (void)w;
    (void)l;
    letters_opened++;
}

static size_t on_bytes(struct conn *c, struct slice bytes)
{
    const struct letter letter = {.open = on_letter};

    for (unsigned i = 0; i < letters_a_read; i++)
        worker_post(conn_worker(c), 1, &letter);
    return conn_is_paused(c) ? 0 : bytes.len;
}

static void on_room(struct conn *c)
{
    (void)c;
}

static void on_moved(struct conn *c)
{
    (void)c;
}

static void on_closed(struct conn *c, enum conn_end end)
{
    assert_ptr_equal(c, conn);
    assert_int_equal(ended, NOT_ENDED);
    ended = (int)end;
}

static const struct conn_handler handler = {on_open, on_bytes, on_room, on_moved, on_closed, NULL};

static int open_conn(void **state)
{
    static const struct conn_origin origin = {.write_timeout_ms = WRITE_MS,
                                              .connect_timeout_ms = CONNECT_MS};
    static const struct lobby_limits limits = {.guests_max = 1, .per_source_max = 1};

    (void)state;
    net_counters_register();
    bytes_before = mem_bytes_used_total();
    clock_hold(1000000, 1);
    workers = worker_group_new(2, false);
    home = worker_group_get(workers, 0);
    lobby = lobby_new(&limits);
    pipe_end = memory_transport_new();
    ended = NOT_ENDED;
    letters_a_read = letters_opened = 0;
    conn = conn_new(home, -1, &pipe_end->base, &handler, &origin, NULL);
    return 0;
}

static int close_conn(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        conn_abort_all(worker_group_get(workers, i));
    worker_group_settle(workers);
    memory_transport_drop(&pipe_end);
    lobby_free(&lobby);
    worker_group_free(&workers);
    clock_release();
    return mem_bytes_used_total() == bytes_before ? 0 : -1;
}

static void advance(uint64_t ms)
{
    clock_advance(ms);
    worker_group_settle(workers);
}

static void send_output(void)
{
    static const uint8_t bytes[OUTPUT];

    out_buffer_append(conn_output(conn), bytes, sizeof(bytes));
    worker_group_settle(workers);
}

/* The peer reads as much. */
static void make_room(size_t len)
{
    pipe_end->room = len;
    conn_on_ready(conn, LOOP_WRITE);
    worker_group_settle(workers);
}

/* --- the write time-out ---------------------------------------------------------------------- */

static void who_takes_nothing_is_closed(void **state)
{
    int64_t count = counter_read(&CT_conns_stalled);

    (void)state;
    pipe_end->room = 1000;
    conn_set_established(conn);
    send_output();
    advance(WRITE_MS - 1);
    assert_int_equal(ended, NOT_ENDED);
    advance(1 + TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_STALLED);
    assert_true(pipe_end->server_closed);
    assert_int_equal(counter_read(&CT_conns_stalled), count + 1);
}

/* One byte at a time is progress. */
static void who_takes_little_stays(void **state)
{
    (void)state;
    pipe_end->room = 0;
    conn_set_established(conn);
    send_output();
    for (unsigned i = 0; i < 10; i++) {
        advance(WRITE_MS - 1);
        make_room(1);
    }
    assert_int_equal(ended, NOT_ENDED);
    advance(WRITE_MS + TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_STALLED);
}

static void who_has_taken_all_may_be_silent(void **state)
{
    (void)state;
    pipe_end->room = 0;
    conn_set_established(conn);
    send_output();
    advance(WRITE_MS / 2);
    make_room(SIZE_MAX);
    advance(100 * WRITE_MS);
    assert_int_equal(ended, NOT_ENDED);
    /* what waits later has its whole time again */
    pipe_end->room = 0;
    send_output();
    advance(WRITE_MS - 1);
    assert_int_equal(ended, NOT_ENDED);
    advance(1 + TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_STALLED);
}

/* The timer of what waited before is still set when something else waits. */
static void time_begins_when_output_waits(void **state)
{
    (void)state;
    pipe_end->room = 0;
    conn_set_established(conn);
    send_output();
    make_room(SIZE_MAX);
    advance(WRITE_MS - 100);
    pipe_end->room = 0;
    send_output();
    advance(WRITE_MS - 100);
    assert_int_equal(ended, NOT_ENDED);
    advance(100 + TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_STALLED);
}

static void more_output_is_no_progress(void **state)
{
    (void)state;
    pipe_end->room = 0;
    conn_set_established(conn);
    for (unsigned i = 0; i < 10; i++) {
        send_output();
        advance(WRITE_MS / 10);
    }
    advance(TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_STALLED);
}

/* --- before it is let in --------------------------------------------------------------------- */

static void it_has_its_time(void **state)
{
    (void)state;
    advance(CONNECT_MS - 1);
    assert_int_equal(ended, NOT_ENDED);
    advance(1 + TIMER_TICK_MS);
    assert_int_equal(ended, CONN_END_TIMEOUT);
}

static void one_that_is_held_has_no_time_to_lose(void **state)
{
    (void)state;
    conn_hold(conn);
    assert_true(conn_is_paused(conn));
    advance(100 * CONNECT_MS);
    assert_int_equal(ended, NOT_ENDED);
    conn_on_ready(conn, LOOP_HANGUP);
    assert_int_equal(ended, CONN_END_BY_PEER);
}

/* What was sent before the end may still be wanted of a client that is in. */
static void others_are_not_ended_by_a_hangup(void **state)
{
    (void)state;
    conn_hold(conn);
    conn_resume(conn);
    conn_pause(conn);
    conn_on_ready(conn, LOOP_HANGUP);
    assert_int_equal(ended, NOT_ENDED);
}

static void strangers_go_first_at_a_stop(void **state)
{
    (void)state;
    conn_set_established(conn);
    conn_abort_strangers(home);
    assert_int_equal(ended, NOT_ENDED);
}

/* --- the lobby ------------------------------------------------------------------------------- */

static void take_a_place(void)
{
    struct lobby_guest *guest = lobby_enter(lobby, home, 1);

    assert_non_null(guest);
    conn_set_guest(conn, &guest);
}

/* True: another connection finds a place, though there is only one. */
static bool another_finds_a_place(void)
{
    struct lobby_guest *guest = lobby_enter(lobby, home, 1);
    bool found = guest != NULL;

    worker_group_settle(workers);
    lobby_leave(&guest);
    return found;
}

static void it_may_lose_its_place(void **state)
{
    (void)state;
    take_a_place();
    assert_false(another_finds_a_place());
    advance(LOBBY_GRACE_MS);
    assert_true(another_finds_a_place());
    assert_int_equal(ended, CONN_END_EVICTED);
}

static void not_when_it_was_let_in(void **state)
{
    (void)state;
    take_a_place();
    conn_set_established(conn);
    assert_true(another_finds_a_place());
    assert_int_equal(ended, NOT_ENDED);
}

static void nor_when_it_is_held(void **state)
{
    (void)state;
    take_a_place();
    conn_hold(conn);
    assert_true(another_finds_a_place());
    assert_int_equal(ended, NOT_ENDED);
}

/* One that is refused still has its descriptor until the peer has taken the answer. */
static void one_that_ends_keeps_it_to_the_end(void **state)
{
    (void)state;
    take_a_place();
    pipe_end->room = 0;
    send_output();
    conn_end(conn);
    worker_group_settle(workers);
    assert_int_equal(ended, CONN_END_BY_US);
    assert_false(pipe_end->server_closed);
    assert_false(another_finds_a_place());
    advance(LOBBY_GRACE_MS);
    assert_true(another_finds_a_place());
    assert_true(pipe_end->server_closed);
}

/* --- fair shares ----------------------------------------------------------------------------- */

/* A byte comes; true: it was read. */
static bool a_byte_is_read(void)
{
    buffer_append_u8(&pipe_end->to_server, 'x');
    (void)memory_transport_arrive(pipe_end, 1);
    conn_on_ready(conn, LOOP_READ);
    return pipe_end->arrived == 0;
}

static void who_floods_a_worker_is_not_read_until_it_has_caught_up(void **state)
{
    enum { TOO_MANY = 64 * 300 };
    int64_t count = counter_read(&CT_conns_throttled);

    (void)state;
    conn_set_established(conn);
    letters_a_read = TOO_MANY;
    assert_true(a_byte_is_read());
    assert_int_equal(counter_read(&CT_conns_throttled), count + 1);
    assert_false(a_byte_is_read());
    (void)worker_turn(home);
    assert_false(a_byte_is_read());
    worker_group_settle(workers);
    assert_int_equal(letters_opened, TOO_MANY);
    letters_a_read = 1;
    assert_true(a_byte_is_read());
    assert_int_equal(counter_read(&CT_conns_throttled), count + 1);
}

static void it_may_end_meanwhile(void **state)
{
    (void)state;
    letters_a_read = 64 * 300;
    assert_true(a_byte_is_read());
    conn_abort(conn);
    worker_group_settle(workers);
    assert_int_equal(ended, CONN_END_BY_US);
}

/* --- output that waits ------------------------------------------------------------------------ */

static void withheld_output_leaves_when_it_is_released(void **state)
{
    uint64_t number = conn_withhold(conn);

    (void)state;
    conn_set_established(conn);
    send_output();
    assert_false(conn_make_room(conn));
    send_output();
    advance(100 * WRITE_MS); /* that it was not taken is not the peer's fault */
    assert_int_equal(ended, NOT_ENDED);
    conn_release(home, number - 1);
    worker_group_settle(workers);
    assert_int_equal(pipe_end->to_client.len, 0);
    conn_release(home, number);
    worker_group_settle(workers);
    assert_int_equal(pipe_end->to_client.len, 2 * OUTPUT);
    assert_int_equal(conn_unsent(conn), 0);
}

static void an_end_waits_for_it_too(void **state)
{
    uint64_t number = conn_withhold(conn);

    (void)state;
    send_output();
    conn_end(conn);
    worker_group_settle(workers);
    assert_int_equal(ended, CONN_END_BY_US);
    assert_false(pipe_end->server_closed);
    conn_release(home, number);
    worker_group_settle(workers);
    assert_int_equal(pipe_end->to_client.len, OUTPUT);
    assert_true(pipe_end->server_closed);
}

static void who_is_closed_withholds_nothing(void **state)
{
    uint64_t number = conn_withhold(conn);

    (void)state;
    send_output();
    conn_abort(conn);
    worker_group_settle(workers);
    assert_true(pipe_end->server_closed);
    conn_release(home, number);
    assert_int_equal(pipe_end->to_client.len, 0);
}

#define CONN_TEST(function) cmocka_unit_test_setup_teardown(function, open_conn, close_conn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(who_takes_nothing_is_closed),
        CONN_TEST(who_takes_little_stays),
        CONN_TEST(who_has_taken_all_may_be_silent),
        CONN_TEST(time_begins_when_output_waits),
        CONN_TEST(more_output_is_no_progress),
        CONN_TEST(it_has_its_time),
        CONN_TEST(one_that_is_held_has_no_time_to_lose),
        CONN_TEST(others_are_not_ended_by_a_hangup),
        CONN_TEST(strangers_go_first_at_a_stop),
        CONN_TEST(it_may_lose_its_place),
        CONN_TEST(not_when_it_was_let_in),
        CONN_TEST(nor_when_it_is_held),
        CONN_TEST(one_that_ends_keeps_it_to_the_end),
        CONN_TEST(who_floods_a_worker_is_not_read_until_it_has_caught_up),
        CONN_TEST(it_may_end_meanwhile),
        CONN_TEST(withheld_output_leaves_when_it_is_released),
        CONN_TEST(an_end_waits_for_it_too),
        CONN_TEST(who_is_closed_withholds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
