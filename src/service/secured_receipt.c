#include "service/secured_receipt.h"

#include "mqtt/session.h"

static void open_entry(struct worker *w, const struct letter *l)
{
    struct session *s = session_find_handle(w, l->a);

    if (s != NULL)
        session_secured(s, l->b);
}

struct router_receipt secured_receipt_of_entry(const struct session *s,
                                               const struct flow_out_entry *e)
{
    return (struct router_receipt){
        .open = open_entry, .to = s->worker->index, .a = s->handle, .b = e->issue};
}

static void open_end(struct worker *w, const struct letter *l)
{
    session_end_secured(w, l->a);
}

struct router_receipt secured_receipt_of_end(const struct session *s)
{
    return (struct router_receipt){.open = open_end, .to = s->worker->index, .a = s->handle};
}

static void open_output(struct worker *w, const struct letter *l)
{
    conn_release(w, l->a);
}

struct router_receipt secured_receipt_of_output(const struct client *c)
{
    return (struct router_receipt){
        .open = open_output, .to = client_worker(c)->index, .a = conn_withhold(c->conn)};
}

static void open_answer(struct worker *w, const struct letter *l)
{
    client_secured(w, l->a, l->b);
}

struct router_receipt secured_receipt_of_answer(const struct client *c)
{
    return (struct router_receipt){.open = open_answer,
                                   .to = client_worker(c)->index,
                                   .a = c->session->handle,
                                   .b = c->number};
}
