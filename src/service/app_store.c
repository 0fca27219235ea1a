/*
 * The forms, big-endian. SESSION: version; version of MQTT; expiry (s); when its client went (Unix
 * ms, 0: connected); the last record that it was sent (not in version 1); number of subscriptions;
 * of each the filter behind its length, QoS, flags, identifier, and the number above which it
 * counts. FLIGHT: packet identifier, state.
 */
#include "service/app_store.h"

#include <endian.h>

#include "base/invariant.h"
#include "base/reader.h"
#include "service/app_service.h"
#include "service/events.h"
#include "service/secured_receipt.h"
#include "service/share_membership.h"
#include "service/share_store.h"

enum {
    STORE_VERSION = 2,
    STORE_VERSION_SENT = 2, /* from this one on it has the last record that it was sent */
    STORE_NO_LOCAL = 1,     /* flags of a subscription */
    STORE_RETAIN_AS_PUBLISHED = 2,
    STORE_IS_OWED = 4,     /* a member of a share group, since from_seq */
    STORE_FLIGHT_SENT = 1, /* states of a delivery */
    STORE_FLIGHT_RELEASED = 2,
    STORE_FLIGHT_LEN = 3,
    STORE_SEQ_LEN = sizeof(uint64_t),
    STORE_RECEPTION_TAIL = 1 + sizeof(uint16_t) /* of a key, behind the client identifier */
};

static struct slice client_key(const struct app_session *a)
{
    return slice_make(a->session->client_id, a->session->client_id_len);
}

/* --- sessions -------------------------------------------------------------------------------- */

static void append_subscription(struct buffer *b, const struct app_subscription *sub)
{
    struct slice filter = slice_of(sub->filter);

    buffer_append_u16(b, (uint16_t)filter.len);
    buffer_append_slice(b, filter);
    buffer_append_u8(b, sub->qos);
    buffer_append_u8(b, (uint8_t)((sub->no_local ? STORE_NO_LOCAL : 0) |
                                  (sub->retain_as_published ? STORE_RETAIN_AS_PUBLISHED : 0) |
                                  (sub->is_owed ? STORE_IS_OWED : 0)));
    buffer_append_u32(b, sub->identifier);
    buffer_append_u64(b, sub->from_seq);
}

void app_store_session(struct app_session *a, const struct router_receipt *receipt)
{
    struct session *s = a->session;
    struct buffer value = {0};

    buffer_append_u8(&value, STORE_VERSION);
    buffer_append_u8(&value, (uint8_t)s->version);
    buffer_append_u32(&value, s->expiry_s);
    buffer_append_u64(&value, s->client != NULL ? 0 : (uint64_t)s->worker->unix_ms);
    buffer_append_u64(&value, s->client != NULL ? UINT64_MAX : a->position);
    buffer_append_u32(&value, a->subscription_count);
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next)
        append_subscription(&value, list_entry(n, struct app_subscription, node));
    router_put_row(home_of(s->worker), JOURNAL_TABLE_SESSION, a->project->project_id, client_key(a),
                   buffer_slice(&value), receipt);
    buffer_deinit(&value);
}

/* --- deliveries of QoS 2 --------------------------------------------------------------------- */

/* No client identifier has a zero in it. */
static struct slice flight_key(const struct app_session *a, uint64_t seq, struct buffer *b)
{
    b->len = 0;
    buffer_append_slice(b, client_key(a));
    buffer_append_u8(b, 0);
    buffer_append_u64(b, seq);
    return buffer_slice(b);
}

void app_store_flight(struct app_session *a, const struct flow_out_entry *e)
{
    struct router_receipt receipt = secured_receipt_of_entry(a->session, e);
    bool is_released = e->state == FLOW_OUT_WAIT_PUBCOMP;
    uint8_t value[STORE_FLIGHT_LEN] = {(uint8_t)(e->packet_id >> 8), (uint8_t)e->packet_id,
                                       is_released ? STORE_FLIGHT_RELEASED : STORE_FLIGHT_SENT};
    struct buffer key = {0};

    if (!is_released)
        buffer_append(&a->flights, &e->delivery.seq, sizeof(e->delivery.seq));
    router_put_row(home_of(a->session->worker), JOURNAL_TABLE_FLIGHT, a->project->project_id,
                   flight_key(a, e->delivery.seq, &key), slice_make(value, sizeof(value)),
                   &receipt);
    buffer_deinit(&key);
}

static void remove_flight(struct app_session *a, uint64_t seq, struct buffer *key)
{
    router_put_row(home_of(a->session->worker), JOURNAL_TABLE_FLIGHT, a->project->project_id,
                   flight_key(a, seq, key), slice_make(NULL, 0), NULL);
}

/* Numbers are noted in the order in which they are sent, and so grow. */
void app_store_passed(struct app_session *a, uint64_t seq)
{
    struct buffer key = {0};
    size_t used = 0;

    while (used < a->flights.len) {
        uint64_t number;

        memcpy(&number, a->flights.data + used, sizeof(number));
        if (number > seq)
            break;
        remove_flight(a, number, &key);
        used += sizeof(number);
    }
    if (used == a->flights.len)
        buffer_deinit(&a->flights);
    else
        buffer_consume(&a->flights, used);
    if (a->resumed_count > 0 && a->resumed[a->resumed_count - 1].seq <= seq) {
        mem_free(a->resumed);
        a->resumed = NULL;
        a->resumed_count = 0;
    }
    buffer_deinit(&key);
}

void app_store_reception(const struct app_session *a, uint16_t packet_id, struct buffer *out)
{
    if (!a->is_stored)
        return;
    buffer_append_slice(out, client_key(a));
    buffer_append_u8(out, 0);
    buffer_append_u16(out, packet_id);
}

void app_store_released(struct app_session *a, uint16_t packet_id)
{
    struct buffer key = {0};

    app_store_reception(a, packet_id, &key);
    if (key.len > 0)
        router_put_row(home_of(a->session->worker), JOURNAL_TABLE_APP_RECEPTION,
                       a->project->project_id, buffer_slice(&key), slice_make(NULL, 0), NULL);
    buffer_deinit(&key);
}

void app_store_remove(struct app_session *a)
{
    struct router_receipt receipt = secured_receipt_of_end(a->session);
    const struct flow_in *in = &a->session->in;

    for (uint32_t i = 0; i < in->count; i++)
        app_store_released(a, in->receptions[i].packet_id);
    app_store_passed(a, UINT64_MAX);
    router_put_row(home_of(a->session->worker), JOURNAL_TABLE_SESSION, a->project->project_id,
                   client_key(a), slice_make(NULL, 0), &receipt);
}

const struct app_flight *app_store_resumed(const struct app_session *a, uint64_t seq)
{
    size_t low = 0, high = a->resumed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (a->resumed[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->resumed_count && a->resumed[low].seq == seq ? &a->resumed[low] : NULL;
}

/* --- forms ----------------------------------------------------------------------------------- */

static bool session_is_sound(struct slice key, struct slice value)
{
    struct reader r = reader_of(value);
    uint8_t form = reader_u8(&r);
    uint32_t count;

    (void)reader_bytes(&r, 1 + sizeof(uint32_t) + sizeof(uint64_t));
    if (form >= STORE_VERSION_SENT)
        (void)reader_u64(&r);
    count = reader_u32(&r);
    for (uint32_t i = 0; i < count && r.status == ST_OK; i++) {
        if (reader_prefixed(&r).len == 0 || reader_u8(&r) > 2) /* filter, QoS */
            return false;
        (void)reader_bytes(&r, 1 + sizeof(uint32_t) + sizeof(uint64_t));
    }
    return r.status == ST_OK && reader_left(&r) == 0 && form > 0 && form <= STORE_VERSION &&
           key.len <= SESSION_CLIENT_ID_MAX;
}

/* A client identifier, a zero, and so many bytes. */
static bool key_is_sound(struct slice key, size_t len)
{
    return key.len > len + 1 && key.data[key.len - len - 1] == 0;
}

bool app_store_row_is_sound(enum journal_table table, struct slice key, struct slice value)
{
    switch (table) {
    case JOURNAL_TABLE_SESSION:
        return session_is_sound(key, value);
    case JOURNAL_TABLE_FLIGHT:
        return key_is_sound(key, STORE_SEQ_LEN) && value.len == STORE_FLIGHT_LEN &&
               value.data[2] >= STORE_FLIGHT_SENT && value.data[2] <= STORE_FLIGHT_RELEASED;
    default:
        return key_is_sound(key, sizeof(uint16_t)) && value.len == 1;
    }
}

/* --- at start -------------------------------------------------------------------------------- */

struct loading {
    struct worker_group *group;
    struct journal *journal;
    struct app_session *session; /* whose flights are read; NULL: of none that is there */
    uint64_t project_id;
    struct buffer client_id; /* owned: of that one */
    struct buffer expired;   /* owned: sessions whose time is over */
};

static void report_damaged(uint64_t project_id, struct slice client_id)
{
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, project_id, text);
    log_event(EV_APP_ROW_DAMAGED, "project", text, "client", log_slice(client_id));
}

static bool load_subscription(struct app_session *a, struct reader *r)
{
    struct app_stored_subscription s = {.filter = reader_bytes(r, reader_u16(r))};
    uint8_t flags;

    s.qos = reader_u8(r);
    flags = reader_u8(r);
    s.no_local = (flags & STORE_NO_LOCAL) != 0;
    s.retain_as_published = (flags & STORE_RETAIN_AS_PUBLISHED) != 0;
    s.is_owed = (flags & STORE_IS_OWED) != 0;
    s.identifier = reader_u32(r);
    s.from_seq = reader_u64(r);
    return r->status == ST_OK && s.qos <= 2 && app_subscription_restore(a, &s);
}

static struct session *make_session(struct worker *w, uint64_t project_id, struct slice client_id,
                                    struct reader *r, uint64_t *left_ms)
{
    uint8_t form = reader_u8(r);
    uint8_t version = reader_u8(r);
    uint32_t expiry_s = reader_u32(r);
    uint64_t gone_ms = reader_u64(r);
    uint64_t again_seq = form < STORE_VERSION_SENT ? UINT64_MAX : reader_u64(r);
    struct session *s;

    if (r->status != ST_OK || form == 0 || form > STORE_VERSION ||
        client_id.len > SESSION_CLIENT_ID_MAX || home_find_project(home_of(w), project_id) == NULL)
        return NULL;
    s = session_open(w, &app_service, project_id, client_id);
    s->version = (enum mqtt_version)version;
    s->expiry_s = expiry_s;
    app_feed_reopen(app_session_of(s), again_seq);
    *left_ms = session_time_left(expiry_s, gone_ms, w->unix_ms);
    return s;
}

static void load_session(uint64_t project_id, struct slice client_id, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct worker *w =
        worker_group_get(x->group, app_service_home_of(x->group, project_id, client_id));
    struct reader r = reader_of(value);
    uint64_t left_ms = 0;
    struct session *s = make_session(w, project_id, client_id, &r, &left_ms);
    uint32_t count = reader_u32(&r);

    if (s == NULL) {
        report_damaged(project_id, client_id);
        return;
    }
    for (uint32_t i = 0; i < count && r.status == ST_OK; i++) {
        if (!load_subscription(app_session_of(s), &r))
            report_damaged(project_id, client_id);
    }
    session_restore(s, left_ms);
    if (left_ms == 0)
        buffer_append(&x->expired, &s, sizeof(s));
    share_membership_disconnected(app_session_of(s));
}

/* Whose row this is; rows of one session stand side by side. */
static struct app_session *session_of_flight(struct loading *x, uint64_t project_id,
                                             struct slice client_id)
{
    struct worker *w;
    struct session *s;

    if (x->session != NULL && x->project_id == project_id &&
        slice_equal(client_id, buffer_slice(&x->client_id)))
        return x->session;
    w = worker_group_get(x->group, app_service_home_of(x->group, project_id, client_id));
    s = session_find(w, &app_service, project_id, client_id);
    x->session = s == NULL ? NULL : app_session_of(s);
    x->project_id = project_id;
    x->client_id.len = 0;
    buffer_append_slice(&x->client_id, client_id);
    return x->session;
}

static void add_resumed(struct app_session *a, uint64_t seq, struct slice value)
{
    struct app_flight *f;

    if ((a->resumed_count & (a->resumed_count - 1)) == 0)
        a->resumed = mem_resize(MEM_SESSION, a->resumed,
                                (a->resumed_count == 0 ? 1 : a->resumed_count * 2) * sizeof(*f));
    f = &a->resumed[a->resumed_count++];
    *f = (struct app_flight){.seq = seq,
                             .packet_id = (uint16_t)(value.data[0] << 8 | value.data[1]),
                             .was_released = value.data[2] == STORE_FLIGHT_RELEASED};
    buffer_append(&a->flights, &seq, sizeof(seq));
    flow_out_reserve(&a->session->out, f->packet_id);
}

static void load_flight(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct app_session *a;
    uint64_t seq;

    if (key.len <= STORE_SEQ_LEN + 1 || value.len != STORE_FLIGHT_LEN) {
        report_damaged(project_id, key);
        return;
    }
    memcpy(&seq, key.data + key.len - STORE_SEQ_LEN, sizeof(seq));
    a = session_of_flight(x, project_id, slice_make(key.data, key.len - STORE_SEQ_LEN - 1));
    if (a != NULL)
        add_resumed(a, be64toh(seq), value);
}

static void load_reception(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct app_session *a;
    uint16_t packet_id;

    (void)value;
    if (key.len <= STORE_RECEPTION_TAIL) {
        report_damaged(project_id, key);
        return;
    }
    packet_id = (uint16_t)(key.data[key.len - 2] << 8 | key.data[key.len - 1]);
    a = session_of_flight(x, project_id, slice_make(key.data, key.len - STORE_RECEPTION_TAIL));
    if (a != NULL && !flow_in_restore(&a->session->in, packet_id))
        report_damaged(project_id, key);
}

/* An identifier that was given anew tells that the delivery that had it before is over. */
static void mark_over(struct app_session *a)
{
    uint8_t *seen = mem_new(MEM_SESSION, UINT16_MAX / 8 + 1);

    for (size_t i = a->resumed_count; i > 0; i--) {
        struct app_flight *f = &a->resumed[i - 1];
        uint8_t bit = (uint8_t)(1u << (f->packet_id & 7));

        f->is_over = (seen[f->packet_id >> 3] & bit) != 0;
        seen[f->packet_id >> 3] |= bit;
    }
    mem_free(seen);
}

static void settle_flights(struct worker_group *g)
{
    for (unsigned i = 0; i < worker_group_count(g); i++) {
        struct site *site = site_of(worker_group_get(g, i));

        for (struct list *n = site->feeds.next; n != &site->feeds; n = n->next) {
            struct app_session *a = list_entry(n, struct app_session, feed_node);

            if (a->resumed_count > 0)
                mark_over(a);
        }
    }
}

/* With all that the journal has of them; before a client of theirs can come. */
static void close_expired(struct loading *x)
{
    for (size_t at = 0; at < x->expired.len; at += sizeof(struct session *)) {
        struct session *s;

        memcpy(&s, x->expired.data + at, sizeof(s));
        session_close(s);
    }
    buffer_deinit(&x->expired);
}

enum status app_store_load(struct worker_group *g, struct journal *j)
{
    struct loading x = {.group = g, .journal = j};
    enum status st = journal_each(j, JOURNAL_TABLE_SESSION, load_session, &x);
    enum status shares;

    if (st == ST_OK)
        st = journal_each(j, JOURNAL_TABLE_FLIGHT, load_flight, &x);
    if (st == ST_OK)
        st = journal_each(j, JOURNAL_TABLE_APP_RECEPTION, load_reception, &x);
    settle_flights(g);
    shares = share_store_load(g, j); /* whatever was before: groups must hear of all members */
    if (st == ST_OK)
        st = shares;
    close_expired(&x);
    buffer_deinit(&x.client_id);
    return st;
}
