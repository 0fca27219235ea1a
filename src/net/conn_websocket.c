/*
 * The WebSocket of a connection: its HTTP upgrade, frames in, close frames out.
 *
 * Data of frames is offered to the handler as it comes; what control frames ask for is appended to
 * the output. Output is framed by out_buffer. Runs on the connection's worker.
 * Source: RFC 6455, MQTT 5.0 section 6
 */
#include "base/json.h"
#include "net/conn_priv.h"
#include "net/counters.h"
#include "net/events.h"
#include "net/ws_upgrade.h"

void conn_websocket_say_close(struct conn *c)
{
    if (c->ws == NULL)
        return;
    if (c->ws_close.len == 0)
        ws_frame_append_close(&c->ws_close, 1000);
    out_buffer_append_raw(&c->out, buffer_slice(&c->ws_close));
}

static void end_by_frame(struct conn *c, enum status st)
{
    const char *cause = st == ST_INVALID     ? "text frame"
                        : st == ST_MALFORMED ? "close reason is not UTF-8"
                        : st == ST_TOO_LARGE ? "frame too long"
                                             : "bad frame";

    if (st != ST_CLOSED) {
        log_event(EV_WS_FAULT, "peer", c->peer, "cause", cause);
        counter_inc(ws_faults);
    }
    conn_begin_ending(c, st == ST_CLOSED ? CONN_END_BY_PEER : CONN_END_FAULT);
}

void conn_websocket_arrived(struct conn *c)
{
    if (c->state == CONN_OPEN && c->ws_close.len > 0)
        end_by_frame(c, ST_CLOSED);
}

bool conn_websocket_feed(struct conn *c, struct slice bytes)
{
    struct buffer *data = &c->worker->ws_data;
    struct buffer control = {0};
    enum status st;

    data->len = 0;
    st = ws_frame_feed(c->ws, bytes, data, &control);
    if (st != ST_OK) {
        c->ws_close = control; /* behind whatever the handler still says */
    } else if (control.len > 0) {
        out_buffer_append_raw(&c->out, buffer_slice(&control));
        conn_mark_dirty(c);
        buffer_deinit(&control);
    }
    buffer_reserve(data, JSON_PADDING);
    /* What came in whole frames before a fault counts. */
    if (data->len > 0 && !conn_offer(c, buffer_slice(data)))
        return false;
    if (st != ST_OK && c->state == CONN_OPEN)
        end_by_frame(c, st);
    return true;
}

static void refuse_upgrade(struct conn *c, int http_status, const char *text)
{
    struct buffer answer = {0};

    log_event(EV_WS_REFUSED, "peer", c->peer, "status", log_int(http_status), "cause", text);
    counter_inc(ws_refused);
    ws_upgrade_refuse(&answer, http_status, text);
    out_buffer_append_raw(&c->out, buffer_slice(&answer));
    buffer_deinit(&answer);
    conn_end(c);
}

bool conn_websocket_upgrade(struct conn *c, struct slice bytes)
{
    struct ws_upgrade u;
    struct buffer head = {0};
    bool is_here = true;
    enum status st;

    buffer_append_slice(&c->in, bytes);
    st = ws_upgrade_parse(buffer_slice(&c->in), c->origin->ws_path, &u);
    if (st == ST_AGAIN)
        return true;
    if (st != ST_OK) {
        refuse_upgrade(c, 400,
                       st == ST_TOO_LARGE ? "request head too long" : "not an HTTP request");
        return true;
    }
    if (!u.is_upgrade && c->origin->http != NULL) {
        conn_http_begin(c);
        return true;
    }
    if (!u.is_upgrade || u.refusal != 0) {
        refuse_upgrade(c, u.refusal != 0 ? u.refusal : 426,
                       u.refusal_text != NULL ? u.refusal_text
                                              : "this port serves MQTT over WebSocket");
        return true;
    }
    buffer_append(&c->web_origin, u.origin.data,
                  u.origin.len < CONN_WEB_ORIGIN_MAX ? u.origin.len : CONN_WEB_ORIGIN_MAX);
    ws_upgrade_accept(&head, &u);
    out_buffer_append_raw(&c->out, buffer_slice(&head));
    buffer_deinit(&head);
    c->ws = ws_frame_new();
    c->state = CONN_OPEN;
    c->out.is_websocket = true;
    conn_mark_dirty(c);

    struct buffer rest = c->in;

    c->in = (struct buffer){0};
    if (rest.len > u.head_len)
        is_here = conn_websocket_feed(c, slice_from(buffer_slice(&rest), u.head_len));
    buffer_deinit(&rest);
    return is_here;
}
