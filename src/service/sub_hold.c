/*
 * The queues. A message that waits for a sub-device of its own has been ordered by a number, which
 * the answer brings back; the queue goes on when the one at its front has its answer.
 */
#include "service/sub_hold.h"

#include "base/invariant.h"
#include "platform/device_log.h"
#include "service/counters.h"

/* A message that waits; one block with its topic and payload. */
struct held {
    struct list node;
    enum device_topic kind;
    uint8_t qos;
    bool has_receipt;
    bool is_awaiting; /* its sub-device is being made */
    enum status made; /* what became of that */
    uint64_t number;  /* of its order; 0: none */
    struct router_receipt receipt;
    struct slice topic, payload; /* inside the block; JSON_PADDING readable bytes behind */
};

struct hold {
    uint64_t root_id;
    struct list messages; /* owned: struct held */
    uint32_t count, awaiting;
    size_t bytes;
};

static bool hold_equal(const void *item, const void *key)
{
    return ((const struct hold *)item)->root_id == *(const uint64_t *)key;
}

void sub_hold_init(struct site *s)
{
    hash_table_init(&s->sub_holds, MEM_SESSION, hold_equal);
}

static struct hold *find(const struct worker *w, uint64_t root_id)
{
    const struct hash_table *t = &site_of(w)->sub_holds;

    return t->count == 0 ? NULL : hash_table_find(t, hash_u64(root_id), &root_id);
}

bool sub_hold_is_open(const struct device *root)
{
    return find(root->home->worker, root->device_id) != NULL;
}

/* --- the queue ------------------------------------------------------------------------------- */

static struct hold *open_hold(struct worker *w, uint64_t root_id)
{
    struct hold *h = find(w, root_id);

    if (h != NULL)
        return h;
    h = mem_new_of(MEM_SESSION, struct hold);
    h->root_id = root_id;
    list_init(&h->messages);
    hash_table_put(&site_of(w)->sub_holds, hash_u64(root_id), h);
    return h;
}

static void close_hold(struct worker *w, struct hold *h)
{
    invariant(list_is_empty(&h->messages));
    hash_table_remove(&site_of(w)->sub_holds, hash_u64(h->root_id), &h->root_id);
    mem_free(h);
}

static struct slice place(uint8_t **next, struct slice s)
{
    uint8_t *at = *next;

    memcpy(at, s.data, s.len);
    *next += s.len;
    return slice_make(at, s.len);
}

static struct held *append(struct hold *h, const struct device_input *in)
{
    struct held *m =
        mem_alloc(MEM_SESSION, sizeof(*m) + in->topic.len + in->payload.len + JSON_PADDING);
    uint8_t *next = (uint8_t *)(m + 1);

    *m = (struct held){.kind = in->kind, .qos = in->qos, .has_receipt = in->receipt != NULL};
    if (in->receipt != NULL)
        m->receipt = *in->receipt;
    m->topic = place(&next, in->topic);
    m->payload = place(&next, in->payload);
    memset(next, 0, JSON_PADDING);
    list_push_back(&h->messages, &m->node);
    h->count++;
    h->bytes += in->payload.len;
    counter_inc(sub_messages_held);
    device_log_put_off(in->device->home);
    return m;
}

static struct held *take_first(struct hold *h)
{
    struct held *m = list_entry(list_pop_front(&h->messages), struct held, node);

    h->count--;
    h->bytes -= m->payload.len;
    h->awaiting -= m->is_awaiting;
    return m;
}

/* The first one has room in any case. */
static bool has_room(const struct hold *h, const struct device_input *in)
{
    return h == NULL || (h->count < SUB_HOLD_MESSAGES_MAX && h->bytes < SUB_HOLD_BYTES_MAX &&
                         in->payload.len <= SUB_HOLD_BYTES_MAX - h->bytes);
}

static struct service_verdict refuse_full(const struct device_input *in)
{
    static const char why[] = "too many messages while sub-devices are being made";

    device_record(in->device, MESSAGE_UP, in->topic, MESSAGE_DROPPED, why);
    return (struct service_verdict){.reason = REASON_QUOTA_EXCEEDED, .why = slice_of(why)};
}

struct service_verdict sub_hold_keep(const struct device_input *in)
{
    struct hold *h = find(in->device->home->worker, in->device->device_id);

    invariant(h != NULL);
    if (!has_room(h, in))
        return refuse_full(in);
    (void)append(h, in);
    return (struct service_verdict){.is_later = true};
}

/* --- going on -------------------------------------------------------------------------------- */

/* Who published it has its answer now, if the journal does not give it. */
static void handle(struct device *root, const struct held *m)
{
    struct device_input in = {.device = root,
                              .kind = m->kind,
                              .qos = m->qos,
                              .topic = m->topic,
                              .payload = m->payload,
                              .receipt = m->has_receipt ? &m->receipt : NULL,
                              .made = &m->made};
    struct logged_message logged = {
        .direction = MESSAGE_UP, .qos = m->qos, .topic = m->topic, .payload = m->payload};
    struct service_verdict v;

    device_log_begin(root->home);
    v = device_topic_handle(&in);
    device_log_end(root, &logged);
    if (m->has_receipt && !v.is_later)
        device_link_answer(root->home->worker, &m->receipt, v.reason, v.why);
}

/* Handles what need not wait any more. A message in the queue is never asked to wait again, so
 * nothing is appended meanwhile. */
static void go_on(struct worker *w, struct hold *h)
{
    struct device *root = home_find_device(home_of(w), h->root_id);

    invariant(root != NULL);
    while (!list_is_empty(&h->messages) &&
           !list_entry(h->messages.next, struct held, node)->is_awaiting) {
        struct held *m = take_first(h);

        handle(root, m);
        mem_free(m);
    }
    if (list_is_empty(&h->messages))
        close_hold(w, h);
}

static struct held *find_message(struct hold *h, uint64_t number)
{
    for (struct list *n = h->messages.next; n != &h->messages; n = n->next) {
        struct held *m = list_entry(n, struct held, node);

        if (m->number == number)
            return m;
    }
    return NULL;
}

/* The gateway may have gone meanwhile, and may have come again as another one. */
static void open_answer(struct worker *w, const struct letter *l)
{
    struct registrar_order *o = l->object;
    struct hold *h = find(w, o->root_id);
    struct held *m = h == NULL ? NULL : find_message(h, o->number);

    if (m != NULL) {
        m->is_awaiting = false;
        m->made = o->status;
        h->awaiting--;
        go_on(w, h);
    }
    mem_free(o);
}

/* --- orders ---------------------------------------------------------------------------------- */

static struct registrar_order *order_new(const struct device *root, const struct sub_path *path,
                                         const struct device *nearest, unsigned depth,
                                         uint64_t type_id)
{
    struct registrar_order *o = mem_new_of(MEM_SESSION, struct registrar_order);
    struct worker *w = root->home->worker;

    o->home = w->index;
    o->answer = open_answer;
    o->number = ++site_of(w)->sub_order_number;
    o->project_id = root->project->project->project_id;
    o->root_id = root->device_id;
    o->parent_id = nearest->device_id;
    o->type_id = type_id;
    for (unsigned i = depth; i < path->count; i++)
        memcpy(o->steps[o->step_count++], path->steps[i].data, path->steps[i].len);
    return o;
}

static enum status submit(const struct device *root, struct registrar_order **o)
{
    const struct home_shared *shared = root->home->shared;
    struct hold *h = find(root->home->worker, root->device_id);
    uint64_t count = (uint64_t)root->below_count + (h == NULL ? 0 : h->awaiting);

    if (shared->registrar == NULL)
        return ST_UNSUPPORTED;
    if (count >= shared->sub_devices_max)
        return ST_FULL;
    if (!shared->registrar->submit(shared->registrar->arg, *o))
        return ST_BUSY;
    *o = NULL; /* whoever carries it out has it */
    return ST_OK;
}

enum status sub_hold_make(const struct device_input *in, const struct sub_path *path,
                          const struct device *nearest, unsigned depth, uint64_t type_id,
                          struct service_verdict *verdict)
{
    struct worker *w = in->device->home->worker;
    struct hold *h = find(w, in->device->device_id);
    struct registrar_order *o;
    uint64_t number;
    struct held *m;
    enum status st;

    *verdict = (struct service_verdict){.is_later = true};
    if (!has_room(h, in)) {
        *verdict = refuse_full(in);
        return ST_OK;
    }
    o = order_new(in->device, path, nearest, depth, type_id);
    number = o->number;
    st = submit(in->device, &o);
    mem_free(o);
    if (st != ST_OK && h == NULL)
        return st;
    h = open_hold(w, in->device->device_id); /* behind others it is refused in its turn */
    m = append(h, in);
    m->number = number;
    m->made = st;
    m->is_awaiting = st == ST_OK;
    h->awaiting += m->is_awaiting;
    return ST_OK;
}

/* --- the end --------------------------------------------------------------------------------- */

void sub_hold_drop(struct device *root)
{
    struct worker *w = root->home->worker;
    struct hold *h = find(w, root->device_id);

    if (h == NULL)
        return;
    while (!list_is_empty(&h->messages)) {
        struct held *m = take_first(h);

        device_record(root, MESSAGE_UP, m->topic, MESSAGE_DROPPED,
                      "the gateway was removed, or has a parent now");
        mem_free(m);
    }
    close_hold(w, h);
}

void sub_hold_deinit(struct site *s)
{
    struct hold *h;
    size_t cursor = 0;

    while ((h = hash_table_next(&s->sub_holds, &cursor)) != NULL) {
        while (!list_is_empty(&h->messages))
            mem_free(take_first(h));
        close_hold(s->worker, h);
        cursor = 0;
    }
    hash_table_deinit(&s->sub_holds);
}
