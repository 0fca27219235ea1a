/* The form of a row, big-endian: packet identifier, state, client identifier. */
#include "service/share_store.h"

#include <endian.h>

#include "base/reader.h"
#include "platform/open_record.h"
#include "platform/router.h"
#include "service/app_service.h"
#include "service/events.h"
#include "service/share_membership.h"

enum {
    SHARE_NAME_MAX = 400, /* bytes of a name that stand in a key; a longer one has a hash there */
    SHARE_FLIGHT_SENT = 1,
    SHARE_FLIGHT_RELEASED = 2,
    SHARE_FLIGHT_HEAD_LEN = 3,
    SHARE_SEQ_LEN = sizeof(uint64_t)
};

void share_store_key(struct slice name, struct buffer *out)
{
    out->len = 0;
    buffer_append_u8(out, 0);
    if (name.len <= SHARE_NAME_MAX) {
        buffer_append_slice(out, name);
        return;
    }
    buffer_append_slice(out, slice_make(name.data, SHARE_NAME_MAX));
    buffer_printf(out, "#%016llx", (unsigned long long)hash_content(name));
}

static struct slice flight_key(struct slice group_key, uint64_t seq, struct buffer *out)
{
    buffer_append_slice(out, group_key);
    buffer_append_u64(out, seq);
    return buffer_slice(out);
}

static void open_secured(struct worker *w, const struct letter *l)
{
    struct session *s = session_find_handle(w, l->a);

    if (s != NULL)
        session_secured(s, l->b);
}

void share_store_flight(struct app_session *a, struct slice name, const struct flow_out_entry *e)
{
    struct session *s = a->session;
    struct router_receipt receipt = {
        .open = open_secured, .to = s->worker->index, .a = s->handle, .b = e->issue};
    bool is_released = e->state == FLOW_OUT_WAIT_PUBCOMP;
    struct buffer group = {0}, key = {0}, value = {0};

    share_store_key(name, &group);
    buffer_append_u16(&value, e->packet_id);
    buffer_append_u8(&value, is_released ? SHARE_FLIGHT_RELEASED : SHARE_FLIGHT_SENT);
    buffer_append_slice(&value, slice_make(s->client_id, s->client_id_len));
    router_put_row(home_of(s->worker), JOURNAL_TABLE_SHARE_FLIGHT, a->project->project_id,
                   flight_key(buffer_slice(&group), e->delivery.share_seq, &key),
                   buffer_slice(&value), &receipt);
    buffer_deinit(&group);
    buffer_deinit(&key);
    buffer_deinit(&value);
}

void share_store_remove_flight(struct worker *w, uint64_t project_id, struct slice group_key,
                               uint64_t seq)
{
    struct buffer key = {0};

    router_put_row(home_of(w), JOURNAL_TABLE_SHARE_FLIGHT, project_id,
                   flight_key(group_key, seq, &key), slice_make(NULL, 0), NULL);
    buffer_deinit(&key);
}

bool share_store_row_is_sound(struct slice key, struct slice value)
{
    return key.len > 1 + SHARE_SEQ_LEN && key.data[0] == 0 && value.len >= SHARE_FLIGHT_HEAD_LEN &&
           value.len <= SHARE_FLIGHT_HEAD_LEN + SESSION_CLIENT_ID_MAX &&
           value.data[2] >= SHARE_FLIGHT_SENT && value.data[2] <= SHARE_FLIGHT_RELEASED;
}

/* --- at start -------------------------------------------------------------------------------- */

struct loading {
    struct worker_group *group;
    struct journal *journal;
    struct buffer useless; /* owned: of rows of nobody: project, length of the key, key */
};

/* A row, as far as it is known. */
struct flight {
    uint64_t project_id, seq;
    struct slice group_key, client_id;
    uint16_t packet_id;
    bool was_released;
};

static struct app_subscription *find_subscription(struct app_session *a, struct slice group_key)
{
    struct app_subscription *found = NULL;
    struct buffer key = {0};

    for (struct list *n = a->subscriptions.next; n != &a->subscriptions && found == NULL;
         n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (!sub->is_owed)
            continue;
        share_store_key(share_membership_name(sub), &key);
        if (slice_equal(group_key, buffer_slice(&key)))
            found = sub;
    }
    buffer_deinit(&key);
    return found;
}

struct restoring {
    const struct flight *flight;
    struct app_session *session;
    struct app_subscription *subscription;
    bool is_done;
};

/* It waits in the session's queue, before all others, for its client. */
static bool on_record(const struct journal_record *r, void *arg)
{
    struct restoring *x = arg;
    struct session *s = x->session->session;
    struct open_message *m;
    struct delivery d;

    if (r->seq != x->flight->seq ||
        open_record_read(r->bytes, x->flight->project_id, s->worker->now_ms, s->worker->unix_ms,
                         &m) != ST_OK)
        return false;
    d = (struct delivery){.message = &m->message,
                          .share = share_membership_claim(x->subscription, r->seq),
                          .share_seq = r->seq,
                          .subscription_id = x->subscription->identifier,
                          .qos = 2,
                          .was_released = x->flight->was_released,
                          .resumed_id = x->flight->packet_id};
    flow_out_reserve(&s->out, d.resumed_id);
    session_queue_beyond(s, &d);
    x->is_done = true;
    return false;
}

/* False: nobody has it any more. */
static bool restore(struct loading *x, const struct flight *f)
{
    struct worker *w =
        worker_group_get(x->group, app_service_home_of(x->group, f->project_id, f->client_id));
    struct session *s = session_find(w, &app_service, f->project_id, f->client_id);
    struct restoring r = {.flight = f};
    struct journal_position at;
    uint64_t first;

    if (journal_load_cursor(x->journal, f->project_id, f->group_key, &at) == ST_OK &&
        at.seq >= f->seq)
        return false;
    if (s == NULL)
        return false;
    r.session = app_session_of(s);
    r.subscription = find_subscription(r.session, f->group_key);
    if (r.subscription == NULL)
        return false;
    (void)journal_read(x->journal, f->project_id, f->seq - 1, 1, 1, on_record, &r, &first);
    return r.is_done;
}

static void load_flight(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    struct loading *x = arg;
    struct flight f = {.project_id = project_id};

    if (!share_store_row_is_sound(key, value)) {
        log_event(EV_APP_ROW_DAMAGED, "client", log_slice(key));
        return;
    }
    f.group_key = slice_make(key.data, key.len - SHARE_SEQ_LEN);
    memcpy(&f.seq, key.data + f.group_key.len, sizeof(f.seq));
    f.seq = be64toh(f.seq);
    f.packet_id = (uint16_t)(value.data[0] << 8 | value.data[1]);
    f.was_released = value.data[2] == SHARE_FLIGHT_RELEASED;
    f.client_id = slice_from(value, SHARE_FLIGHT_HEAD_LEN);
    if (restore(x, &f))
        return;
    buffer_append_u64(&x->useless, project_id);
    buffer_append_u16(&x->useless, (uint16_t)key.len);
    buffer_append_slice(&x->useless, key);
}

static void remove_useless(struct loading *x)
{
    struct reader r = reader_of(buffer_slice(&x->useless));

    while (reader_left(&r) > 0) {
        uint64_t project_id = reader_u64(&r);
        struct slice key = reader_bytes(&r, reader_u16(&r));

        router_put_row(home_of(worker_group_get(x->group, 0)), JOURNAL_TABLE_SHARE_FLIGHT,
                       project_id, key, slice_make(NULL, 0), NULL);
    }
    buffer_deinit(&x->useless);
}

static void join_all(struct app_session *a)
{
    for (struct list *n = a->subscriptions.next; n != &a->subscriptions; n = n->next) {
        struct app_subscription *sub = list_entry(n, struct app_subscription, node);

        if (sub->is_shared)
            share_membership_join(sub);
    }
}

enum status share_store_load(struct worker_group *g, struct journal *j)
{
    struct loading x = {.group = g, .journal = j};
    enum status st = journal_each(j, JOURNAL_TABLE_SHARE_FLIGHT, load_flight, &x);

    remove_useless(&x);
    for (unsigned i = 0; i < worker_group_count(g); i++) {
        struct worker *w = worker_group_get(g, i);
        struct session *s;
        size_t cursor = 0;

        while ((s = session_next(w, &cursor)) != NULL) {
            if (s->service == &app_service)
                join_all(app_session_of(s));
        }
    }
    return st;
}
