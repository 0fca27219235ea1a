/*
 * Two buffers and the numbers that say how much of them the server may touch.
 */
#include "memory_transport.h"

#include "base/invariant.h"
#include "base/mem.h"

/** Up to which byte the server had written when the clock said this. */
struct date {
    uint64_t end, time;
};

static struct memory_transport *memory_of(struct transport *t)
{
    return (struct memory_transport *)t;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum status memory_read(struct transport *t, struct transport_scratch *s, uint8_t *out,
                               size_t room, size_t *len)
{
    struct memory_transport *m = memory_of(t);
    size_t count = least(least(m->arrived, room), TRANSPORT_RECEIVE);

    (void)s;
    *len = count;
    if (count > 0) {
        memcpy(out, m->to_server.data, count);
        buffer_consume(&m->to_server, count);
        m->arrived -= count;
        return ST_OK;
    }
    if (m->to_server.len > 0 || m->end == MEMORY_OPEN)
        return ST_AGAIN;
    return m->end == MEMORY_END ? ST_CLOSED : ST_IO;
}

static void note_date(struct memory_transport *m, size_t len)
{
    struct date d;

    if (m->clock == NULL || len == 0)
        return;
    m->written += len;
    d = (struct date){m->written, *m->clock};
    buffer_append(&m->dates, &d, sizeof(d));
}

uint64_t memory_transport_date(struct memory_transport *t, uint64_t end)
{
    struct date d;

    do {
        invariant(t->dates.len >= sizeof(d));
        memcpy(&d, t->dates.data, sizeof(d));
        if (d.end < end)
            buffer_consume(&t->dates, sizeof(d));
    } while (d.end < end);
    return d.time;
}

static enum status memory_write(struct transport *t, struct transport_scratch *s,
                                const struct iovec *iov, int count, size_t *written)
{
    struct memory_transport *m = memory_of(t);

    (void)s;
    *written = 0;
    if (m->end == MEMORY_RESET && m->to_server.len == 0)
        return ST_IO;
    for (int i = 0; i < count; i++) {
        size_t len = least(iov[i].iov_len, m->room);

        buffer_append(&m->to_client, iov[i].iov_base, len);
        note_date(m, len);
        m->room -= m->room == SIZE_MAX ? 0 : len;
        *written += len;
        t->sent += len;
        if (len < iov[i].iov_len)
            return ST_AGAIN;
    }
    return ST_OK;
}

static void free_if_alone(struct memory_transport *m)
{
    if (!m->server_closed || !m->is_dropped)
        return;
    buffer_deinit(&m->to_server);
    buffer_deinit(&m->to_client);
    buffer_deinit(&m->dates);
    mem_free(m);
}

static void memory_close(struct transport *t, struct transport_scratch *s)
{
    struct memory_transport *m = memory_of(t);

    (void)s;
    m->server_closed = true;
    free_if_alone(m);
}

static const struct transport_ops memory_ops = {memory_read, memory_write, memory_close};

struct memory_transport *memory_transport_new(void)
{
    struct memory_transport *m = mem_new_of(MEM_TEST, struct memory_transport);

    m->base.ops = &memory_ops;
    m->base.is_established = true;
    m->room = SIZE_MAX;
    return m;
}

void memory_transport_drop(struct memory_transport **tp)
{
    struct memory_transport *m = *tp;

    *tp = NULL;
    m->is_dropped = true;
    free_if_alone(m);
}

size_t memory_transport_arrive(struct memory_transport *t, size_t len)
{
    size_t count = least(len, t->to_server.len - t->arrived);

    t->arrived += count;
    return count;
}
