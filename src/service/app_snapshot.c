/*
 * One object travels: from the session to a device home, which adds the state of some devices, and
 * back, until that home has no more, then to the next home. So at most one piece is under way,
 * whatever the number of devices, and a client that reads slowly is waited for.
 *
 * Where the session takes messages live, a home gives the state of a device where it would give its
 * next message. A session fed by the journal gets a device's messages after their commit, so there
 * the piece comes back through the journal, behind all that its home has published before; if the
 * session has fallen behind meanwhile, the piece is out of date and is asked for again.
 */
#include "service/app_snapshot.h"

#include "base/invariant.h"
#include "platform/device.h"
#include "service/app_notice.h"
#include "service/app_own.h"
#include "service/counters.h"

enum {
    SNAPSHOTS_MAX = 8, /* under way in a session */
    DEVICES_A_PIECE = 64
};

struct snapshot {
    struct list node; /* in app_session.snapshots, while it waits */
    struct open_filter filter;
    struct project_secret *limits; /* a reference; NULL: any device */
    char *text;                    /* owned: the filter as the client wrote it */
    struct app_receiver receiver;
    uint64_t connection;    /* which one of the session */
    bool is_ordered;        /* by the journal */
    unsigned home;          /* which is asked */
    bool is_begun;          /* its devices are known: */
    struct buffer devices;  /* owned: their numbers */
    size_t at, piece;       /* bytes of these that are done; that the last piece took */
    struct buffer messages; /* owned: references, if it is ordered */
};

static void drop_messages(struct snapshot *s)
{
    for (size_t at = 0; at < s->messages.len; at += sizeof(struct open_message *)) {
        struct open_message *m;

        memcpy(&m, s->messages.data + at, sizeof(m));
        open_message_unref(&m);
    }
    s->messages.len = 0;
}

static void snapshot_free(struct snapshot *s)
{
    drop_messages(s);
    buffer_deinit(&s->messages);
    buffer_deinit(&s->devices);
    project_secret_unref(&s->limits);
    list_remove(&s->node);
    mem_free(s->text);
    mem_free(s);
}

/* --- at a device home ------------------------------------------------------------------------ */

static struct open_message *new_message(const struct device *d, enum open_kind kind,
                                        struct slice payload)
{
    const struct project *project = d->project->project;
    struct open_message_parts parts = {.project_id = project->project_id,
                                       .device_id = d->device_id,
                                       .type_id = d->type_id,
                                       .project_text = project_text(project),
                                       .device_text = device_text(d),
                                       .kind = kind,
                                       .payload = payload,
                                       .accepted_ms = d->home->worker->unix_ms};

    return open_message_new(&parts);
}

static bool is_any(struct slice name, const void *arg)
{
    (void)name;
    (void)arg;
    return true;
}

static struct open_message *attributes_of(const struct device *d)
{
    struct buffer payload = {0};
    struct open_message *m;

    if (d->values.count == 0)
        return NULL;
    cloud_values_append_object(&d->values, NULL, 0, is_any, NULL, &payload);
    m = new_message(d, OPEN_KIND_ATTRIBUTES, buffer_slice(&payload));
    buffer_deinit(&payload);
    return m;
}

static struct open_message *alarm_of(const struct device *d)
{
    return new_message(d, OPEN_KIND_ALARM,
                       slice_of(d->is_alarming ? "{\"alerting\": true}" : "{\"alerting\": false}"));
}

static struct open_message *online_of(const struct device *d)
{
    return new_message(d, OPEN_KIND_ONLINE,
                       slice_of(d->is_online ? "{\"online\": true}" : "{\"online\": false}"));
}

/* The kinds that have a state. */
static const struct state {
    enum open_kind kind;
    struct open_message *(*message_of)(const struct device *d); /* NULL: there is none yet */
} states[] = {
    {OPEN_KIND_ATTRIBUTES, attributes_of},
    {OPEN_KIND_ALARM, alarm_of},
    {OPEN_KIND_ONLINE, online_of},
};

static void give(struct home *h, struct snapshot *s, struct open_message *m)
{
    if (s->is_ordered)
        buffer_append(&s->messages, &m, sizeof(m));
    else
        app_own_give(h, &s->receiver, m);
}

static bool is_meant(const struct snapshot *s, const struct device *d)
{
    return (s->filter.device_id == 0 || s->filter.device_id == d->device_id) &&
           (s->limits == NULL || project_secret_allows_device(s->limits, d->device_id, d->type_id));
}

static void find_devices(struct snapshot *s, const struct home_project *p)
{
    s->is_begun = true;
    s->at = s->devices.len = 0;
    for (struct list *n = p == NULL ? NULL : p->devices.next; n != NULL && n != &p->devices;
         n = n->next) {
        const struct device *d = list_entry(n, struct device, project_node);

        if (is_meant(s, d))
            buffer_append(&s->devices, &d->device_id, sizeof(d->device_id));
    }
}

static void give_device(struct home *h, struct snapshot *s, uint64_t device_id)
{
    const struct device *d = home_find_device(h, device_id);

    if (d == NULL || d->project->project->project_id != s->filter.project_id)
        return;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct open_message *m = NULL;

        if ((s->filter.kinds & 1u << states[i].kind) != 0)
            m = states[i].message_of(d);
        if (m != NULL)
            give(h, s, m);
    }
}

static void open_piece(struct worker *w, const struct letter *l);

static void send_back(struct home *h, struct snapshot *s)
{
    struct router_receipt receipt = {
        .open = open_piece, .to = s->receiver.worker, .b = (uint64_t)(uintptr_t)s};
    struct letter letter = {.open = open_piece, .b = receipt.b};

    if (s->is_ordered)
        router_put_barrier(h, s->filter.project_id, &receipt);
    else
        worker_post(h->worker, s->receiver.worker, &letter);
}

static void open_question(struct worker *w, const struct letter *l)
{
    struct snapshot *s = l->object;
    struct home *h = home_of(w);
    size_t begin;

    if (!s->is_begun)
        find_devices(s, home_find_project(h, s->filter.project_id));
    begin = s->at;
    while (s->at < s->devices.len && s->at - begin < DEVICES_A_PIECE * sizeof(uint64_t)) {
        uint64_t device_id;

        memcpy(&device_id, s->devices.data + s->at, sizeof(device_id));
        s->at += sizeof(device_id);
        give_device(h, s, device_id);
    }
    s->piece = s->at - begin;
    send_back(h, s);
}

/* --- at the session's home ------------------------------------------------------------------- */

static void end(struct app_session *a, struct snapshot *s)
{
    uint64_t seq = a->is_durable ? a->position
                                 : journal_last_seq(home_of(a->session->worker)->shared->journal,
                                                    a->project->project_id);

    app_notice_end(a, "snapshot", slice_of(s->text), seq);
    a->snapshot_count--;
    snapshot_free(s);
}

static void ask(struct app_session *a, struct snapshot *s)
{
    struct worker *w = a->session->worker;
    struct letter letter = {.open = open_question, .object = s};

    s->is_ordered = a->is_durable;
    worker_post(w, s->home, &letter);
}

/* The next piece, or the end; when there is no room yet, it waits. */
static void go_on(struct app_session *a, struct snapshot *s)
{
    if (s->is_begun && s->at == s->devices.len) {
        s->is_begun = false;
        s->home++;
    }
    if (s->home == worker_group_count(a->session->worker->group)) {
        end(a, s);
        return;
    }
    /* In the middle of the change from live to the journal a home could not tell where it stands.
     */
    if (a->conversion != NULL || (a->is_durable && a->is_behind) || app_feed_is_long(a)) {
        a->session->wants_room = true;
        list_push_back(&a->snapshots, &s->node);
        return;
    }
    ask(a, s);
}

static void deliver_messages(struct app_session *a, struct snapshot *s)
{
    for (size_t at = 0; at < s->messages.len; at += sizeof(struct open_message *)) {
        struct open_message *m;

        memcpy(&m, s->messages.data + at, sizeof(m));
        app_own_deliver(a->session->worker, &s->receiver, m);
    }
    s->messages.len = 0;
}

static void open_piece(struct worker *w, const struct letter *l)
{
    struct snapshot *s = (struct snapshot *)(uintptr_t)l->b;
    struct session *session = session_find_handle(w, s->receiver.session);
    struct app_session *a;

    if (session == NULL || session->client == NULL || session->client_count != s->connection) {
        snapshot_free(s);
        return;
    }
    a = app_session_of(session);
    if (s->is_ordered && a->is_behind) {
        drop_messages(s);
        s->at -= s->piece;
        s->piece = 0;
    }
    deliver_messages(a, s);
    go_on(a, s);
}

enum status app_snapshot_begin(struct app_session *a, const struct app_request *r)
{
    struct snapshot *s;

    if (a->snapshot_count == SNAPSHOTS_MAX)
        return ST_FULL;
    s = mem_new_of(MEM_SESSION, struct snapshot);
    s->filter = r->compiled;
    s->limits = a->access.limits == NULL ? NULL : project_secret_ref(a->access.limits);
    s->text = slice_to_string(r->filter);
    s->receiver =
        (struct app_receiver){a->session->handle, a->session->worker->index, r->qos, r->identifier};
    s->connection = a->session->client_count;
    a->snapshot_count++;
    counter_inc(app_snapshots);
    go_on(a, s);
    return ST_OK;
}

void app_snapshot_continue(struct app_session *a)
{
    struct list waiting;
    struct list *node;

    list_init(&waiting);
    list_splice_back(&waiting, &a->snapshots);
    while ((node = list_pop_front(&waiting)) != NULL)
        go_on(a, list_entry(node, struct snapshot, node));
}

void app_snapshot_drop(struct app_session *a)
{
    struct list *node;

    a->snapshot_count = 0; /* those that are under way end when they come back */
    while ((node = list_pop_front(&a->snapshots)) != NULL)
        snapshot_free(list_entry(node, struct snapshot, node));
}
