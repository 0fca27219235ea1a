/*
 * Two good clients beside those of the script. The device is one of the project's, whose password
 * the script knows, too: if another client takes their places, they are content.
 */
#include "../sim/peer_packet.h"
#include "base/invariant.h"
#include "script_packet.h"
#include "script_priv.h"

#define BYSTANDER_DEVICE "DU_SIM0000003"
#define BYSTANDER_LAST   "the last one"

static struct script_client *app_of(struct script_stage *s)
{
    return &s->clients[SCRIPT_BYSTANDER_APP];
}

static struct script_client *device_of(struct script_stage *s)
{
    return &s->clients[SCRIPT_BYSTANDER_DEVICE];
}

static void app_hears(void *arg, struct slice topic, struct slice payload)
{
    struct script_stage *s = arg;

    (void)topic;
    if (slice_is(payload, BYSTANDER_LAST))
        s->has_heard_last = true;
}

/* Each command is answered with itself, which has the form of a reply. */
static void device_hears(void *arg, struct slice topic, struct slice payload)
{
    struct script_stage *s = arg;

    if (slice_is(topic, "command_send/" BYSTANDER_DEVICE))
        peer_write_publish(&device_of(s)->audit.answers, false,
                           slice_of("command_reply/" BYSTANDER_DEVICE), payload, 0, false, 0);
}

static void come(struct script_client *c, const struct peer_connect *connect,
                 const char *const *filters, audit_publish_fn hears)
{
    struct buffer *b = &c->stage->scratch;

    if (c->link != NULL)
        return;
    script_client_open(c, 0, 0);
    if (c->link == NULL)
        return;
    c->audit.acknowledges = true;
    c->audit.on_publish = hears;
    c->audit.arg = c->stage;
    peer_write_connect(b, connect);
    for (uint16_t i = 0; i < 2; i++)
        peer_write_subscribe(b, false, (uint16_t)(i + 1), filters[i], 1, 0);
    script_client_send(c, b);
}

void script_bystanders_come(struct script_stage *s)
{
    static const char *const app_filters[] = {"open/" WORLD_PROJECT "/#",
                                              "$open/" WORLD_PROJECT "/#"};
    static const char *const device_filters[] = {"attributes_push/" BYSTANDER_DEVICE,
                                                 "command_send/" BYSTANDER_DEVICE};
    struct peer_connect app = {.is_clean = !s->bystander_is_durable,
                               .client_id = "bystander",
                               .username = WORLD_PROJECT,
                               .password = WORLD_PASSWORD};
    struct peer_connect device = {
        .client_id = "bystander", .username = BYSTANDER_DEVICE, .password = WORLD_PASSWORD};

    come(app_of(s), &app, app_filters, app_hears);
    come(device_of(s), &device, device_filters, device_hears);
}

static void write_publication(struct buffer *b, uint8_t what, uint16_t packet_id, size_t size)
{
    static const char *const topics[] = {
        "attributes/" BYSTANDER_DEVICE,          "event_report/" BYSTANDER_DEVICE,
        "data/" BYSTANDER_DEVICE "/stream",      "open/" WORLD_PROJECT "/@/attributes_push",
        "open/" WORLD_PROJECT "/@/command_send",
    };
    static const char *const devices[] = {"DU_SIM0000000", "DU_SIM0000001", "DU_SIM0000002",
                                          BYSTANDER_DEVICE};
    char topic[SCRIPT_NAME_ROOM];
    struct buffer payload = {0};
    uint8_t qos = what >> 3 & 1;

    script_name(topic, "", topics[what % 5], devices[what >> 4 & 3]);
    buffer_append_text(&payload, "{\"method\":\"m\",\"params\":\"");
    memset(buffer_reserve(&payload, size), 'x', size);
    payload.len += size;
    buffer_append_text(&payload, "\"}");
    peer_write_publish(b, false, slice_of(topic), buffer_slice(&payload), qos, false,
                       qos == 0 ? 0 : packet_id);
    buffer_deinit(&payload);
}

void script_bystanders_publish(struct script_stage *s, uint8_t what, unsigned count, size_t size)
{
    struct script_client *c = what % 5 < 3 ? device_of(s) : app_of(s);

    for (unsigned i = 0; i < count && s->traffic_left > size; i++) {
        s->traffic_left -= size;
        write_publication(&s->scratch, what, (uint16_t)(100 + i), size);
        script_client_send(c, &s->scratch);
    }
}

/* What may end a good client's connection. */
static bool was_taken_over(const struct script_client *c)
{
    return c->link == NULL || c->link->conn == NULL;
}

void script_bystanders_check(struct script_stage *s)
{
    if (s->is_disturbed || was_taken_over(app_of(s)) || was_taken_over(device_of(s)))
        return;
    peer_write_publish(&s->scratch, false, slice_of("data/" BYSTANDER_DEVICE "/last"),
                       slice_of(BYSTANDER_LAST), 1, false, 99);
    script_client_send(device_of(s), &s->scratch);
    script_settle(s);
    invariant(s->has_heard_last);
}
