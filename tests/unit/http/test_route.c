/* Paths to routes. */
#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "leftover.h"

#define GET  (1u << HTTP_METHOD_GET)
#define HEAD (1u << HTTP_METHOD_HEAD)
#define POST (1u << HTTP_METHOD_POST)

static const struct find_case {
    enum http_method method;
    const char *path;
    const char *pattern; /* NULL: none */
    const char *first;   /* parameter; NULL: none */
    bool is_there;       /* with other methods at least */
} find_cases[] = {
    {HTTP_METHOD_GET, "/api/v1/projects", "/api/v1/projects", NULL, true},
    {HTTP_METHOD_HEAD, "/api/v1/projects", "/api/v1/projects", NULL, true},
    {HTTP_METHOD_GET, "/api/v1/projects/PR_x", "/api/v1/projects/{project_key}", "PR_x", true},
    {HTTP_METHOD_GET, "/api/v1/projects/a%2Fb", "/api/v1/projects/{project_key}", "a/b", true},
    {HTTP_METHOD_DELETE, "/api/v1/projects", NULL, NULL, true},
    {HTTP_METHOD_OPTIONS, "/api/v1/projects", NULL, NULL, true},
    {HTTP_METHOD_GET, "/api/v1/projects/", NULL, NULL, false},
    {HTTP_METHOD_GET, "/api/v1/projects/%00", NULL, NULL, false},
    {HTTP_METHOD_GET, "/api/v1/projects/%zz", NULL, NULL, false},
    {HTTP_METHOD_GET, "api/v1/projects", NULL, NULL, false},
    {HTTP_METHOD_GET, "//api/v1/projects", NULL, NULL, false},
    {HTTP_METHOD_GET, "/", NULL, NULL, false},
    {HTTP_METHOD_GET, "", NULL, NULL, false},
    {HTTP_METHOD_POST, "/api/v1/projects/x/devices/batch",
     "/api/v1/projects/{project_key}/devices/batch", "x", true},
    {HTTP_METHOD_GET, "/api/v1/projects/x/devices/batch",
     "/api/v1/projects/{project_key}/devices/{device}", "x", true},
    {HTTP_METHOD_POST, "/api_login/", "/api_login/", NULL, true},
    {HTTP_METHOD_POST, "/api_login", "/api_login/", NULL, true},
    {HTTP_METHOD_POST, "/api_login//", NULL, NULL, false},
    {HTTP_METHOD_GET, "/api/connect/1", "/api/connect/1/", NULL, true},
    {HTTP_METHOD_GET, "/api/connect/3/", NULL, NULL, false},
    {HTTP_METHOD_GET, "/api/v1/projects/", NULL, NULL, false},
};

static void paths_lead_to_routes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(find_cases) / sizeof(find_cases[0]); i++) {
        const struct find_case *c = &find_cases[i];
        struct route_match m;
        unsigned allowed;
        bool found = route_find(c->method, slice_of(c->path), &m, &allowed);

        if (found != (c->pattern != NULL) || (allowed != 0) != c->is_there)
            fail_msg("%s", c->path);
        if (found)
            assert_string_equal(m.route->pattern, c->pattern);
        if (c->first != NULL)
            assert_string_equal(m.values[0], c->first);
    }
}

static void a_path_tells_its_methods(void **state)
{
    struct route_match m;
    unsigned allowed;

    (void)state;
    (void)route_find(HTTP_METHOD_OPTIONS, slice_of("/api/v1/projects"), &m, &allowed);
    assert_int_equal(allowed, GET | HEAD | POST | 1u << HTTP_METHOD_OPTIONS);
}

static void a_parameter_has_a_bound(void **state)
{
    char path[ROUTE_PARAMETER_MAX + 32] = "/api/v1/projects/";
    size_t len = strlen(path);
    struct route_match m;
    unsigned allowed;

    (void)state;
    memset(path + len, 'a', ROUTE_PARAMETER_MAX);
    path[len + ROUTE_PARAMETER_MAX] = '\0';
    assert_true(route_find(HTTP_METHOD_GET, slice_of(path), &m, &allowed));
    memcpy(path + len + ROUTE_PARAMETER_MAX, "a", 2);
    assert_false(route_find(HTTP_METHOD_GET, slice_of(path), &m, &allowed));
}

static void no_row_is_there_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *r = route_at(i);

        assert_true(r->status >= 200 && r->status < 300 && r->summary[0] != '\0');
        for (size_t k = 0; k < i; k++)
            assert_false(route_at(k)->method == r->method &&
                         strcmp(route_at(k)->pattern, r->pattern) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(paths_lead_to_routes),
        LEFTOVER_TEST(a_path_tells_its_methods),
        LEFTOVER_TEST(a_parameter_has_a_bound),
        LEFTOVER_TEST(no_row_is_there_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
