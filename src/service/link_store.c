/*
 * The forms, big-endian. Table `downlink`, named by the device alone: version; version of MQTT;
 * expiry (s); when its client went (Unix ms, 0: connected); client identifier behind its length;
 * number of subscriptions; of each the word of its topic and the stream behind their lengths,
 * whether it is mapped, QoS, identifier. Named by the device and a number: version; QoS; state;
 * packet identifier; subscription identifier; end of its life (Unix ms, 0: none); trace; topic and
 * properties behind their lengths; payload. Table `reception`: device and packet identifier.
 */
#include "service/link_store.h"

#include "base/invariant.h"
#include "base/reader.h"
#include "platform/device_store.h"
#include "service/device_service.h"
#include "service/secured_receipt.h"
#include "service/sub_link.h"

enum { STORE_VERSION = 1, DEVICE_LEN = sizeof(uint64_t), NUMBER_LEN = sizeof(uint64_t) };

enum delivery_state { STATE_QUEUED, STATE_SENT, STATE_RELEASED, STATE_COUNT };

static void put(struct device_link *link, enum journal_table table, struct slice name,
                struct slice value, const struct router_receipt *receipt)
{
    const struct device *d = link->device;
    struct buffer key = {0};

    buffer_append_u64(&key, d->device_id);
    buffer_append_slice(&key, name);
    router_put_row(d->home, table, d->project->project->project_id, buffer_slice(&key), value,
                   receipt);
    buffer_deinit(&key);
}

static void put_number(struct device_link *link, uint64_t number, struct slice value,
                       const struct router_receipt *receipt)
{
    struct buffer name = {0};

    buffer_append_u64(&name, number);
    put(link, JOURNAL_TABLE_DOWNLINK, buffer_slice(&name), value, receipt);
    buffer_deinit(&name);
}

/* --- sessions -------------------------------------------------------------------------------- */

static void append_short(struct buffer *b, struct slice s)
{
    buffer_append_u16(b, (uint16_t)s.len);
    buffer_append_slice(b, s);
}

void link_store_session(struct device_link *link, const struct router_receipt *receipt)
{
    const struct session *s = link->session;
    struct buffer value = {0};

    buffer_append_u8(&value, STORE_VERSION);
    buffer_append_u8(&value, (uint8_t)s->version);
    buffer_append_u32(&value, s->expiry_s);
    buffer_append_u64(&value, s->client != NULL ? 0 : (uint64_t)s->worker->unix_ms);
    append_short(&value, slice_make(s->client_id, s->client_id_len));
    buffer_append_u32(&value, link->count);
    for (uint32_t i = 0; i < link->count; i++) {
        const struct device_subscription *sub = &link->subscriptions[i];

        append_short(&value, slice_of(device_topic_word(sub->topic)));
        append_short(&value, slice_of(sub->stream));
        buffer_append_u8(&value, sub->is_mapped);
        buffer_append_u8(&value, sub->qos);
        buffer_append_u32(&value, sub->identifier);
    }
    put(link, JOURNAL_TABLE_DOWNLINK, slice_make(NULL, 0), buffer_slice(&value), receipt);
    buffer_deinit(&value);
    device_store_due(link->device); /* which device it is of */
}

static void remove_delivery(struct device_link *link, const struct delivery *d)
{
    if (d->seq != 0)
        link_store_over(link, d->seq);
}

bool link_store_remove(struct device_link *link)
{
    struct router_receipt receipt = secured_receipt_of_end(link->session);
    struct slice none = slice_make(NULL, 0);
    struct flow_out *out = &link->session->out;
    const struct flow_out_entry *e;
    const struct delivery *d;
    uint32_t cursor = 0;

    if (!link->is_durable || link->device->home->shared->commit == NULL)
        return false; /* the server stops, and the session will be there again */
    while ((e = flow_out_next(out, &cursor)) != NULL)
        remove_delivery(link, &e->delivery);
    for (cursor = 0; (d = flow_out_next_queued(out, &cursor)) != NULL;)
        remove_delivery(link, d);
    for (uint32_t i = 0; i < link->session->in.count; i++)
        link_store_released(link, link->session->in.receptions[i].packet_id);
    put(link, JOURNAL_TABLE_DOWNLINK, none, none, &receipt);
    return true;
}

/* --- deliveries ------------------------------------------------------------------------------ */

uint64_t link_store_number(struct device_link *link, uint8_t qos)
{
    return link->is_durable && qos > 0 ? ++link->last_number : 0;
}

static void put_delivery(struct device_link *link, const struct delivery *d,
                         enum delivery_state state, uint16_t packet_id,
                         const struct router_receipt *receipt)
{
    const struct worker *w = link->session->worker;
    const struct message *m = d->message;
    struct slice properties = message_properties(m);
    struct buffer value = {0};
    int64_t ends_ms = 0;

    if (m->expires_ms != 0)
        ends_ms = w->unix_ms + (int64_t)(m->expires_ms - w->now_ms);
    buffer_append_u8(&value, STORE_VERSION);
    buffer_append_u8(&value, d->qos);
    buffer_append_u8(&value, (uint8_t)state);
    buffer_append_u16(&value, packet_id);
    buffer_append_u32(&value, d->subscription_id);
    buffer_append_u64(&value, (uint64_t)ends_ms);
    buffer_append_u64(&value, d->trace);
    append_short(&value, message_topic(m));
    buffer_append_u32(&value, (uint32_t)properties.len);
    buffer_append_slice(&value, properties);
    buffer_append_slice(&value, message_payload(m));
    put_number(link, d->seq, buffer_slice(&value), receipt);
    buffer_deinit(&value);
}

void link_store_queued(struct device_link *link, const struct delivery *d)
{
    if (d->seq != 0)
        put_delivery(link, d, STATE_QUEUED, 0, NULL);
}

void link_store_sent(struct device_link *link, const struct flow_out_entry *e)
{
    struct router_receipt receipt = secured_receipt_of_entry(link->session, e);

    put_delivery(link, &e->delivery,
                 e->state == FLOW_OUT_WAIT_PUBCOMP ? STATE_RELEASED : STATE_SENT, e->packet_id,
                 e->delivery.qos == 2 ? &receipt : NULL);
}

void link_store_over(struct device_link *link, uint64_t number)
{
    put_number(link, number, slice_make(NULL, 0), NULL);
}

/* --- receptions ------------------------------------------------------------------------------ */

static void put_reception(struct device_link *link, uint16_t packet_id, struct slice value)
{
    struct buffer name = {0};

    if (!link->is_durable)
        return;
    buffer_append_u16(&name, packet_id);
    put(link, JOURNAL_TABLE_RECEPTION, buffer_slice(&name), value, NULL);
    buffer_deinit(&name);
}

void link_store_received(struct device_link *link, uint16_t packet_id)
{
    static const uint8_t version = STORE_VERSION;

    put_reception(link, packet_id, slice_make(&version, sizeof(version)));
}

void link_store_released(struct device_link *link, uint16_t packet_id)
{
    put_reception(link, packet_id, slice_make(NULL, 0));
}

/* --- at start -------------------------------------------------------------------------------- */

struct loading {
    struct worker_group *group;
    enum journal_table table;
};

static struct device *find_device(const struct loading *x, uint64_t project_id, uint64_t device_id)
{
    unsigned index = home_of_device(home_of(worker_group_get(x->group, 0)), device_id);
    struct device *d = home_find_device(home_of(worker_group_get(x->group, index)), device_id);

    /* One that has been connected has a row of its own; another one of its name has not. */
    return d != NULL && d->is_stored && d->project->project->project_id == project_id ? d : NULL;
}

static bool find_topic(struct slice word, enum device_topic *out)
{
    for (unsigned i = 0; i < DEVICE_TOPIC_COUNT; i++) {
        if (device_topic_direction((enum device_topic)i) == DEVICE_DOWN &&
            slice_is(word, device_topic_word((enum device_topic)i))) {
            *out = (enum device_topic)i;
            return true;
        }
    }
    return false;
}

static bool load_subscription(struct device_link *link, struct reader *r)
{
    struct slice word = reader_prefixed(r);
    struct slice stream = reader_prefixed(r);
    struct device_subscription s = {.is_mapped = reader_u8(r) != 0, .qos = reader_u8(r)};

    s.identifier = reader_u32(r);
    if (r->status != ST_OK || s.qos > 2 || stream.len > IDENT_MEMBER_MAX ||
        !find_topic(word, &s.topic))
        return false;
    if (stream.len > 0)
        memcpy(s.stream, stream.data, stream.len);
    device_link_add(link, &s);
    return true;
}

static bool load_session(struct device *d, struct reader *r)
{
    struct worker *w = d->home->worker;
    uint8_t form = reader_u8(r);
    uint8_t version = reader_u8(r);
    uint32_t expiry_s = reader_u32(r);
    uint64_t gone_ms = reader_u64(r);
    struct slice client_id = reader_prefixed(r);
    uint32_t count = reader_u32(r);
    uint64_t left_ms = session_time_left(expiry_s, gone_ms, w->unix_ms);
    struct session *s;

    if (r->status != ST_OK || form != STORE_VERSION || d->sub != NULL || d->link != NULL ||
        client_id.len > SESSION_CLIENT_ID_MAX || left_ms == 0)
        return false;
    s = session_open(w, &device_service, d->device_id, client_id);
    s->version = (enum mqtt_version)version;
    s->expiry_s = expiry_s;
    ((struct device_link *)d->link)->is_durable = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!load_subscription(d->link, r))
            break;
    }
    session_restore(s, left_ms);
    return true;
}

/* The message of a row, from its topic on; NULL: damaged, or its life is over. */
static struct message *load_message(const struct worker *w, struct reader *r, int64_t ends_ms)
{
    struct slice topic = reader_prefixed(r);
    struct slice properties = reader_bytes(r, reader_u32(r));
    struct slice payload = reader_bytes(r, reader_left(r));
    struct message *m;

    if (r->status != ST_OK || topic.len == 0 || (ends_ms != 0 && ends_ms <= w->unix_ms))
        return NULL;
    m = message_new(sizeof(struct message), topic, properties, payload);
    if (ends_ms != 0)
        m->expires_ms = w->now_ms + (uint64_t)(ends_ms - w->unix_ms);
    return m;
}

static bool load_delivery(struct device_link *link, uint64_t number, struct reader *r)
{
    struct delivery d = {.seq = number};
    uint8_t form = reader_u8(r), state;
    uint16_t packet_id;
    int64_t ends_ms;

    d.qos = reader_u8(r);
    state = reader_u8(r);
    packet_id = reader_u16(r);
    d.subscription_id = reader_u32(r);
    ends_ms = (int64_t)reader_u64(r);
    d.trace = reader_u64(r);
    if (r->status != ST_OK || form != STORE_VERSION || d.qos == 0 || d.qos > 2 ||
        state >= STATE_COUNT)
        return false;
    if (state != STATE_QUEUED) {
        d.resumed_id = packet_id;
        d.was_released = state == STATE_RELEASED;
        ends_ms = d.was_released ? 0 : ends_ms; /* its message does not go again */
    }
    d.message = load_message(link->session->worker, r, ends_ms);
    if (d.message == NULL)
        return false;
    if ((d.trace & SUB_TRACE_BIT) != 0) /* of a sub-device, by the link's own number: it is gone */
        d.trace = 0;
    link->last_number = number;
    session_queue_beyond(link->session, &d);
    return true;
}

static bool load_row(const struct loading *x, struct device *d, struct slice name,
                     struct slice value)
{
    struct reader key = reader_of(name), r = reader_of(value);
    struct device_link *link = d->link;

    if (x->table == JOURNAL_TABLE_DOWNLINK && name.len == 0)
        return load_session(d, &r);
    if (link == NULL)
        return false;
    if (x->table == JOURNAL_TABLE_DOWNLINK)
        return name.len == NUMBER_LEN && load_delivery(link, reader_u64(&key), &r);
    return name.len == sizeof(uint16_t) && flow_in_restore(&link->session->in, reader_u16(&key));
}

static void on_row(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    const struct loading *x = arg;
    struct reader r = reader_of(key);
    struct device *d = key.len < DEVICE_LEN ? NULL : find_device(x, project_id, reader_u64(&r));

    if (d == NULL || !load_row(x, d, slice_from(key, DEVICE_LEN), value))
        router_put_row(home_of(worker_group_get(x->group, 0)), x->table, project_id, key,
                       slice_make(NULL, 0), NULL);
}

enum status link_store_load(struct worker_group *g, struct journal *j)
{
    struct loading x = {g, JOURNAL_TABLE_DOWNLINK};
    enum status st = journal_each(j, x.table, on_row, &x);

    x.table = JOURNAL_TABLE_RECEPTION;
    return st == ST_OK ? journal_each(j, x.table, on_row, &x) : st;
}

/* --- from outside ---------------------------------------------------------------------------- */

static bool session_is_sound(struct reader *r)
{
    uint8_t form = reader_u8(r);
    uint32_t count;

    (void)reader_bytes(r, 1 + sizeof(uint32_t) + sizeof(uint64_t));
    (void)reader_prefixed(r); /* client identifier */
    count = reader_u32(r);
    for (uint32_t i = 0; i < count && r->status == ST_OK; i++) {
        (void)reader_prefixed(r); /* word, stream */
        (void)reader_prefixed(r);
        (void)reader_u8(r);
        if (reader_u8(r) > 2)
            return false;
        (void)reader_u32(r);
    }
    return r->status == ST_OK && reader_left(r) == 0 && form == STORE_VERSION;
}

static bool delivery_is_sound(struct reader *r)
{
    uint8_t form = reader_u8(r), qos = reader_u8(r), state = reader_u8(r);
    struct slice topic;

    (void)reader_bytes(r, sizeof(uint16_t) + sizeof(uint32_t) + 2 * sizeof(uint64_t));
    topic = reader_prefixed(r);
    (void)reader_bytes(r, reader_u32(r)); /* properties; the rest is the payload */
    return r->status == ST_OK && form == STORE_VERSION && (qos == 1 || qos == 2) &&
           state < STATE_COUNT && topic.len > 0;
}

bool link_store_row_is_sound(enum journal_table table, struct slice key, struct slice value)
{
    struct reader r = reader_of(value);

    if (table == JOURNAL_TABLE_RECEPTION)
        return key.len == DEVICE_LEN + sizeof(uint16_t) && value.len == 1 &&
               value.data[0] == STORE_VERSION;
    if (key.len == DEVICE_LEN)
        return session_is_sound(&r);
    return key.len == DEVICE_LEN + NUMBER_LEN && delivery_is_sound(&r);
}
