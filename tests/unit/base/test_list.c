/*
 * The intrusive list: order, removal, splicing.
 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

struct item {
    char name;
    struct list node;
};

/* The names in order, from both sides. */
static void assert_order(const struct list *head, const char *want)
{
    size_t len = strlen(want);
    const struct list *node = head->next;

    for (size_t i = 0; i < len; i++, node = node->next)
        assert_int_equal(list_entry(node, const struct item, node)->name, want[i]);
    assert_ptr_equal(node, head);
    node = head->prev;
    for (size_t i = len; i-- > 0; node = node->prev)
        assert_int_equal(list_entry(node, const struct item, node)->name, want[i]);
    assert_ptr_equal(node, head);
    assert_int_equal(list_is_empty(head), len == 0);
}

static void pushing_and_removing(void **state)
{
    struct item a = {.name = 'a'};
    struct item b = {.name = 'b'};
    struct item c = {.name = 'c'};
    struct list head;

    (void)state;
    list_init(&head);
    assert_order(&head, "");
    assert_null(list_pop_front(&head));
    assert_false(list_is_linked(&a.node));
    list_push_back(&head, &a.node);
    list_push_back(&head, &b.node);
    list_push_front(&head, &c.node);
    assert_true(list_is_linked(&a.node));
    assert_order(&head, "cab");
    list_remove(&a.node);
    assert_false(list_is_linked(&a.node));
    list_remove(&a.node); /* in none: accepted */
    assert_order(&head, "cb");
    assert_ptr_equal(list_pop_front(&head), &c.node);
    assert_false(list_is_linked(&c.node));
    assert_ptr_equal(list_pop_front(&head), &b.node);
    assert_order(&head, "");
}

static void splicing(void **state)
{
    static const struct {
        const char *name;
        size_t to_count, from_count;
        const char *want;
    } cases[] = {
        {"both empty", 0, 0, ""},
        {"nothing to something", 2, 0, "ab"},
        {"something to nothing", 0, 2, "ab"},
        {"one to one", 1, 1, "ab"},
        {"two to three", 3, 2, "abcde"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct item items[5] = {{0}};
        struct list to, from;

        print_message("  %s\n", cases[i].name);
        list_init(&to);
        list_init(&from);
        for (size_t n = 0; n < cases[i].to_count + cases[i].from_count; n++) {
            items[n].name = (char)('a' + (int)n);
            list_push_back(n < cases[i].to_count ? &to : &from, &items[n].node);
        }
        list_splice_back(&to, &from);
        assert_order(&to, cases[i].want);
        assert_order(&from, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(pushing_and_removing),
        LEFTOVER_TEST(splicing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
