/*
 * Private files are whole, for their owner alone, and never half replaced.
 */
#include "store/private_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_data.h"

static void assert_content(void **state, const char *name, const char *want)
{
    struct buffer content = {0};

    assert_int_equal(private_file_read(temp_data_path(state, name), 100, &content), ST_OK);
    assert_true(slice_is(buffer_slice(&content), want));
    buffer_deinit(&content);
}

static int count_entries(void **state)
{
    DIR *dir = opendir(*state);
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    assert_int_equal(closedir(dir), 0);
    return count - 2; /* . and .. */
}

static void create_makes_a_file_once(void **state)
{
    const char *path = temp_data_path(state, "file");

    assert_int_equal(private_file_create(path, slice_of("first")), ST_OK);
    assert_int_equal(temp_data_mode(state, "file"), 0600);
    path = temp_data_path(state, "file");
    assert_int_equal(private_file_create(path, slice_of("second")), ST_EXISTS);
    assert_content(state, "file", "first");
    assert_int_equal(count_entries(state), 1);
}

static void replace_makes_and_replaces(void **state)
{
    assert_int_equal(private_file_replace(temp_data_path(state, "file"), slice_of("first")), ST_OK);
    assert_int_equal(private_file_replace(temp_data_path(state, "file"), slice_of("")), ST_OK);
    assert_content(state, "file", "");
    assert_int_equal(temp_data_mode(state, "file"), 0600);

    temp_data_write(state, "open", "x", 1, 0644);
    assert_int_equal(private_file_replace(temp_data_path(state, "open"), slice_of("y")), ST_OK);
    assert_int_equal(temp_data_mode(state, "open"), 0600);
    assert_content(state, "open", "y");
    assert_int_equal(count_entries(state), 2);
}

static void a_place_that_cannot_be_written_is_told(void **state)
{
    const char *path = temp_data_path(state, "missing/file");

    assert_int_equal(private_file_create(path, slice_of("x")), ST_NOT_FOUND);
    assert_int_equal(private_file_replace(path, slice_of("x")), ST_NOT_FOUND);
    assert_int_equal(mkdir(temp_data_path(state, "taken"), 0700), 0);
    assert_int_equal(private_file_replace(temp_data_path(state, "taken"), slice_of("x")), ST_IO);
    assert_int_equal(count_entries(state), 1);
}

static void read_refuses(void **state)
{
    static const struct read_case {
        const char *name;
        unsigned mode;
        size_t max;
        enum status want;
    } cases[] = {
        {"owner-alone", 0600, 5, ST_OK},
        {"read-only", 0400, 5, ST_OK},
        {"group-reads", 0640, 5, ST_REFUSED},
        {"others-read", 0604, 5, ST_REFUSED},
        {"others-write", 0602, 5, ST_REFUSED},
        {"one-byte-too-long", 0600, 4, ST_TOO_LARGE},
        {"longer-than-nothing", 0600, 0, ST_TOO_LARGE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer content = {0};

        temp_data_write(state, cases[i].name, "12345", 5, cases[i].mode);
        assert_int_equal(
            private_file_read(temp_data_path(state, cases[i].name), cases[i].max, &content),
            cases[i].want);
        if (cases[i].want == ST_OK)
            assert_true(slice_is(buffer_slice(&content), "12345"));
        buffer_deinit(&content);
    }
}

static void read_of_nothing_is_not_found(void **state)
{
    struct buffer content = {0};

    assert_int_equal(private_file_read(temp_data_path(state, "none"), 5, &content), ST_NOT_FOUND);
    assert_int_equal(content.len, 0);
    buffer_deinit(&content);
}

static void make_dir_makes_one_level(void **state)
{
    assert_int_equal(private_file_make_dir(temp_data_path(state, "a")), ST_OK);
    assert_int_equal(temp_data_mode(state, "a"), 0700);
    assert_int_equal(private_file_make_dir(temp_data_path(state, "a")), ST_OK);
    assert_int_equal(private_file_make_dir(temp_data_path(state, "b/c")), ST_NOT_FOUND);
    temp_data_write(state, "file", "", 0, 0600);
    assert_int_equal(private_file_make_dir(temp_data_path(state, "file")), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(create_makes_a_file_once),
        TEMP_DATA_TEST(replace_makes_and_replaces),
        TEMP_DATA_TEST(a_place_that_cannot_be_written_is_told),
        TEMP_DATA_TEST(read_refuses),
        TEMP_DATA_TEST(read_of_nothing_is_not_found),
        TEMP_DATA_TEST(make_dir_makes_one_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
