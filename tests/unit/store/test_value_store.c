/*
 * What an older program stored of devices is read as it was written.
 */
#include "store/value_store.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "store/lmdb_env.h"
#include "temp_data.h"

/* As that program had them. */
enum { VALUE, ONLINE, ALARM, COMMAND, RETAINED, TABLES };

static const char *const tables[TABLES] = {"value", "online", "alarm", "command", "retained"};

static void put(struct lmdb_env_txn *t, size_t table, uint64_t device_id, const char *name,
                struct slice value)
{
    uint64_t big = htobe64(device_id);
    uint8_t key[sizeof(big) + 8];

    memcpy(key, &big, sizeof(big));
    memcpy(key + sizeof(big), name, strlen(name));
    lmdb_env_put(t, table, slice_make(key, sizeof(big) + strlen(name)), value);
}

static void put_value(struct lmdb_env_txn *t, uint64_t device_id, const char *name, int64_t ts_ms,
                      const char *json)
{
    uint64_t big = htobe64((uint64_t)ts_ms);
    uint8_t value[64];

    memcpy(value, &big, sizeof(big));
    memcpy(value + sizeof(big), json, strlen(json));
    put(t, VALUE, device_id, name, slice_make(value, sizeof(big) + strlen(json)));
}

static void write_all(struct lmdb_env_txn *t, void *arg)
{
    uint8_t presence[9] = {1, 0, 0, 0, 0, 0, 0, 0, 7};

    (void)arg;
    put_value(t, 1, "a", 10, "1");
    put_value(t, 1, "b", 11, "\"x\"");
    put_value(t, 2, "a", 12, "true");
    put(t, ONLINE, 1, "", slice_make(presence, sizeof(presence)));
    put(t, ONLINE, 2, "", slice_of("1")); /* an older form */
    put(t, ALARM, 1, "", slice_of("alarms"));
    put(t, RETAINED, 2, "", slice_of("retained"));
}

static void write_old(void **state)
{
    struct lmdb_env *e = NULL;
    char error[256] = "";

    assert_int_equal(lmdb_env_open(temp_data_path(state, VALUE_STORE_FOLDER), tables, TABLES,
                                   1 << 20, &e, error, sizeof(error)),
                     ST_OK);
    assert_int_equal(lmdb_env_write(e, write_all, NULL), ST_OK);
    lmdb_env_close(&e);
}

static void list_value(const struct value_store_entry *e, void *arg)
{
    buffer_printf(arg, "%d:%.*s=%.*s@%d,", (int)e->device_id, (int)e->name.len,
                  (const char *)e->name.data, (int)e->value.len, (const char *)e->value.data,
                  (int)e->ts_ms);
}

static void list_presence(uint64_t device_id, bool is_online, int64_t since_ms, void *arg)
{
    buffer_printf(arg, "%d:%s@%d,", (int)device_id, is_online ? "on" : "off", (int)since_ms);
}

static void list_part(uint64_t device_id, struct slice bytes, void *arg)
{
    buffer_printf(arg, "%d:%.*s,", (int)device_id, (int)bytes.len, (const char *)bytes.data);
}

static void what_was_written_is_read(void **state)
{
    struct value_store *s = NULL;
    struct buffer text = {0};
    char error[256] = "";

    write_old(state);
    assert_int_equal(value_store_open(*state, &s, error, sizeof(error)), ST_OK);
    assert_int_equal(value_store_each(s, list_value, &text), ST_OK);
    buffer_append_text(&text, "|");
    assert_int_equal(value_store_each_presence(s, list_presence, &text), ST_OK);
    for (unsigned i = 0; i < VALUE_STORE_PART_COUNT; i++) {
        buffer_append_text(&text, "|");
        assert_int_equal(value_store_each_part(s, (enum value_store_part)i, list_part, &text),
                         ST_OK);
    }
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, "1:a=1@10,1:b=\"x\"@11,2:a=true@12,|"
                                                 "1:on@7,2:on@0,|1:alarms,||2:retained,");
    buffer_deinit(&text);
    value_store_close(&s);
    assert_null(s);
}

static void none_is_not_made(void **state)
{
    struct value_store *s = NULL;
    char error[256] = "";

    assert_int_equal(value_store_open(*state, &s, error, sizeof(error)), ST_NOT_FOUND);
    assert_null(s);
    assert_int_equal(value_store_open(*state, &s, error, sizeof(error)), ST_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(what_was_written_is_read),
        TEMP_DATA_TEST(none_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
