/*
 * Transactions with a sticky status, a map that grows, prefixes.
 */
#include "store/lmdb_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_data.h"

enum { LEFT, RIGHT, TABLES };
enum { MAP_BYTES = 256 * 1024 };

static const char *const tables[TABLES] = {[LEFT] = "left", [RIGHT] = "right"};

static struct lmdb_env *open_env(void **state)
{
    struct lmdb_env *e = NULL;
    char error[256] = "";

    if (lmdb_env_open(temp_data_path(state, "env"), tables, TABLES, MAP_BYTES, &e, error,
                      sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return e;
}

/* What a table holds, as `key=value,` one after the other. */
struct listing {
    size_t table;
    struct buffer text;
    size_t limit;
    size_t count;
};

static bool on_item(struct slice key, struct slice value, void *arg)
{
    struct listing *l = arg;

    buffer_append_slice(&l->text, key);
    buffer_append_text(&l->text, "=");
    buffer_append_slice(&l->text, value);
    buffer_append_text(&l->text, ",");
    return ++l->count != l->limit;
}

static void list(struct lmdb_env_txn *t, void *arg)
{
    struct listing *l = arg;

    lmdb_env_each(t, l->table, on_item, l);
}

static void assert_table(struct lmdb_env *e, size_t table, const char *want)
{
    struct listing l = {.table = table};

    assert_int_equal(lmdb_env_read(e, list, &l), ST_OK);
    buffer_append_u8(&l.text, 0);
    assert_string_equal((const char *)l.text.data, want);
    buffer_deinit(&l.text);
}

static void put_some(struct lmdb_env_txn *t, void *arg)
{
    (void)arg;
    lmdb_env_put(t, LEFT, slice_of("b"), slice_of("2"));
    lmdb_env_put(t, LEFT, slice_of("a"), slice_of("1"));
    lmdb_env_put(t, LEFT, slice_of("b"), slice_of("3"));
    lmdb_env_put(t, RIGHT, slice_of("a"), slice_of(""));
}

static void tables_are_sorted_and_apart(void **state)
{
    struct lmdb_env *e = open_env(state);

    assert_int_equal(temp_data_mode(state, "env"), 0700);
    assert_int_equal(temp_data_mode(state, "env/data.mdb"), 0600);
    assert_table(e, LEFT, "");
    assert_int_equal(lmdb_env_write(e, put_some, NULL), ST_OK);
    assert_table(e, LEFT, "a=1,b=3,");
    assert_table(e, RIGHT, "a=,");
    lmdb_env_close(&e);
    lmdb_env_close(&e);

    e = open_env(state);
    assert_table(e, LEFT, "a=1,b=3,");
    lmdb_env_close(&e);
}

static void a_walk_ends_when_told(void **state)
{
    struct lmdb_env *e = open_env(state);
    struct listing l = {.table = LEFT, .limit = 1};

    assert_int_equal(lmdb_env_write(e, put_some, NULL), ST_OK);
    assert_int_equal(lmdb_env_read(e, list, &l), ST_OK);
    assert_true(slice_is(buffer_slice(&l.text), "a=1,"));
    buffer_deinit(&l.text);
    lmdb_env_close(&e);
}

static void remove_named(struct lmdb_env_txn *t, void *arg)
{
    (void)lmdb_env_remove_prefix(t, LEFT, slice_of(arg), SIZE_MAX);
}

static void put_named(struct lmdb_env_txn *t, void *arg)
{
    static const char *const names[] = {"a", "aa", "ab", "abc", "b", "ba"};

    (void)arg;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        lmdb_env_put(t, LEFT, slice_of(names[i]), slice_of("x"));
}

static void a_prefix_is_removed(void **state)
{
    static const struct prefix_case {
        const char *prefix, *left;
    } cases[] = {
        {"ab", "a=x,aa=x,b=x,ba=x,"},
        {"a", "b=x,ba=x,"},
        {"ba", "a=x,aa=x,ab=x,abc=x,b=x,"},
        {"c", "a=x,aa=x,ab=x,abc=x,b=x,ba=x,"},
    };
    struct lmdb_env *e = open_env(state);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char prefix[8];

        (void)snprintf(prefix, sizeof(prefix), "%s", cases[i].prefix);
        assert_int_equal(lmdb_env_write(e, put_named, NULL), ST_OK);
        assert_int_equal(lmdb_env_write(e, remove_named, prefix), ST_OK);
        assert_table(e, LEFT, cases[i].left);
    }
    lmdb_env_close(&e);
}

enum { MANY = 5000, VALUE_LEN = 1000 };

static void put_many(struct lmdb_env_txn *t, void *arg)
{
    static uint8_t value[VALUE_LEN];
    unsigned *runs = arg;

    (*runs)++;
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%u/%05u", i % 2, i);
        lmdb_env_put(t, LEFT, slice_of(key), slice_make(value, sizeof(value)));
    }
}

static bool count_item(struct slice key, struct slice value, void *arg)
{
    (void)key;
    assert_int_equal(value.len, VALUE_LEN);
    (*(unsigned *)arg)++;
    return true;
}

static void count(struct lmdb_env_txn *t, void *arg)
{
    lmdb_env_each(t, LEFT, count_item, arg);
}

static void the_map_grows_while_it_must(void **state)
{
    struct lmdb_env *e = open_env(state);
    unsigned runs = 0;
    unsigned found = 0;
    char prefix[] = "1/";

    assert_int_equal(lmdb_env_map_bytes(e), MAP_BYTES);
    assert_int_equal(lmdb_env_write(e, put_many, &runs), ST_OK);
    assert_true(runs > 2);
    assert_true(lmdb_env_map_bytes(e) >= (size_t)MANY * VALUE_LEN);
    assert_int_equal(lmdb_env_read(e, count, &found), ST_OK);
    assert_int_equal(found, MANY);
    assert_int_equal(lmdb_env_write(e, remove_named, prefix), ST_OK);
    found = 0;
    assert_int_equal(lmdb_env_read(e, count, &found), ST_OK);
    assert_int_equal(found, MANY / 2);
    lmdb_env_close(&e);

    e = open_env(state); /* larger by now than the map that it is opened with */
    found = 0;
    assert_int_equal(lmdb_env_read(e, count, &found), ST_OK);
    assert_int_equal(found, MANY / 2);
    lmdb_env_close(&e);
}

struct reading {
    struct lmdb_env *env;
    _Atomic int done;
    unsigned failures;
    unsigned reads;
};

/* Each snapshot has all of a transaction or nothing of it. */
static void *read_on(void *arg)
{
    struct reading *r = arg;

    do {
        unsigned found = 0;

        if (lmdb_env_read(r->env, count, &found) != ST_OK || (found != 0 && found != MANY))
            r->failures++;
        r->reads++;
    } while (r->done == 0);
    return NULL;
}

static void the_map_grows_under_readers(void **state)
{
    struct lmdb_env *e = open_env(state);
    struct reading readings[2] = {{.env = e}, {.env = e}};
    pthread_t threads[2];
    unsigned runs = 0;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
    assert_int_equal(lmdb_env_write(e, put_many, &runs), ST_OK);
    for (size_t i = 0; i < 2; i++) {
        readings[i].done = 1;
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readings[i].failures, 0);
        assert_true(readings[i].reads > 0);
    }
    lmdb_env_close(&e);
}

/* --- walks from a place ---------------------------------------------------------------------- */

struct stretch {
    struct listing listing;
    const char *key;
    bool is_back;
};

static void list_stretch(struct lmdb_env_txn *t, void *arg)
{
    struct stretch *s = arg;

    if (s->is_back)
        lmdb_env_each_below(t, LEFT, slice_of(s->key), on_item, &s->listing);
    else
        lmdb_env_each_from(t, LEFT, slice_of(s->key), on_item, &s->listing);
}

static void a_walk_begins_anywhere_and_goes_both_ways(void **state)
{
    static const struct stretch_case {
        const char *key;
        bool is_back;
        size_t limit;
        const char *want;
    } cases[] = {
        {"ab", false, 0, "ab=x,abc=x,b=x,ba=x,"},
        {"abb", false, 2, "abc=x,b=x,"},
        {"c", false, 0, ""},
        {"ab", true, 0, "aa=x,a=x,"},
        {"abb", true, 2, "ab=x,aa=x,"},
        {"c", true, 1, "ba=x,"},
        {"a", true, 0, ""},
    };
    struct lmdb_env *e = open_env(state);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stretch s = {
            .listing = {.limit = cases[i].limit}, .key = cases[i].key, .is_back = cases[i].is_back};

        assert_int_equal(lmdb_env_read(e, list_stretch, &s), ST_OK);
        assert_int_equal(s.listing.text.len, 0); /* an empty table */
        assert_int_equal(lmdb_env_write(e, put_named, NULL), ST_OK);
        assert_int_equal(lmdb_env_read(e, list_stretch, &s), ST_OK);
        buffer_append_u8(&s.listing.text, 0);
        assert_string_equal((const char *)s.listing.text.data, cases[i].want);
        buffer_deinit(&s.listing.text);
        assert_int_equal(lmdb_env_write(e, remove_named, (char[]){"a"}), ST_OK);
        assert_int_equal(lmdb_env_write(e, remove_named, (char[]){"b"}), ST_OK);
    }
    lmdb_env_close(&e);
}

static void find_and_remove(struct lmdb_env_txn *t, void *arg)
{
    struct slice value;

    (void)arg;
    assert_true(lmdb_env_get(t, LEFT, slice_of("b"), &value) && slice_is(value, "3"));
    assert_true(lmdb_env_get(t, RIGHT, slice_of("a"), &value) && value.len == 0);
    assert_false(lmdb_env_get(t, LEFT, slice_of("c"), &value));
    lmdb_env_remove(t, LEFT, slice_of("a"));
    lmdb_env_remove(t, LEFT, slice_of("a")); /* gone already */
}

static void single_keys_are_found_and_removed(void **state)
{
    struct lmdb_env *e = open_env(state);

    assert_int_equal(lmdb_env_write(e, put_some, NULL), ST_OK);
    assert_int_equal(lmdb_env_write(e, find_and_remove, NULL), ST_OK);
    assert_table(e, LEFT, "b=3,");
    lmdb_env_close(&e);
}

/* --- another process ------------------------------------------------------------------------- */

static void write_elsewhere(void **state, int start)
{
    struct lmdb_env *e;
    unsigned runs = 0;
    char go;

    if (read(start, &go, 1) != 1)
        _exit(1);
    e = open_env(state);
    _exit(lmdb_env_write(e, put_many, &runs) == ST_OK && runs > 2 ? 0 : 1);
}

static void the_map_grows_in_another_process(void **state)
{
    struct lmdb_env *e;
    unsigned found = 0, runs = 0;
    int start[2], result;
    pid_t child;

    assert_int_equal(pipe(start), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_elsewhere(state, start[0]);
    e = open_env(state);
    assert_int_equal(write(start[1], "", 1), 1);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(lmdb_env_map_bytes(e), MAP_BYTES);
    assert_int_equal(lmdb_env_read(e, count, &found), ST_OK);
    assert_int_equal(found, MANY);
    assert_int_equal(lmdb_env_write(e, put_many, &runs), ST_OK);
    (void)close(start[0]);
    (void)close(start[1]);
    lmdb_env_close(&e);
}

/* In a process of its own: reads, and is killed meanwhile. */
static void read_and_die(struct lmdb_env_txn *t, void *arg)
{
    (void)t;
    (void)arg;
    (void)raise(SIGKILL);
}

static void churn(struct lmdb_env_txn *t, void *arg)
{
    uint8_t value[4096];

    memset(value, *(const int *)arg, sizeof(value));
    for (unsigned i = 0; i < 8; i++) {
        char key[8];

        (void)snprintf(key, sizeof(key), "%u", i);
        lmdb_env_put(t, LEFT, slice_of(key), slice_make(value, sizeof(value)));
    }
}

/* What it was reading when it was killed would be kept for ever. */
static void regress_a_reader_that_was_killed_costs_no_room(void **state)
{
    struct lmdb_env *e;
    int start[2], result;
    char byte;
    pid_t child;

    assert_int_equal(pipe(start), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (read(start[0], &byte, 1) != 1)
            _exit(1);
        e = open_env(state);
        result = lmdb_env_read(e, read_and_die, NULL) == ST_OK;
        _exit(result);
    }
    e = open_env(state);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lmdb_env_write(e, churn, &i), ST_OK);
    assert_int_equal(write(start[1], "", 1), 1);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
    for (int i = 0; i < 200; i++)
        assert_int_equal(lmdb_env_write(e, churn, &i), ST_OK);
    assert_int_equal(lmdb_env_map_bytes(e), MAP_BYTES);
    (void)close(start[0]);
    (void)close(start[1]);
    lmdb_env_close(&e);
}

static void a_damaged_file_is_told(void **state)
{
    struct lmdb_env *e = open_env(state);
    char error[256] = "";
    char letter[8192];

    lmdb_env_close(&e);
    memset(letter, 'x', sizeof(letter));
    temp_data_write(state, "env/data.mdb", letter, sizeof(letter), 0600);
    assert_int_equal(lmdb_env_open(temp_data_path(state, "env"), tables, TABLES, MAP_BYTES, &e,
                                   error, sizeof(error)),
                     ST_CORRUPT);
    assert_non_null(strstr(error, "restore it"));
    assert_null(e);
    assert_int_equal(lmdb_env_open(temp_data_path(state, "no/env"), tables, TABLES, MAP_BYTES, &e,
                                   error, sizeof(error)),
                     ST_IO);
    assert_non_null(strstr(error, "no/env: cannot be made"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(tables_are_sorted_and_apart),
        TEMP_DATA_TEST(a_walk_ends_when_told),
        TEMP_DATA_TEST(a_prefix_is_removed),
        TEMP_DATA_TEST(the_map_grows_while_it_must),
        TEMP_DATA_TEST(a_walk_begins_anywhere_and_goes_both_ways),
        TEMP_DATA_TEST(single_keys_are_found_and_removed),
        TEMP_DATA_TEST(the_map_grows_in_another_process),
        TEMP_DATA_TEST(the_map_grows_under_readers),
        TEMP_DATA_TEST(regress_a_reader_that_was_killed_costs_no_room),
        TEMP_DATA_TEST(a_damaged_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
