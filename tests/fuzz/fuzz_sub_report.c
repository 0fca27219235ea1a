/*
 * What a gateway says of its sub-devices, on every topic of both dialects.
 *
 * The first byte of the input chooses the topic, the rest is the payload. Below the gateway stands
 * a tree of sub-devices, "1", "2" and "3" at three levels. Handled whole: whatever the payload is,
 * the verdict is one of those that a gateway may get, only what is no JSON ends its connection, and
 * what a payload of attributes reports can be said again, as the other form, with the same result.
 */
#include <stdlib.h>

#include "../sim/world.h"
#include "base/invariant.h"
#include "platform/sub_device.h"
#include "service/sub_desk.h"

enum { TEXT_MAX = 1 << 16, LEVELS = 3, BRANCHES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;
static struct device *gateway;
static struct json_parser *parser, *deeper; /* a list has a level more than the `gateway_` form */

static void plant(struct device *parent, unsigned level)
{
    static const char *const addresses[BRANCHES] = {"1", "2", "3"};
    static uint64_t last_id = 5000;
    struct secret_digest password = secret_digest_of(slice_of("x"));

    for (unsigned i = 0; level < LEVELS && i < BRANCHES; i++) {
        struct device *d = home_add_device(gateway->home, gateway->project->project->project_id,
                                           ++last_id, &password, true);

        sub_device_place(d, parent, slice_of(addresses[i]));
        plant(d, level + 1);
    }
}

static void prepare(void)
{
    world_prepare();
    world_open(&world, 1, 1, 1, 10);
    gateway = home_find_device(home_of(worker_group_get(world.workers, 0)),
                               ident_parse(IDENT_DEVICE, slice_of(world.devices[0])));
    invariant(gateway != NULL);
    plant(gateway, 0);
    device_came(gateway);
    parser = json_parser_new_deep(WORLD_PACKET_MAX, SUB_PAYLOAD_DEPTH_MAX);
    deeper = json_parser_new_deep((size_t)TEXT_MAX * 16, SUB_PAYLOAD_DEPTH_MAX + 2);
}

/* A copy with readable bytes behind it; any content. */
static struct slice padded(struct buffer *room, struct slice text)
{
    room->len = 0;
    buffer_append_slice(room, text);
    memset(buffer_reserve(room, JSON_PADDING), '"', JSON_PADDING);
    return buffer_slice(room);
}

/* --- the same in another form ---------------------------------------------------------------- */

static void on_fault(struct device *d, const char *why, void *arg)
{
    invariant(d->home == gateway->home && why[0] != '\0');
    ++*(unsigned *)arg;
}

static void append_element(const struct sub_report_entry *e, struct buffer *out)
{
    struct sub_path path;

    sub_path_of(e->device, &path);
    buffer_append_text(out, out->len > 1 ? ",{" : "{");
    sub_path_append(SUB_DIALECT_SUB, DEVICE_TOPIC_SUB_ATTRIBUTES_PUSH, &path, out);
    if (e->ts_ms != 0)
        buffer_printf(out, "\"ts\": %lld, ", (long long)e->ts_ms);
    buffer_append_text(out, "\"attributes\": ");
    buffer_append_slice(out, e->attributes);
    buffer_append_u8(out, '}');
}

static void check_same(const struct buffer *a, const struct buffer *b)
{
    const struct sub_report_entry *x = (const struct sub_report_entry *)(const void *)a->data;
    const struct sub_report_entry *y = (const struct sub_report_entry *)(const void *)b->data;

    invariant(a->len == b->len);
    for (size_t i = 0; i < a->len / sizeof(*x); i++)
        invariant(x[i].device == y[i].device && x[i].ts_ms == y[i].ts_ms &&
                  slice_equal(x[i].attributes, y[i].attributes));
}

/* What was gathered, said again as a list, is gathered again, and no fault is in it. */
static void check_list(const struct buffer *entries)
{
    struct buffer text = {0}, again = {0}, room = {0};
    struct slice value;
    unsigned faults = 0;

    buffer_append_u8(&text, '[');
    for (size_t at = 0; at < entries->len; at += sizeof(struct sub_report_entry)) {
        struct sub_report_entry e;

        memcpy(&e, entries->data + at, sizeof(e));
        append_element(&e, &text);
    }
    buffer_append_u8(&text, ']');
    invariant(json_check(deeper, padded(&room, buffer_slice(&text)), &value) == ST_OK);
    sub_payload_gather(SUB_DIALECT_SUB, gateway, deeper, value, &again, on_fault, &faults);
    invariant(faults == 0);
    check_same(entries, &again);
    buffer_deinit(&text);
    buffer_deinit(&again);
    buffer_deinit(&room);
}

static void check_gathering(enum sub_dialect dialect, struct slice text)
{
    struct buffer entries = {0}, room = {0};
    unsigned faults = 0;
    struct slice value;

    if (json_check(parser, padded(&room, text), &value) == ST_OK &&
        (value.data[0] == '{' || value.data[0] == '[')) {
        sub_payload_gather(dialect, gateway, parser, value, &entries, on_fault, &faults);
        check_list(&entries);
    }
    buffer_deinit(&entries);
    buffer_deinit(&room);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void check_verdict(enum device_topic topic, struct slice text,
                          const struct service_verdict *v)
{
    struct buffer room = {0};
    struct slice value = {0};
    bool is_json = json_check(parser, padded(&room, text), &value) == ST_OK;
    bool is_container = is_json && (value.data[0] == '{' ||
                                    (value.data[0] == '[' && topic == DEVICE_TOPIC_SUB_ATTRIBUTES));

    invariant(!v->is_later); /* nothing is made here: there is no product */
    invariant((v->then_disconnect != REASON_SUCCESS) == !is_container);
    switch (v->reason) {
    case REASON_SUCCESS:
        break;
    case REASON_PAYLOAD_FORMAT_INVALID:
    case REASON_IMPLEMENTATION_ERROR:
        invariant(v->why.len > 0);
        break;
    default:
        invariant(false);
    }
    buffer_deinit(&room);
}

static void handle(enum device_topic topic, struct slice text)
{
    struct buffer room = {0};
    struct device_input in = {.device = gateway,
                              .kind = topic,
                              .topic = slice_of("sub_x/DU_SIM0000000"),
                              .payload = padded(&room, text)};
    struct service_verdict v = device_topic_handle(&in);

    check_verdict(topic, text, &v);
    buffer_deinit(&room);
    world_turn(&world, 0);
    world_advance(&world, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum device_topic topic;
    struct slice text;

    if (gateway == NULL)
        prepare();
    if (size < 1 || size > TEXT_MAX)
        return 0;
    topic = (enum device_topic)(DEVICE_TOPIC_SUB_CONNECT +
                                data[0] % (DEVICE_TOPIC_COUNT - DEVICE_TOPIC_SUB_CONNECT));
    if (device_topic_direction(topic) != DEVICE_UP)
        return 0;
    text = slice_make(data + 1, size - 1);
    handle(topic, text);
    check_gathering(sub_topic_dialect(topic), text);
    return 0;
}
