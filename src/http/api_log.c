/*
 * The message log of a device: what it sent and got, and what became of each.
 *
 * Read at the device's home, newest first; a cursor is the number of the last entry that was shown.
 */
#include "http/api.h"
#include "platform/device_log.h"

struct reading {
    uint64_t device_id;
    uint64_t before;
    unsigned limit;
    bool is_known, has_more;
    uint64_t last;
    struct buffer items; /* owned */
};

/* On the device's home. */
static void read_log(struct worker *w, void *arg)
{
    struct reading *r = arg;
    const struct device *d = home_find_device(home_of(w), r->device_id);

    r->is_known = d != NULL;
    if (d == NULL || device_log_page(d, r->before, r->limit, &r->items, &r->last) == 0)
        return;
    r->has_more = message_log_before(d->log, r->last) != NULL;
}

static void answer(struct http_call *call, const struct reading *r)
{
    struct buffer out = {0};

    buffer_append_text(&out, "{\"items\":[");
    buffer_append_slice(&out, buffer_slice(&r->items));
    if (r->has_more)
        buffer_printf(&out, "],\"next\":\"%llu\"}", (unsigned long long)r->last);
    else
        buffer_append_text(&out, "],\"next\":null}");
    http_answer_text(call, &out);
}

void api_log_list(struct http_call *call)
{
    struct reading r = {.device_id = call->device.device_id};
    struct http_page page;

    if (!http_page_begin(call, &page))
        return;
    json_decref(page.items); /* they come as text */
    r.before = page.after == 0 ? UINT64_MAX : page.after;
    r.limit = (unsigned)page.limit;
    (void)home_call(call->site->settings.workers, r.device_id, read_log, &r);
    if (r.is_known)
        answer(call, &r);
    else
        http_fail_status(call, ST_NOT_FOUND, "the device");
    buffer_deinit(&r.items);
}
