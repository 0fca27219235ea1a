/* The table of kinds and what is looked up in it. */
#include "platform/open_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_every_word_is_found_under_its_root_only(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        const struct open_kind_info *info = &open_kinds[kind];
        enum open_root other = info->root == OPEN_ROOT_OPEN ? OPEN_ROOT_SYSTEM : OPEN_ROOT_OPEN;

        print_message("%s\n", info->word);
        assert_int_equal(info->word_len, strlen(info->word));
        assert_int_equal(open_kind_parse(info->root, slice_of(info->word)), kind);
        assert_int_equal(open_kind_parse(other, slice_of(info->word)), OPEN_KIND_COUNT);
        assert_int_equal(open_kind_parse(info->root, slice_make(info->word, info->word_len - 1u)),
                         OPEN_KIND_COUNT);
    }
}

static void test_unknown_words(void **state)
{
    static const char *const words[] = {"", "atributes", "ATTRIBUTES", "attributes ", "+", "#"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        assert_int_equal(open_kind_parse(OPEN_ROOT_OPEN, slice_of(words[i])), OPEN_KIND_COUNT);
        assert_int_equal(open_kind_parse(OPEN_ROOT_SYSTEM, slice_of(words[i])), OPEN_KIND_COUNT);
    }
}

static void test_sets(void **state)
{
    (void)state;
    assert_int_equal(open_kind_set(OPEN_ROOT_OPEN, true),
                     1 << OPEN_KIND_ATTRIBUTES | 1 << OPEN_KIND_EVENT_REPORT |
                         1 << OPEN_KIND_COMMAND_REPLY | 1 << OPEN_KIND_DATA | 1 << OPEN_KIND_ALARM |
                         1 << OPEN_KIND_ONLINE | 1 << OPEN_KIND_ATTRIBUTES_PUSH |
                         1 << OPEN_KIND_COMMAND_SEND);
    assert_int_equal(open_kind_set(OPEN_ROOT_OPEN, false), 0);
    assert_int_equal(open_kind_set(OPEN_ROOT_SYSTEM, true), 1 << OPEN_KIND_COMMAND_STATUS |
                                                                1 << OPEN_KIND_ALARM_DETAIL |
                                                                1 << OPEN_KIND_LOG);
    assert_int_equal(open_kind_set(OPEN_ROOT_SYSTEM, false),
                     1 << OPEN_KIND_ERRORS | 1 << OPEN_KIND_NOTICE | 1 << OPEN_KIND_CTL);
}

static void test_roots(void **state)
{
    enum open_root root;

    (void)state;
    assert_true(open_kind_parse_root(slice_of("open"), &root));
    assert_int_equal(root, OPEN_ROOT_OPEN);
    assert_true(open_kind_parse_root(slice_of("$open"), &root));
    assert_int_equal(root, OPEN_ROOT_SYSTEM);
    assert_false(open_kind_parse_root(slice_of(""), &root));
    assert_false(open_kind_parse_root(slice_of("+"), &root));
    assert_false(open_kind_parse_root(slice_of("Open"), &root));
    assert_false(open_kind_parse_root(slice_of("$SYS"), &root));
    assert_false(open_kind_parse_root(slice_of("$open/"), &root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_is_found_under_its_root_only),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_roots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
