/*
 * Slices and buffers.
 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "leftover.h"

#define S(text) slice_make((text), sizeof(text) - 1)

static void comparing(void **state)
{
    static const struct {
        const char *name;
        struct slice a, b;
        bool equal, starts;
    } cases[] = {
        {"both empty", {NULL, 0}, {NULL, 0}, true, true},
        {"empty and NULL", {(const uint8_t *)"", 0}, {NULL, 0}, true, true},
        {"same", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"abc", 3}, true, true},
        {"prefix", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"ab", 2}, false, true},
        {"longer prefix", {(const uint8_t *)"ab", 2}, {(const uint8_t *)"abc", 3}, false, false},
        {"other", {(const uint8_t *)"abc", 3}, {(const uint8_t *)"abd", 3}, false, false},
        {"zero bytes", {(const uint8_t *)"a\0b", 3}, {(const uint8_t *)"a\0c", 3}, false, false},
        {"empty prefix", {(const uint8_t *)"a", 1}, {NULL, 0}, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("  %s\n", cases[i].name);
        assert_int_equal(slice_equal(cases[i].a, cases[i].b), cases[i].equal);
        assert_int_equal(slice_starts_with(cases[i].a, cases[i].b), cases[i].starts);
    }
    assert_true(slice_is(S("topic"), "topic"));
    assert_false(slice_is(S("topic\0"), "topic"));
    assert_int_equal(slice_of(NULL).len, 0);
    assert_true(slice_is(slice_from(S("a/b"), 2), "b"));
    assert_true(slice_is(slice_from(S("a/b"), 3), ""));
    assert_int_equal(slice_from((struct slice){NULL, 0}, 0).len, 0);
}

static void cutting(void **state)
{
    static const struct {
        const char *name, *text, *parts[5];
    } cases[] = {
        {"three", "a/bc/d", {"a", "bc", "d"}},
        {"none", "abc", {"abc"}},
        {"empty", "", {""}},
        {"separator alone", "/", {"", ""}},
        {"at both ends", "/a/", {"", "a", ""}},
        {"doubled", "a//b", {"a", "", "b"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice rest = slice_of(cases[i].text);
        size_t n = 0;

        print_message("  %s\n", cases[i].name);
        do {
            assert_non_null(cases[i].parts[n]);
            assert_true(slice_is(slice_cut(&rest, '/'), cases[i].parts[n]));
            n++;
        } while (rest.data != NULL);
        assert_null(cases[i].parts[n]);
        assert_int_equal(rest.len, 0);
    }
}

static void copying_to_a_string(void **state)
{
    char *text = slice_to_string(slice_make("abcdef", 3));
    char *empty = slice_to_string((struct slice){NULL, 0});

    (void)state;
    assert_string_equal(text, "abc");
    assert_string_equal(empty, "");
    mem_free(text);
    mem_free(empty);
}

static void a_buffer_grows_and_keeps_what_it_holds(void **state)
{
    struct buffer b = {NULL, 0, 0};

    (void)state;
    buffer_append(&b, NULL, 0);
    assert_int_equal(b.len, 0);
    for (unsigned i = 0; i < 10000; i++) {
        buffer_append_u8(&b, (uint8_t)(i * 7));
        buffer_append_slice(&b, S("xy"));
        buffer_append_text(&b, "z");
    }
    assert_int_equal(b.len, 40000);
    assert_true(b.capacity >= b.len);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(b.data[i * 4], (uint8_t)(i * 7));
        assert_memory_equal(b.data + i * 4 + 1, "xyz", 3);
    }
    buffer_deinit(&b);
    assert_null(b.data);
    buffer_deinit(&b);
}

static void reserving_gives_room_behind_the_last_byte(void **state)
{
    struct buffer b = {NULL, 0, 0};
    uint8_t *at;

    (void)state;
    assert_non_null(buffer_reserve(&b, 0));
    buffer_append_text(&b, "abc");
    at = buffer_reserve(&b, 5000);
    memset(at, 'x', 5000);
    b.len += 5000;
    assert_int_equal(b.len, 5003);
    assert_memory_equal(b.data, "abcxxx", 6);
    assert_ptr_equal(buffer_slice(&b).data, b.data);
    assert_int_equal(buffer_slice(&b).len, 5003);
    buffer_deinit(&b);
}

static void printing(void **state)
{
    static const size_t widths[] = {0, 1, 63, 64, 65, 127, 128, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct buffer b = {NULL, 0, 0};

        buffer_printf(&b, "%*s|%d", (int)widths[i], "", 42);
        buffer_printf(&b, "%s", "");
        buffer_append_text(&b, "!");
        assert_int_equal(b.len, widths[i] + 4);
        assert_memory_equal(b.data + widths[i], "|42!", 4);
        buffer_deinit(&b);
    }
}

static void consuming(void **state)
{
    struct buffer b = {NULL, 0, 0};

    (void)state;
    buffer_consume(&b, 0);
    buffer_append_text(&b, "abcdef");
    buffer_consume(&b, 0);
    buffer_consume(&b, 2);
    assert_true(slice_is(buffer_slice(&b), "cdef"));
    buffer_consume(&b, 4);
    assert_true(slice_is(buffer_slice(&b), ""));
    buffer_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(comparing),
        LEFTOVER_TEST(cutting),
        LEFTOVER_TEST(copying_to_a_string),
        LEFTOVER_TEST(a_buffer_grows_and_keeps_what_it_holds),
        LEFTOVER_TEST(reserving_gives_room_behind_the_last_byte),
        LEFTOVER_TEST(printing),
        LEFTOVER_TEST(consuming),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
