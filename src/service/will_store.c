/*
 * The form, big-endian. Key: number. Value: version; flags (the QoS in two bits); its Message
 * Expiry (s); how long it waits when its client goes (s: its delay, or the session's expiry if that
 * is shorter); when it is due (Unix ms, 0: its client is there); device, or 0 and then client
 * identifier, name and version of the secret behind their lengths; topic and properties behind
 * theirs; payload.
 */
#include "service/will_store.h"

#include <stdatomic.h>

#include "base/reader.h"
#include "platform/device.h"
#include "platform/secret_set.h"
#include "service/app_service.h"
#include "service/secured_receipt.h"
#include "service/will_owed.h"

enum {
    STORE_VERSION = 1,
    STORE_QOS = 3, /* flags */
    STORE_RETAIN = 4,
    STORE_HAS_EXPIRY = 8,
    STORE_KEY_LEN = sizeof(uint64_t)
};

static _Atomic uint64_t last_number; /* grows over starts, as long as there are rows */

/* --- rows ------------------------------------------------------------------------------------ */

static void put(struct home *h, uint64_t project_id, uint64_t number, struct slice value,
                const struct router_receipt *receipt)
{
    struct buffer key = {0};

    buffer_append_u64(&key, number);
    router_put_row(h, JOURNAL_TABLE_WILL, project_id, buffer_slice(&key), value, receipt);
    buffer_deinit(&key);
}

static void append_short(struct buffer *b, struct slice s)
{
    buffer_append_u16(b, (uint16_t)s.len);
    buffer_append_slice(b, s);
}

static void append_author(struct buffer *b, const struct will_author *a)
{
    buffer_append_u64(b, a->device_id);
    if (a->device_id != 0)
        return;
    append_short(b, a->client_id);
    append_short(b, slice_of(a->by->name));
    append_short(b, slice_of(a->by->version));
}

static void write_row(const struct session *s, const struct will *w, const struct will_author *a,
                      struct buffer *out)
{
    uint32_t wait_s = w->delay_s < s->expiry_s ? w->delay_s : s->expiry_s;
    int64_t due_ms = s->client != NULL ? 0 : s->worker->unix_ms + wait_s * INT64_C(1000);

    buffer_append_u8(out, STORE_VERSION);
    buffer_append_u8(out, (uint8_t)(w->qos | (w->retain ? STORE_RETAIN : 0) |
                                    (w->has_expiry ? STORE_HAS_EXPIRY : 0)));
    buffer_append_u32(out, w->expiry_s);
    buffer_append_u32(out, wait_s);
    buffer_append_u64(out, (uint64_t)due_ms);
    append_author(out, a);
    append_short(out, w->topic);
    buffer_append_u32(out, (uint32_t)w->properties.len);
    buffer_append_slice(out, w->properties);
    buffer_append_slice(out, w->payload);
}

void will_store_keep(struct session *s, struct will *w, const struct project *p,
                     const struct will_author *a)
{
    struct buffer value = {0};
    struct router_receipt receipt;
    bool is_awaited = s->client != NULL && router_is_awaited(p);

    if (w->number == 0)
        w->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    if (is_awaited)
        receipt = secured_receipt_of_output(s->client);
    write_row(s, w, a, &value);
    put(home_of(s->worker), a->project_id, w->number, buffer_slice(&value),
        is_awaited ? &receipt : NULL);
    buffer_deinit(&value);
}

void will_store_remove(struct home *h, uint64_t project_id, uint64_t number)
{
    if (number != 0)
        put(h, project_id, number, slice_make(NULL, 0), NULL);
}

/* --- forms ----------------------------------------------------------------------------------- */

/* A row taken apart; slices are of the row. */
struct stored {
    struct will will; /* its delay: how long it waits */
    int64_t due_ms;
    uint64_t device_id;
    struct slice client_id, secret, secret_version;
};

static bool read_row(struct slice key, struct slice value, struct stored *out)
{
    struct reader r = reader_of(value), k = reader_of(key);
    uint8_t form = reader_u8(&r), flags = reader_u8(&r);
    struct will *w = &out->will;

    *out = (struct stored){.will = {.qos = flags & STORE_QOS,
                                    .retain = (flags & STORE_RETAIN) != 0,
                                    .has_expiry = (flags & STORE_HAS_EXPIRY) != 0}};
    w->number = reader_u64(&k);
    w->expiry_s = reader_u32(&r);
    w->delay_s = reader_u32(&r);
    out->due_ms = (int64_t)reader_u64(&r);
    out->device_id = reader_u64(&r);
    if (out->device_id == 0) {
        out->client_id = reader_prefixed(&r);
        out->secret = reader_prefixed(&r);
        out->secret_version = reader_prefixed(&r);
    }
    w->topic = reader_prefixed(&r);
    w->properties = reader_bytes(&r, reader_u32(&r));
    w->payload = reader_bytes(&r, reader_left(&r));
    return r.status == ST_OK && form == STORE_VERSION && key.len == STORE_KEY_LEN &&
           w->number != 0 && w->qos <= 2 && w->topic.len > 0 &&
           out->client_id.len <= SESSION_CLIENT_ID_MAX &&
           (out->device_id != 0 || (out->client_id.len > 0 && out->secret.len > 0 &&
                                    out->secret_version.len == SECRET_MAC_TEXT_LEN));
}

bool will_store_row_is_sound(struct slice key, struct slice value)
{
    struct stored row;

    return read_row(key, value, &row);
}

/* --- at start -------------------------------------------------------------------------------- */

struct loading {
    struct worker_group *group;
    uint64_t grace_ms;
};

/* Where the will is at home, if its author may still connect. */
static struct worker *find_device(const struct loading *x, uint64_t project_id, uint64_t device_id)
{
    unsigned index = home_of_device(home_of(worker_group_get(x->group, 0)), device_id);
    struct worker *w = worker_group_get(x->group, index);
    const struct device *d = home_find_device(home_of(w), device_id);

    /* One that has been connected has a row of its own; another one of its name has not. */
    return d != NULL && d->is_stored && d->sub == NULL && d->enabled &&
                   d->project->project->project_id == project_id &&
                   atomic_load_explicit(&d->project->project->enabled, memory_order_relaxed)
               ? w
               : NULL;
}

static struct worker *find_application(const struct loading *x, uint64_t project_id,
                                       const struct stored *row, struct project_secret **secret)
{
    unsigned index = app_service_home_of(x->group, project_id, row->client_id);
    struct worker *w = worker_group_get(x->group, index);
    const struct home_project *hp = home_find_project(home_of(w), project_id);
    struct project_secret *s;

    if (hp == NULL || !atomic_load_explicit(&hp->project->enabled, memory_order_relaxed) ||
        !atomic_load_explicit(&hp->project->open_mqtt, memory_order_relaxed))
        return NULL;
    s = secret_set_find_name(hp->secrets, row->secret);
    *secret = s;
    return s != NULL && slice_is(row->secret_version, s->version) &&
                   (s->expires_ms == 0 || w->unix_ms < s->expires_ms)
               ? w
               : NULL;
}

static bool load_row(const struct loading *x, uint64_t project_id, const struct stored *row)
{
    struct project_secret *secret = NULL;
    struct worker *w = row->device_id != 0 ? find_device(x, project_id, row->device_id)
                                           : find_application(x, project_id, row, &secret);
    struct will_author author = {project_id, row->device_id, row->client_id, secret};
    uint64_t left_ms = row->will.delay_s * UINT64_C(1000);

    if (w == NULL)
        return false;
    if (row->due_ms != 0)
        left_ms = row->due_ms > w->unix_ms ? (uint64_t)(row->due_ms - w->unix_ms) : 0;
    will_owed_add(site_of(w), &author, &row->will, row->due_ms != 0,
                  left_ms > x->grace_ms ? left_ms : x->grace_ms);
    return true;
}

static void on_row(uint64_t project_id, struct slice key, struct slice value, void *arg)
{
    const struct loading *x = arg;
    struct stored row;
    bool is_sound = read_row(key, value, &row);

    if (is_sound && row.will.number > atomic_load_explicit(&last_number, memory_order_relaxed))
        atomic_store_explicit(&last_number, row.will.number, memory_order_relaxed);
    if (!is_sound || !load_row(x, project_id, &row))
        router_put_row(home_of(worker_group_get(x->group, 0)), JOURNAL_TABLE_WILL, project_id, key,
                       slice_make(NULL, 0), NULL);
}

enum status will_store_load(struct worker_group *g, struct journal *j, uint64_t grace_ms)
{
    struct loading x = {g, grace_ms};

    return journal_each(j, JOURNAL_TABLE_WILL, on_row, &x);
}
