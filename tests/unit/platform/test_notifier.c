/* Notifiers: what is read from a definition, which changes they want, what is sent and signed. */
#include "platform/notifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "leftover.h"

#define URL "\"url\": \"https://hooks.example.com/a?b=c\""

static const char secret[] = "0123456789abcdefghijklmnopqrstuv";

static uint64_t project(void)
{
    return ident_parse(IDENT_PROJECT, slice_of("PR_0000000001"));
}

static struct notifier *read_notifier(const char *definition)
{
    char error[NOTIFIER_ERROR_MAX];
    struct notifier *n;
    enum status st =
        notifier_parse(3, project(), "hook", slice_of(secret), slice_of(definition), &n, error);

    if (st != ST_OK)
        fail_msg("%s: %s", definition, error);
    return n;
}

static struct alarm_record record(enum alarm_change change, enum alarm_level level,
                                  const char *device, const char *type)
{
    return (struct alarm_record){.number = 42,
                                 .project_id = project(),
                                 .device_id = ident_parse(IDENT_DEVICE, slice_of(device)),
                                 .rule_id = ident_parse(IDENT_RULE, slice_of("AL_0000000009")),
                                 .ts_ms = 1700000000123,
                                 .state = (uint8_t)change,
                                 .level = (uint8_t)level,
                                 .name = slice_of("Too \"hot\""),
                                 .values = slice_of("{\"t\":31}"),
                                 .type_id =
                                     type == NULL ? 0 : ident_parse(IDENT_TYPE, slice_of(type))};
}

static const struct want_case {
    const char *name, *definition;
    enum alarm_change change;
    enum alarm_level level;
    const char *device, *type;
    bool is_wanted;
} want_cases[] = {
    {"no limits", "{" URL "}", ALARM_CHANGE_ALERTING, ALARM_LEVEL_NORMAL, "DU_0000000001", NULL,
     true},
    {"its end", "{" URL "}", ALARM_CHANGE_RESTORED, ALARM_LEVEL_URGENT, "DU_0000000001", NULL,
     true},
    {"pending is told nobody", "{" URL "}", ALARM_CHANGE_PENDING, ALARM_LEVEL_URGENT,
     "DU_0000000001", NULL, false},
    {"nor that it is over", "{" URL "}", ALARM_CHANGE_NORMAL, ALARM_LEVEL_URGENT, "DU_0000000001",
     NULL, false},
    {"off", "{" URL ", \"enabled\": false}", ALARM_CHANGE_ALERTING, ALARM_LEVEL_URGENT,
     "DU_0000000001", NULL, false},
    {"on", "{" URL ", \"enabled\": true}", ALARM_CHANGE_ALERTING, ALARM_LEVEL_URGENT,
     "DU_0000000001", NULL, true},
    {"its level", "{" URL ", \"levels\": [\"urgent\", \"important\"]}", ALARM_CHANGE_ALERTING,
     ALARM_LEVEL_IMPORTANT, "DU_0000000001", NULL, true},
    {"another level", "{" URL ", \"levels\": [\"urgent\", \"important\"]}", ALARM_CHANGE_ALERTING,
     ALARM_LEVEL_NORMAL, "DU_0000000001", NULL, false},
    {"beginnings only", "{" URL ", \"changes\": [\"alerting\"]}", ALARM_CHANGE_RESTORED,
     ALARM_LEVEL_NORMAL, "DU_0000000001", NULL, false},
    {"ends only", "{" URL ", \"changes\": [\"restored\"]}", ALARM_CHANGE_RESTORED,
     ALARM_LEVEL_NORMAL, "DU_0000000001", NULL, true},
    {"its device", "{" URL ", \"devices\": [\"DU_0000000002\", \"DU_0000000001\"]}",
     ALARM_CHANGE_ALERTING, ALARM_LEVEL_NORMAL, "DU_0000000001", NULL, true},
    {"another device", "{" URL ", \"devices\": [\"DU_0000000002\"]}", ALARM_CHANGE_ALERTING,
     ALARM_LEVEL_NORMAL, "DU_0000000001", "PK_00001", false},
    {"its type", "{" URL ", \"types\": [\"PK_00001\"]}", ALARM_CHANGE_ALERTING, ALARM_LEVEL_NORMAL,
     "DU_0000000001", "PK_00001", true},
    {"another type", "{" URL ", \"types\": [\"PK_00001\"]}", ALARM_CHANGE_ALERTING,
     ALARM_LEVEL_NORMAL, "DU_0000000001", "PK_00002", false},
    {"no type", "{" URL ", \"types\": [\"PK_00001\"]}", ALARM_CHANGE_ALERTING, ALARM_LEVEL_NORMAL,
     "DU_0000000001", NULL, false},
    {"one of the two is enough",
     "{" URL ", \"types\": [\"PK_00001\"], \"devices\": [\"DU_0000000001\"]}",
     ALARM_CHANGE_ALERTING, ALARM_LEVEL_NORMAL, "DU_0000000001", NULL, true},
};

static void which_changes_it_wants(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(want_cases) / sizeof(want_cases[0]); i++) {
        const struct want_case *c = &want_cases[i];
        struct notifier *n = read_notifier(c->definition);
        struct alarm_record r = record(c->change, c->level, c->device, c->type);

        if (notifier_wants(n, &r) != c->is_wanted)
            fail_msg("%s", c->name);
        r.project_id++;
        assert_false(notifier_wants(n, &r)); /* another project's */
        notifier_unref(&n);
    }
}

static const struct fault_case {
    const char *definition, *why;
} fault_cases[] = {
    {"{}", "\"url\""},
    {"{\"url\": 1}", "\"url\""},
    {"{\"url\": \"\"}", "\"url\""},
    {"{\"url\": \"https://\"}", "\"url\""},
    {"{\"url\": \"https:///x\"}", "\"url\""},
    {"{\"url\": \"https://:80/x\"}", "\"url\""},
    {"{\"url\": \"https://?x\"}", "\"url\""},
    {"{\"url\": \"HTTPS://host/\"}", "\"url\""},
    {"{\"url\": \"ftp://host/\"}", "\"url\""},
    {"{\"url\": \"file:///etc/passwd\"}", "\"url\""},
    {"{\"url\": \"https://a@host/\"}", "\"url\""},
    {"{\"url\": \"https://a b/\"}", "\"url\""},
    {"{\"url\": \"https://a/\\n\"}", "\"url\""},
    {"{\"url\": \"https://\u00e4/\"}", "\"url\""},
    {"{" URL ", \"colour\": 1}", "\"colour\""},
    {"{" URL ", \"enabled\": 1}", "\"enabled\""},
    {"{" URL ", \"levels\": []}", "\"levels\" is empty"},
    {"{" URL ", \"levels\": \"urgent\"}", "\"levels\""},
    {"{" URL ", \"levels\": [\"loud\"]}", "\"levels\" has"},
    {"{" URL ", \"levels\": [1]}", "\"levels\" has"},
    {"{" URL ", \"changes\": [\"pending\"]}", "\"changes\" has"},
    {"{" URL ", \"devices\": [\"PK_00001\"]}", "\"devices\" must"},
    {"{" URL ", \"types\": [\"DU_0000000001\"]}", "\"types\" must"},
    {"[]", "object"},
    {"{", ""},
};

static void what_cannot_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        char error[NOTIFIER_ERROR_MAX];
        struct notifier *n;

        if (notifier_parse(3, project(), "hook", slice_of(secret), slice_of(c->definition), &n,
                           error) == ST_OK)
            fail_msg("%s: was read", c->definition);
        assert_null(n);
        if (strstr(error, c->why) == NULL || error[0] == '\0')
            fail_msg("%s: %s", c->definition, error);
    }
}

static void a_change_is_another_one(void **state)
{
    char error[NOTIFIER_ERROR_MAX];
    struct notifier *a = read_notifier("{" URL "}"), *b = read_notifier("{" URL "}");
    struct notifier *c = read_notifier("{" URL ", \"enabled\": false}"), *d;

    (void)state;
    assert_int_equal(
        notifier_parse(3, project(), "hook", slice_of("another"), slice_of("{" URL "}"), &d, error),
        ST_OK);
    assert_true(notifier_is_like(a, b));
    assert_false(notifier_is_like(a, c));
    assert_false(notifier_is_like(a, d));
    notifier_unref(&a);
    notifier_unref(&b);
    notifier_unref(&c);
    notifier_unref(&d);
}

static void what_is_sent(void **state)
{
    struct notifier *n = read_notifier("{" URL "}");
    struct alarm_record r =
        record(ALARM_CHANGE_ALERTING, ALARM_LEVEL_URGENT, "DU_0000000001", NULL);
    struct buffer out = {0};

    (void)state;
    assert_int_equal(notifier_write_alarm(n, &r, &out), ST_OK);
    assert_true(
        slice_is(buffer_slice(&out),
                 "{\"type\": \"alarm\", \"project\": \"PR_0000000001\", \"notifier\": \"hook\", "
                 "\"number\": 42, \"device\": \"DU_0000000001\", \"rule\": \"AL_0000000009\", "
                 "\"name\": \"Too \\\"hot\\\"\", \"level\": \"urgent\", \"state\": \"alerting\", "
                 "\"values\": {\"t\":31}, \"ts\": 1700000000123, \"alerting\": true}"));
    r.state = ALARM_CHANGE_COUNT;
    assert_int_equal(notifier_write_alarm(n, &r, &out), ST_CORRUPT);
    out.len = 0;
    notifier_write_test(n, 5, &out);
    assert_true(slice_is(buffer_slice(&out),
                         "{\"type\": \"test\", \"project\": \"PR_0000000001\", \"notifier\": "
                         "\"hook\", \"ts\": 5}"));
    buffer_deinit(&out);
    notifier_unref(&n);
}

/* python3: base64(hmac(secret, b'alarm-1-2-3.1700000000.{"a":1}', sha256)) */
static void how_it_is_signed(void **state)
{
    char signature[NOTIFIER_SIGNATURE_MAX + 1], text[NOTIFIER_SECRET_TEXT_MAX + 1];
    struct notifier *n = read_notifier("{" URL "}");

    (void)state;
    notifier_sign(n, "alarm-1-2-3", "1700000000", slice_of("{\"a\":1}"), signature);
    assert_string_equal(signature, "v1,XhOmrHoHj6YH1MIsbJ+sth+1z2atEsrx4wvj/T3kU54=");
    notifier_secret_text(secret, text);
    assert_string_equal(text, "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=");
    notifier_unref(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(which_changes_it_wants),  LEFTOVER_TEST(what_cannot_be_read),
        LEFTOVER_TEST(a_change_is_another_one), LEFTOVER_TEST(what_is_sent),
        LEFTOVER_TEST(how_it_is_signed),
    };

    if (secret_init() != ST_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
