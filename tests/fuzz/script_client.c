/* The clients' ends of connections. A connection that the client left goes on in the world until
 * the server has noticed. */
#include <stdio.h>

#include "base/invariant.h"
#include "script_packet.h"
#include "script_priv.h"

enum {
    SCRIPT_UNSENT_MAX = 6 * 1024 * 1024 /* bytes that a connection may hold for its client: what
                                           the connection and one packet of answers may add up to */
};

static const struct conn_origin origins[] = {
    [SCRIPT_DEVICE] = {.service = SITE_DEVICE_SERVICE,
                       .connect_timeout_ms = WORLD_CONNECT_TIMEOUT_MS},
    [SCRIPT_APP] = {.service = SITE_APP_SERVICE, .connect_timeout_ms = WORLD_CONNECT_TIMEOUT_MS},
    [SCRIPT_APP_WEBSOCKET] = {.service = SITE_APP_SERVICE,
                              .connect_timeout_ms = WORLD_CONNECT_TIMEOUT_MS,
                              .is_websocket = true,
                              .ws_path = "/mqtt"},
};

static void trace(const struct script_client *c, const char *what, struct slice bytes)
{
    char hex[3 * 48 + 1] = "";

    if (!world_is_tracing())
        return;
    for (size_t i = 0; i < bytes.len && i < 48; i++)
        (void)snprintf(hex + 3 * i, 4, " %02x", bytes.data[i]);
    world_trace(&c->stage->world, "connection %u %s %zu bytes:%s",
                (unsigned)(c - c->stage->clients), what, bytes.len, hex);
}

void script_client_open(struct script_client *c, unsigned worker, uint8_t upgrade)
{
    struct world *w = &c->stage->world;

    if (c->link != NULL)
        script_client_leave(c, MEMORY_OPEN);
    c->link = world_connect_to(w, &origins[c->face], worker % w->worker_count);
    if (c->link == NULL)
        return;
    audit_init(&c->audit, WORLD_PACKET_MAX);
    audit_ws_init(&c->ws, &c->audit);
    if (c->face == SCRIPT_APP_WEBSOCKET) {
        struct buffer head = {0};

        script_write_upgrade(&head, upgrade);
        script_client_send_raw(c, buffer_slice(&head));
        buffer_deinit(&head);
    }
}

void script_client_send_raw(struct script_client *c, struct slice bytes)
{
    if (c->link == NULL)
        return;
    trace(c, "sends", bytes);
    buffer_append_slice(&c->link->pipe->to_server, bytes);
    if (c->face == SCRIPT_APP_WEBSOCKET)
        audit_ws_sent(&c->ws, bytes);
    else
        audit_sent(&c->audit, bytes);
}

void script_client_send(struct script_client *c, struct buffer *bytes)
{
    struct buffer frame = {0};

    if (c->face == SCRIPT_APP_WEBSOCKET) {
        script_write_frame(&frame, 0x82, buffer_slice(bytes));
        script_client_send_raw(c, buffer_slice(&frame));
        buffer_deinit(&frame);
    } else {
        script_client_send_raw(c, buffer_slice(bytes));
    }
    bytes->len = 0;
}

static void check_unsent(const struct script_client *c)
{
    if (c->link->conn != NULL && !c->link->is_moving)
        invariant(conn_unsent(c->link->conn) <= SCRIPT_UNSENT_MAX);
}

bool script_client_read(struct script_client *c)
{
    struct buffer *from;

    if (c->link == NULL)
        return false;
    check_unsent(c);
    from = &c->link->pipe->to_client;
    if (from->len == 0)
        return false;
    trace(c, "receives", buffer_slice(from));
    if (c->face == SCRIPT_APP_WEBSOCKET)
        audit_ws_received(&c->ws, buffer_slice(from));
    else
        audit_received(&c->audit, buffer_slice(from));
    from->len = 0;
    if (c->audit.answers.len > 0)
        script_client_send(c, &c->audit.answers);
    return true;
}

void script_client_leave(struct script_client *c, enum memory_end end)
{
    if (c->link == NULL)
        return;
    world_let_go(&c->stage->world, &c->link, end);
    audit_ws_deinit(&c->ws);
    audit_deinit(&c->audit);
}
