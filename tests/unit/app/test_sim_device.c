/*
 * Simulated devices report what their kind has, within its bounds, and do as they are told.
 */
#include "app/sim_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "temp_data.h"

enum { MINUTE_MS = 60000, NOON_MS = 43200000 };

/* The messages of a device: how many of each topic, and the last ones. */
struct heard {
    unsigned attributes, events, replies, data;
    json_t *last;  /* owned; of attributes; NULL: none yet */
    json_t *reply; /* owned; likewise */
};

static void keep(json_t **place, struct slice payload)
{
    json_decref(*place);
    *place = json_loadb((const char *)payload.data, payload.len, 0, NULL);
    assert_true(json_is_object(*place));
}

static void forget(struct heard *h)
{
    json_decref(h->last);
    json_decref(h->reply);
    *h = (struct heard){0};
}

static void hear(const char *topic, const char *stream, struct slice payload, void *arg)
{
    struct heard *h = arg;

    if (strcmp(topic, "data") == 0) {
        assert_string_equal(stream, "waveform");
        assert_int_equal(payload.len, 128);
        h->data++;
        return;
    }
    assert_null(stream);
    if (strcmp(topic, "attributes") == 0) {
        h->attributes++;
        keep(&h->last, payload);
    } else if (strcmp(topic, "event_report") == 0) {
        json_t *event = NULL;

        h->events++;
        keep(&event, payload);
        assert_true(json_is_string(json_object_get(event, "method")));
        assert_true(json_is_object(json_object_get(event, "params")));
        json_decref(event);
    } else {
        assert_string_equal(topic, "command_reply");
        h->replies++;
        keep(&h->reply, payload);
    }
}

static json_t *member(const struct heard *h, const char *key)
{
    json_t *value = json_object_get(h->last, key);

    if (value == NULL)
        fail_msg("no %s", key);
    return value;
}

static void the_name_says_what_is_simulated(void **state)
{
    (void)state;
    assert_true(sim_device_is_simulated("Door lock"));
    assert_true(sim_device_is_simulated("Door lock 2"));
    assert_false(sim_device_is_simulated("My sensor"));
    assert_false(sim_device_is_simulated("Door"));
    assert_false(sim_device_is_simulated(""));
}

static void every_kind_reports_and_tells(void **state)
{
    (void)state;
    assert_true(sim_device_kind_count() >= 5);
    for (size_t kind = 0; kind < sim_device_kind_count(); kind++) {
        struct sim_device *d = sim_device_new(sim_device_kind_name(kind), kind + 1);
        struct heard h = {0};

        for (uint64_t now_ms = 0; now_ms < 10 * MINUTE_MS; now_ms += 100)
            sim_device_turn(d, now_ms, NOON_MS + (int64_t)now_ms, hear, &h);
        assert_true(h.attributes >= 10 * 60 / 23 && h.attributes <= 10 * 60);
        assert_true(h.events >= 1 && h.events <= 30);
        assert_int_equal(h.replies, 0);
        assert_int_equal(h.data,
                         strcmp(sim_device_kind_name(kind), "Electricity meter") == 0 ? 60 : 0);
        forget(&h);
        sim_device_free(&d);
        assert_null(d);
    }
}

static void values_stay_within_their_bounds(void **state)
{
    struct sim_device *d = sim_device_new("Greenhouse sensor", 7);
    struct heard h = {0};
    double coldest = 100;
    double warmest = -100;

    (void)state;
    for (uint64_t now_ms = 0; now_ms < 1440 * MINUTE_MS; now_ms += MINUTE_MS) {
        double temperature;
        double humidity;

        sim_device_turn(d, now_ms, (int64_t)now_ms, hear, &h);
        temperature = json_number_value(member(&h, "temperature"));
        humidity = json_number_value(member(&h, "humidity"));
        assert_true(temperature >= 14 && temperature <= 31);
        assert_true(humidity >= 45 && humidity <= 90);
        assert_true(json_is_integer(member(&h, "light")));
        coldest = temperature < coldest ? temperature : coldest;
        warmest = temperature > warmest ? temperature : warmest;
    }
    assert_true(coldest < 16 && warmest > 29); /* night and day */
    forget(&h);
    sim_device_free(&d);
}

static void the_same_seed_gives_the_same_device(void **state)
{
    struct sim_device *a = sim_device_new("Cold storage", 3);
    struct sim_device *b = sim_device_new("Cold storage 2", 3);
    struct heard of_a = {0};
    struct heard of_b = {0};

    (void)state;
    for (uint64_t now_ms = 0; now_ms < MINUTE_MS; now_ms += 100) {
        sim_device_turn(a, now_ms, 0, hear, &of_a);
        sim_device_turn(b, now_ms, 0, hear, &of_b);
    }
    assert_true(json_equal(of_a.last, of_b.last));
    forget(&of_a);
    forget(&of_b);
    sim_device_free(&a);
    sim_device_free(&b);
}

static void pushed_attributes_come_back_and_stay(void **state)
{
    struct sim_device *d = sim_device_new("Cold storage", 1);
    struct heard h = {0};
    json_t *want =
        json_loads("{\"setpoint\": -25.5, \"unknown\": [1, null], \"door\": 7}", 0, NULL);

    (void)state;
    assert_int_equal(
        sim_device_on_push(
            d, slice_of("{\"setpoint\": -25.5, \"unknown\": [1, null], \"door\": 7}"), hear, &h),
        ST_OK);
    assert_int_equal(h.attributes, 1);
    assert_true(json_equal(h.last, want));
    sim_device_turn(d, 0, 0, hear, &h);
    assert_true(json_number_value(member(&h, "setpoint")) == -25.5);
    assert_true(json_is_string(member(&h, "door"))); /* a number is none of its values */
    assert_null(json_object_get(h.last, "unknown"));
    json_decref(want);
    forget(&h);
    sim_device_free(&d);
}

static void hostile_numbers_do_no_harm(void **state)
{
    static const char *const payloads[] = {
        "{\"battery\": 1e308}", "{\"battery\": -1e308}", "{\"battery\": 9223372036854775807}",
        "{\"locked\": \"ON\"}", "{\"locked\": null}",    "{}",
    };
    struct sim_device *d = sim_device_new("Door lock", 1);
    struct heard h = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        assert_int_equal(sim_device_on_push(d, slice_of(payloads[i]), hear, &h), ST_OK);
        sim_device_turn(d, i * MINUTE_MS, 0, hear, &h);
    }
    forget(&h);
    sim_device_free(&d);

    d = sim_device_new("Water pump", 1); /* its speed is reported as an integer */
    assert_int_equal(sim_device_on_push(d, slice_of("{\"speed\": 1e308}"), hear, &h), ST_OK);
    sim_device_turn(d, 0, 0, hear, &h);
    forget(&h);
    sim_device_free(&d);
}

static void commands_are_done_and_answered(void **state)
{
    static const struct command_case {
        const char *command, *reply;
        int locked; /* afterwards; -1: the kind has nothing to do with it */
    } cases[] = {
        {"{\"method\": \"lock\", \"id\": 1}",
         "{\"method\": \"lock\", \"params\": {\"result\": \"done\"}, \"id\": 1}", 1},
        {"{\"method\": \"unlock\", \"params\": {\"by\": \"x\"}, \"id\": \"1\"}",
         "{\"method\": \"unlock\", \"params\": {\"result\": \"done\"}, \"id\": \"1\"}", 0},
        {"{\"method\": \"lock\"}", "{\"method\": \"lock\", \"params\": {\"result\": \"done\"}}", 1},
        {"{\"method\": \"start\", \"id\": 9007199254740993}",
         "{\"method\": \"start\", \"params\": {\"result\": \"unknown method\"}, \"id\": "
         "9007199254740993}",
         -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_device *d = sim_device_new("Door lock", i + 1);
        struct heard h = {0};
        json_t *want = json_loads(cases[i].reply, 0, NULL);

        assert_int_equal(sim_device_on_command(d, slice_of(cases[i].command), hear, &h), ST_OK);
        assert_int_equal(h.replies, 1);
        assert_true(json_equal(h.reply, want));
        assert_int_equal(h.attributes, cases[i].locked >= 0 ? 1 : 0);
        if (cases[i].locked >= 0)
            assert_int_equal(json_is_true(member(&h, "locked")), cases[i].locked);
        json_decref(want);
        forget(&h);
        sim_device_free(&d);
    }
}

static void nonsense_is_told(void **state)
{
    static const char *const payloads[] = {"", "x", "[]", "{", "7", "{\"method\": 7}", "\xff"};
    struct sim_device *d = sim_device_new("Door lock", 1);
    struct heard h = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        if (sim_device_on_command(d, slice_of(payloads[i]), hear, &h) != ST_MALFORMED)
            fail_msg("%s", payloads[i]);
        if (strcmp(payloads[i], "{\"method\": 7}") != 0 &&
            sim_device_on_push(d, slice_of(payloads[i]), hear, &h) != ST_MALFORMED)
            fail_msg("%s", payloads[i]);
    }
    assert_int_equal(h.attributes + h.replies, 0);
    sim_device_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEMP_DATA_TEST(every_kind_reports_and_tells),
        TEMP_DATA_TEST(the_name_says_what_is_simulated),
        TEMP_DATA_TEST(values_stay_within_their_bounds),
        TEMP_DATA_TEST(the_same_seed_gives_the_same_device),
        TEMP_DATA_TEST(pushed_attributes_come_back_and_stay),
        TEMP_DATA_TEST(hostile_numbers_do_no_harm),
        TEMP_DATA_TEST(commands_are_done_and_answered),
        TEMP_DATA_TEST(nonsense_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
