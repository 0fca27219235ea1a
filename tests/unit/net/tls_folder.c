/*
 * The directory of the test that runs, and shorthands for its files.
 */
#include "tls_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "temp_data.h"

static void *directory; /* of the present test */

int tls_folder_setup(void **state)
{
    int result = temp_data_setup(state);

    directory = *state;
    return result;
}

int tls_folder_teardown(void **state)
{
    clock_release();
    return temp_data_teardown(state);
}

const char *tls_folder_path(const char *name)
{
    return temp_data_path(&directory, name);
}

bool tls_folder_has(const char *name)
{
    return access(tls_folder_path(name), F_OK) == 0;
}

unsigned tls_folder_mode(const char *name)
{
    return temp_data_mode(&directory, name);
}

struct buffer tls_folder_read(const char *name)
{
    struct buffer content = {0};
    FILE *file = fopen(tls_folder_path(name), "re");
    size_t len;

    assert_non_null(file);
    do {
        len = fread(buffer_reserve(&content, 4096), 1, 4096, file);
        content.len += len;
    } while (len > 0);
    assert_int_equal(fclose(file), 0);
    return content;
}

bool tls_folder_is(const char *name, const struct buffer *content)
{
    struct buffer now = tls_folder_read(name);
    bool is = slice_equal(buffer_slice(&now), buffer_slice(content));

    buffer_deinit(&now);
    return is;
}

void tls_folder_make(const char *name)
{
    assert_int_equal(mkdir(tls_folder_path(name), 0700), 0);
}

void tls_folder_write(const char *name, struct slice content)
{
    temp_data_write(&directory, name, content.data, content.len, 0600);
}

void tls_folder_copy(const char *from, const char *to)
{
    struct buffer content = tls_folder_read(from);

    tls_folder_write(to, buffer_slice(&content));
    buffer_deinit(&content);
}

void tls_folder_remove(const char *name)
{
    assert_int_equal(remove(tls_folder_path(name)), 0);
}
