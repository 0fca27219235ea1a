/* The server's own readers unwrap what the client sent: they have targets of their own. */
#include "audit_ws.h"

#include "base/invariant.h"
#include "net/ws_frame.h"
#include "net/ws_upgrade.h"

void audit_ws_init(struct audit_ws *w, struct audit *audit)
{
    *w = (struct audit_ws){.audit = audit};
}

void audit_ws_deinit(struct audit_ws *w)
{
    buffer_deinit(&w->head);
    buffer_deinit(&w->in);
    ws_frame_free(&w->sent);
}

/* --- what the client sends ------------------------------------------------------------------- */

static void frames_sent(struct audit_ws *w, struct slice bytes)
{
    struct buffer data = {0}, control = {0};
    enum status st = ws_frame_feed(w->sent, bytes, &data, &control);

    audit_sent(w->audit, buffer_slice(&data));
    if (st != ST_OK)
        w->audit->is_broken = true;
    buffer_deinit(&data);
    buffer_deinit(&control);
}

static void head_sent(struct audit_ws *w, struct slice bytes)
{
    struct ws_upgrade u;
    enum status st;

    buffer_append_slice(&w->head, bytes);
    st = ws_upgrade_parse(buffer_slice(&w->head), "/mqtt", &u);
    if (st == ST_AGAIN)
        return;
    if (st != ST_OK || !u.is_upgrade || u.refusal != 0) {
        w->is_refused = true;
        w->audit->is_broken = true;
        return;
    }
    w->sent = ws_frame_new();
    frames_sent(w, slice_from(buffer_slice(&w->head), u.head_len));
}

void audit_ws_sent(struct audit_ws *w, struct slice bytes)
{
    if (w->audit->is_broken)
        return;
    if (w->sent == NULL)
        head_sent(w, bytes);
    else
        frames_sent(w, bytes);
}

/* --- what the server sends ------------------------------------------------------------------- */

/* The length of the answer's head, 0: not whole. */
static size_t answer_len(struct slice in)
{
    for (size_t i = 4; i <= in.len; i++) {
        if (memcmp(in.data + i - 4, "\r\n\r\n", 4) == 0)
            return i;
    }
    return 0;
}

static size_t take_answer(struct audit_ws *w)
{
    struct slice in = buffer_slice(&w->in);
    size_t len = answer_len(in);

    if (len == 0)
        return 0;
    w->has_answer = true;
    if (w->is_refused) {
        invariant(slice_starts_with(in, slice_of("HTTP/1.1 4")));
        return in.len; /* with its text */
    }
    invariant(w->sent != NULL && slice_starts_with(in, slice_of("HTTP/1.1 101 ")));
    return len;
}

/* The length of the frame's header and its payload's, in the shortest form. 0: not whole. */
static size_t read_header(struct slice in, uint64_t *payload_len)
{
    unsigned more;

    if (in.len < 2)
        return 0;
    more = in.data[1] == 127 ? 8 : in.data[1] == 126 ? 2 : 0;
    invariant((in.data[1] & 0x80) == 0);
    if (in.len < 2 + more)
        return 0;
    *payload_len = more == 0 ? in.data[1] : 0;
    for (unsigned i = 0; i < more; i++)
        *payload_len = *payload_len << 8 | in.data[2 + i];
    invariant(more == 0 || *payload_len >= (more == 2 ? 126 : 65536));
    return 2 + more;
}

/* A client may rely on it: a frame holds a packet, a whole one and no other. */
static bool is_one_packet(struct slice s)
{
    size_t at = 1, body_len = 0;
    unsigned shift = 0;

    do {
        if (at >= s.len || shift > 21)
            return false;
        body_len |= (size_t)(s.data[at] & 0x7f) << shift;
        shift += 7;
    } while ((s.data[at++] & 0x80) != 0);
    return at + body_len == s.len;
}

static size_t take_frame(struct audit_ws *w, struct slice in)
{
    uint64_t payload_len;
    size_t header_len = read_header(in, &payload_len);
    struct slice payload;

    if (header_len == 0 || in.len - header_len < payload_len)
        return 0;
    payload = slice_make(in.data + header_len, payload_len);
    invariant(!w->has_close);
    switch (in.data[0]) {
    case 0x82:
        invariant(is_one_packet(payload));
        audit_received(w->audit, payload);
        break;
    case 0x88:
        invariant(payload_len <= 125 && payload_len != 1);
        w->has_close = true;
        break;
    case 0x8a:
        invariant(payload_len <= 125);
        break;
    default:
        invariant(false); /* no frame of a server */
    }
    return header_len + payload.len;
}

void audit_ws_received(struct audit_ws *w, struct slice bytes)
{
    size_t used = 0, len;

    buffer_append_slice(&w->in, bytes);
    if (w->is_refused && w->has_answer) {
        w->in.len = 0;
        return;
    }
    if (!w->has_answer && (used = take_answer(w)) == 0)
        return;
    while ((len = take_frame(w, slice_from(buffer_slice(&w->in), used))) > 0)
        used += len;
    buffer_consume(&w->in, used);
}
