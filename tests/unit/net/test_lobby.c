/*
 * The lobby: who comes in, who has to go for it, who is turned away; guests that leave or move
 * while they are evicted. Two workers turned by hand.
 */
#include "net/lobby.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/counters.h"
#include "net/worker.h"

enum { IN_ALL = 4, PER_SOURCE = 3, GUESTS = 8 };

/* A guest and how often it was evicted. */
struct owner {
    struct lobby_guest *guest; /* owned */
    unsigned evictions;
};

static struct lobby *lobby;
static struct worker_group *workers;
static struct owner owners[GUESTS];
static int64_t bytes_before;

static int open_lobby(void **state)
{
    static const struct lobby_limits limits = {.guests_max = IN_ALL, .per_source_max = PER_SOURCE};

    (void)state;
    net_counters_register();
    bytes_before = mem_bytes_used_total();
    clock_hold(1000000, 1);
    workers = worker_group_new(2, false);
    lobby = lobby_new(&limits);
    for (unsigned i = 0; i < GUESTS; i++)
        owners[i] = (struct owner){0};
    return 0;
}

static int close_lobby(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GUESTS; i++)
        lobby_leave(&owners[i].guest);
    worker_group_settle(workers);
    lobby_free(&lobby);
    worker_group_free(&workers);
    clock_release();
    return mem_bytes_used_total() == bytes_before ? 0 : -1;
}

static void on_evicted(void *owner)
{
    ((struct owner *)owner)->evictions++;
}

/* A guest of this number comes; false: it was turned away. */
static bool enter(unsigned number, unsigned worker, uint64_t source)
{
    struct worker *w = worker_group_get(workers, worker);

    worker_take_time(w);
    owners[number].guest = lobby_enter(lobby, w, source);
    return owners[number].guest != NULL &&
           lobby_seat(owners[number].guest, on_evicted, &owners[number]);
}

static void expect_evicted(const char *numbers)
{
    char found[GUESTS + 1];
    size_t count = 0;

    worker_group_settle(workers);
    for (unsigned i = 0; i < GUESTS; i++) {
        assert_true(owners[i].evictions <= 1);
        if (owners[i].evictions == 1)
            found[count++] = (char)('0' + i);
    }
    found[count] = '\0';
    assert_string_equal(found, numbers);
}

static void one_source_has_its_share(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 0, 7));
    assert_false(enter(3, 0, 7));
    assert_true(enter(4, 0, 8)); /* for others there is room */
    clock_advance(LOBBY_GRACE_MS - 1);
    assert_false(enter(3, 0, 7));
    expect_evicted("");
    clock_advance(1);
    assert_true(enter(3, 0, 7));
    expect_evicted("0");
    assert_true(enter(5, 0, 7));
    expect_evicted("01");
}

static void all_together_have_theirs(void **state)
{
    int64_t evicted = counter_read(&CT_conns_evicted);

    (void)state;
    for (unsigned i = 0; i < IN_ALL; i++)
        assert_true(enter(i, 0, i));
    assert_false(enter(4, 0, 9));
    clock_advance(LOBBY_GRACE_MS);
    assert_true(enter(4, 0, 9));
    expect_evicted("0");
    assert_true(enter(5, 0, 9));
    expect_evicted("01");
    assert_int_equal(counter_read(&CT_conns_evicted), evicted + 2);
}

static void who_leaves_makes_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 0, 7));
    lobby_leave(&owners[1].guest);
    assert_true(enter(3, 0, 7));
    assert_false(enter(4, 0, 7));
    expect_evicted("");
}

static void it_hears_of_it_at_its_own_worker(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 1, 7));
    clock_advance(LOBBY_GRACE_MS);
    assert_true(enter(3, 0, 7));
    (void)worker_turn(worker_group_get(workers, 0));
    assert_int_equal(owners[0].evictions, 0);
    (void)worker_turn(worker_group_get(workers, 1));
    expect_evicted("0");
}

/* Let in, or gone, before the letter came: nothing happens to it, or to who has its memory now. */
static void one_that_has_left_is_left_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 1, 7));
    clock_advance(LOBBY_GRACE_MS);
    assert_true(enter(3, 0, 7));
    lobby_leave(&owners[0].guest);
    expect_evicted("");
}

static void one_on_its_way_is_told_when_it_arrives(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 1, 7));
    clock_advance(LOBBY_GRACE_MS);
    lobby_move(owners[0].guest, 0);
    assert_true(enter(3, 0, 7));
    expect_evicted(""); /* nobody may touch it on its way */
    assert_false(lobby_seat(owners[0].guest, on_evicted, &owners[0]));
    expect_evicted("");
}

/* The letter goes to where it was; it has been told at its new place. */
static void one_that_moves_after_its_eviction(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 1, 7));
    clock_advance(LOBBY_GRACE_MS);
    assert_true(enter(3, 0, 7));
    lobby_move(owners[0].guest, 0);
    assert_false(lobby_seat(owners[0].guest, on_evicted, &owners[0]));
    expect_evicted("");
}

static void a_moved_one_can_be_evicted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PER_SOURCE; i++)
        assert_true(enter(i, 1, 7));
    lobby_move(owners[0].guest, 0);
    assert_true(lobby_seat(owners[0].guest, on_evicted, &owners[0]));
    clock_advance(LOBBY_GRACE_MS);
    assert_true(enter(3, 1, 7));
    (void)worker_turn(worker_group_get(workers, 1));
    (void)worker_turn(worker_group_get(workers, 0));
    expect_evicted("0");
}

#define LOBBY_TEST(function) cmocka_unit_test_setup_teardown(function, open_lobby, close_lobby)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOBBY_TEST(one_source_has_its_share),
        LOBBY_TEST(all_together_have_theirs),
        LOBBY_TEST(who_leaves_makes_room),
        LOBBY_TEST(it_hears_of_it_at_its_own_worker),
        LOBBY_TEST(one_that_has_left_is_left_alone),
        LOBBY_TEST(one_on_its_way_is_told_when_it_arrives),
        LOBBY_TEST(one_that_moves_after_its_eviction),
        LOBBY_TEST(a_moved_one_can_be_evicted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
