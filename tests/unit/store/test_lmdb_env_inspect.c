/*
 * Looking at a file of LMDB from outside: a sound one, one that is being written, and damaged ones,
 * which are told and never followed.
 */
#include "store/lmdb_env_inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "temp_data.h"

enum { SMALL, BIG, TABLES };
enum { MAP_BYTES = 4 * 1024 * 1024, ITEMS = 2000, BIG_LEN = 9000, PAGE = 4096, SPOILS = 600 };

static const char *const tables[TABLES] = {[SMALL] = "small", [BIG] = "big"};
static const char *const more_tables[TABLES + 1] = {"small", "big", "later"};

static void fill(struct lmdb_env_txn *t, void *arg)
{
    static uint8_t value[BIG_LEN];
    unsigned from = *(const unsigned *)arg;

    for (unsigned i = from; i < from + ITEMS; i++) {
        char key[24];

        (void)snprintf(key, sizeof(key), "key %08u", i);
        memset(value, (int)i, sizeof(value));
        lmdb_env_put(t, SMALL, slice_of(key), slice_make(value, i % 100));
        if (i % 20 == 0)
            lmdb_env_put(t, BIG, slice_of(key), slice_make(value, sizeof(value)));
        if (i % 3 == 0)
            lmdb_env_remove(t, SMALL, slice_of(key));
    }
}

static struct lmdb_env *open_env(void **state)
{
    struct lmdb_env *e = NULL;
    char error[256] = "";

    if (lmdb_env_open(temp_data_path(state, "env"), tables, TABLES, MAP_BYTES, &e, error,
                      sizeof(error)) != ST_OK)
        fail_msg("%s", error);
    return e;
}

static void add(struct lmdb_env *e, unsigned from)
{
    assert_int_equal(lmdb_env_write(e, fill, &from), ST_OK);
}

/* What an inspection has seen. */
struct seen {
    unsigned faults, items;
    size_t bytes;
};

static void on_fault(const char *text, void *arg)
{
    struct seen *s = arg;

    assert_true(strlen(text) > 0);
    s->faults++;
}

static bool on_item(struct slice key, struct slice value, void *arg)
{
    struct seen *s = arg;

    s->items++;
    for (size_t i = 0; i < key.len; i++)
        s->bytes += key.data[i];
    for (size_t i = 0; i < value.len; i++) /* all of it can be read */
        s->bytes += value.data[i];
    return true;
}

static void look(struct lmdb_env_txn *t, void *arg)
{
    struct slice value;

    lmdb_env_each(t, SMALL, on_item, arg);
    lmdb_env_each(t, BIG, on_item, arg);
    lmdb_env_each(t, TABLES, on_item, arg); /* is not there */
    assert_false(lmdb_env_get(t, TABLES, slice_of("x"), &value));
}

static enum status inspect(void **state, struct seen *s)
{
    *s = (struct seen){0};
    return lmdb_env_inspect(temp_data_path(state, "env"), more_tables, TABLES + 1, look, on_fault,
                            s);
}

enum { WANTED = ITEMS - ITEMS / 3 - 1 + ITEMS / 20 };

static void a_sound_one(void **state)
{
    struct lmdb_env *e = open_env(state);
    struct seen s;

    add(e, 0);
    assert_int_equal(inspect(state, &s), ST_OK); /* while it is open elsewhere */
    assert_int_equal(s.items, WANTED);
    lmdb_env_close(&e);
    assert_int_equal(inspect(state, &s), ST_OK);
    assert_int_equal(s.items, WANTED);
    assert_int_equal(s.faults, 0);
}

static void put_twice(struct lmdb_env_txn *t, void *arg)
{
    static const uint8_t value[BIG_LEN];

    (void)arg;
    lmdb_env_put(t, BIG, slice_of("shorter"), slice_make(value, sizeof(value)));
    lmdb_env_put(t, BIG, slice_of("shorter"), slice_make(value, PAGE));
    lmdb_env_put(t, BIG, slice_of("short"), slice_make(value, sizeof(value)));
    lmdb_env_put(t, BIG, slice_of("short"), slice_make(value, 1));
}

/* LMDB keeps all pages of the first value then. */
static void regress_a_value_that_shrinks_in_its_transaction_is_sound(void **state)
{
    struct lmdb_env *e = open_env(state);
    char error[256] = "", to[512];
    struct seen s;

    assert_int_equal(lmdb_env_write(e, put_twice, NULL), ST_OK);
    add(e, 0);
    lmdb_env_close(&e);
    assert_int_equal(inspect(state, &s), ST_OK);
    assert_int_equal(s.items, WANTED + 2);
    assert_int_equal(s.faults, 0);
    (void)snprintf(to, sizeof(to), "%s", temp_data_path(state, "copy"));
    assert_int_equal(lmdb_env_copy(temp_data_path(state, "env"), to, error, sizeof(error)), ST_OK);
}

static void none(void **state)
{
    struct seen s = {0};

    assert_false(lmdb_env_exists(temp_data_path(state, "nowhere")));
    assert_int_equal(
        lmdb_env_inspect(temp_data_path(state, "nowhere"), tables, TABLES, look, on_fault, &s),
        ST_NOT_FOUND);
}

static void a_copy_is_sound_and_the_same(void **state)
{
    struct lmdb_env *e = open_env(state);
    char error[256] = "", to[512];
    struct seen s, copied = {0};

    (void)snprintf(to, sizeof(to), "%s", temp_data_path(state, "copy"));
    for (unsigned i = 0; i < 5; i++)
        add(e, i * ITEMS / 2);
    assert_int_equal(lmdb_env_copy(temp_data_path(state, "env"), to, error, sizeof(error)), ST_OK);
    assert_int_equal(inspect(state, &s), ST_OK);
    add(e, 100 * ITEMS); /* is not in the copy */
    assert_int_equal(lmdb_env_inspect(to, more_tables, TABLES + 1, look, on_fault, &copied), ST_OK);
    assert_int_equal(copied.items, s.items);
    assert_int_equal(copied.bytes, s.bytes);
    assert_int_equal(lmdb_env_copy(temp_data_path(state, "env"), to, error, sizeof(error)),
                     ST_EXISTS);
    lmdb_env_close(&e);
}

/* --- damage ---------------------------------------------------------------------------------- */

static size_t read_file(const char *path, uint8_t **out)
{
    FILE *f = fopen(path, "rb");
    size_t len;

    assert_non_null(f);
    (void)fseek(f, 0, SEEK_END);
    len = (size_t)ftell(f);
    rewind(f);
    *out = malloc(len);
    assert_int_equal(fread(*out, 1, len, f), len);
    (void)fclose(f);
    return len;
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    (void)fclose(f);
}

struct damaged {
    char path[512];
    uint8_t *whole, *bytes; /* as it was; as it is now */
    size_t len;
};

static void begin_damage(void **state, struct damaged *d)
{
    struct lmdb_env *e = open_env(state);

    add(e, 0);
    add(e, ITEMS / 2);
    lmdb_env_close(&e);
    (void)snprintf(d->path, sizeof(d->path), "%s", temp_data_path(state, "env/data.mdb"));
    d->len = read_file(d->path, &d->whole);
    d->bytes = malloc(d->len);
    memcpy(d->bytes, d->whole, d->len);
}

static void end_damage(struct damaged *d)
{
    free(d->whole);
    free(d->bytes);
}

static void cut_off(void **state)
{
    struct damaged d;
    struct seen s;

    begin_damage(state, &d);
    for (size_t len = 0; len < d.len - 8 * PAGE; len += d.len / 97) {
        write_file(d.path, d.bytes, len);
        assert_int_equal(inspect(state, &s), ST_CORRUPT);
        assert_true(s.faults > 0);
        assert_int_equal(s.items, 0); /* nothing of it was followed */
    }
    end_damage(&d);
}

static void pages_of_zeros(void **state)
{
    struct damaged d;
    struct seen s;
    unsigned told = 0, pages = 0;

    begin_damage(state, &d);
    for (size_t page = 0; page < d.len / PAGE; page += 3) {
        memset(d.bytes + page * PAGE, 0, PAGE);
        write_file(d.path, d.bytes, d.len);
        pages++;
        told += inspect(state, &s) == ST_CORRUPT && s.faults > 0;
        memcpy(d.bytes + page * PAGE, d.whole + page * PAGE, PAGE);
    }
    assert_true(told > pages / 4); /* the others are free, or the inside of large values */
    end_damage(&d);
}

static void bytes_changed_anywhere(void **state)
{
    struct damaged d;
    struct seen s;
    unsigned told = 0;

    begin_damage(state, &d);
    srand(4711);
    for (unsigned i = 0; i < SPOILS; i++) {
        size_t page = (size_t)rand() % (d.len / PAGE);
        size_t at = page * PAGE + (size_t)(i % 2 == 0 ? rand() % 64 : rand() % PAGE);

        d.bytes[at] = (uint8_t)rand();
        write_file(d.path, d.bytes, d.len);
        told += inspect(state, &s) != ST_OK; /* sound or told, and never a crash */
        assert_true(s.items == 0 || s.faults == 0);
        if (i % 3 == 0)
            memcpy(d.bytes, d.whole, d.len);
    }
    assert_true(told > 0);
    end_damage(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(a_sound_one),
        TEMP_DATA_TEST(regress_a_value_that_shrinks_in_its_transaction_is_sound),
        TEMP_DATA_TEST(none),
        TEMP_DATA_TEST(a_copy_is_sound_and_the_same),
        TEMP_DATA_TEST(cut_off),
        TEMP_DATA_TEST(pages_of_zeros),
        TEMP_DATA_TEST(bytes_changed_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
