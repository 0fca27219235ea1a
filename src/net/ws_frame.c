/*
 * WebSocket frames: headers are judged by wslay, payloads go straight from the input to the caller.
 *
 * wslay would hold 4.2 KB a connection and unmask byte by byte (0.9 ns each), so a context of
 * its lives only while it reads a header that has come whole: it is told the header and one byte
 * of payload, and says what the header means or that it is illegal. Bytes then pass through here
 * once, unmasked eight at a time, whether they come whole or one by one. What is kept between two
 * calls is the beginning of a header or of a control frame. After a close frame or a fault
 * everything further is ignored. Belongs to its connection's worker.
 */
#include "net/ws_frame.h"

#include <stdint.h>

#include <wslay/wslay.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"

enum {
    WS_FRAME_MAGIC = 0x57534631,
    START_LEN = 2, /* the part of a header that tells how long the whole is */
    KEY_LEN = 4,
    HEADER_MAX = START_LEN + 8 + KEY_LEN,
    CONTROL_MAX = 125, /* RFC 6455 section 5.5 */
    LEN_16 = 126,      /* seven bits of length that say: two bytes follow */
    LEN_64 = 127,      /* eight bytes follow */
    BIT_FIN = 0x80,
    BIT_MASK = 0x80
};

/* A larger frame cannot hold anything that MQTT could use; its bytes would never be let through. */
static const uint64_t payload_max = (uint64_t)1 << 31;

struct ws_frame {
    uint32_t magic;
    enum status ended;    /* ST_OK while frames are read; otherwise what every further call gives */
    bool in_message;      /* a fragmented message has begun and not ended */
    bool in_payload;      /* the header of the present frame is complete */
    uint8_t opcode;       /* of the present frame, once its header is complete */
    uint8_t header_len;   /* bytes in `header` */
    uint8_t control_len;  /* bytes in `control` */
    uint8_t key[KEY_LEN]; /* turned so that it begins with the byte that is due next */
    uint64_t payload_left; /* bytes of the present frame that have not come */
    uint8_t header[HEADER_MAX];
    uint8_t control[CONTROL_MAX]; /* payload of the present ping or close frame, unmasked */
};

struct ws_frame *ws_frame_new(void)
{
    struct ws_frame *w = mem_new_of(MEM_CONN, struct ws_frame);

    w->magic = WS_FRAME_MAGIC;
    w->ended = ST_OK;
    return w;
}

void ws_frame_free(struct ws_frame **wp)
{
    struct ws_frame *w = *wp;

    *wp = NULL;
    if (w == NULL)
        return;
    invariant(w->magic == WS_FRAME_MAGIC);
    w->magic = 0;
    mem_free(w);
}

/* Codes that may stand in a close frame: RFC 6455 section 7.4 and what IANA has added. */
static bool close_code_is_legal(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void append_control(struct buffer *b, enum wslay_opcode opcode, struct slice payload)
{
    invariant(payload.len <= CONTROL_MAX);
    buffer_append_u8(b, (uint8_t)(BIT_FIN | (unsigned)opcode));
    buffer_append_u8(b, (uint8_t)payload.len);
    buffer_append_slice(b, payload);
}

void ws_frame_append_close(struct buffer *b, uint16_t code)
{
    const uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    invariant(close_code_is_legal(code));
    append_control(b, WSLAY_CONNECTION_CLOSE, slice_make(payload, sizeof(payload)));
}

size_t ws_frame_header(uint8_t out[WS_FRAME_HEADER_MAX], size_t payload_len)
{
    unsigned len_bytes = 0;

    out[0] = (uint8_t)(BIT_FIN | (unsigned)WSLAY_BINARY_FRAME);
    if (payload_len < LEN_16) {
        out[1] = (uint8_t)payload_len;
    } else if (payload_len <= UINT16_MAX) {
        out[1] = LEN_16;
        len_bytes = 2;
    } else {
        out[1] = LEN_64;
        len_bytes = 8;
    }
    for (unsigned i = 0; i < len_bytes; i++)
        out[START_LEN + i] = (uint8_t)(payload_len >> (8 * (len_bytes - 1 - i)));
    return START_LEN + len_bytes;
}

static void fail(struct ws_frame *w, struct buffer *control, enum status st,
                 enum wslay_status_code code)
{
    ws_frame_append_close(control, (uint16_t)code);
    w->ended = st;
}

/* How many bytes of header there are in all, as far as those that are there tell. */
static size_t header_want(const struct ws_frame *w)
{
    unsigned len;

    if (w->header_len < START_LEN)
        return START_LEN;
    len = w->header[1] & ~(unsigned)BIT_MASK;
    return START_LEN + (len == LEN_16 ? 2 : len == LEN_64 ? 8 : 0) + KEY_LEN;
}

static ssize_t give_to_wslay(uint8_t *out, size_t room, int flags, void *user)
{
    struct slice *in = user;
    size_t len = in->len < room ? in->len : room;

    (void)flags;
    if (len == 0)
        return -1;
    memcpy(out, in->data, len);
    *in = slice_from(*in, len);
    return (ssize_t)len;
}

/* What wslay says about the complete header; false when it is against the protocol. */
static bool read_header(const struct ws_frame *w, struct wslay_frame_iocb *out)
{
    const struct wslay_frame_callbacks callbacks = {.recv_callback = give_to_wslay};
    uint8_t bytes[HEADER_MAX + 1] = {0};
    struct slice in = slice_make(bytes, (size_t)w->header_len + 1);
    wslay_frame_context_ptr context;
    ssize_t result;

    /* wslay tells nothing of a frame before the first byte of its payload: any byte will do */
    memcpy(bytes, w->header, w->header_len);
    invariant(wslay_frame_context_init(&context, &callbacks, &in) == 0);
    result = wslay_frame_recv(context, out);
    wslay_frame_context_free(context);
    return result >= 0;
}

/* Judges the complete header of a frame and makes ready for its payload. */
static void begin_frame(struct ws_frame *w, struct buffer *control)
{
    struct wslay_frame_iocb frame = {0};
    bool is_data;

    if (!read_header(w, &frame) || frame.rsv != WSLAY_RSV_NONE) {
        fail(w, control, ST_PROTOCOL, WSLAY_CODE_PROTOCOL_ERROR);
        return;
    }
    switch (frame.opcode) {
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        if (w->in_message != (frame.opcode == WSLAY_CONTINUATION_FRAME)) {
            fail(w, control, ST_PROTOCOL, WSLAY_CODE_PROTOCOL_ERROR);
            return;
        }
        is_data = true;
        break;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        is_data = false;
        break;
    default:
        fail(w, control, ST_PROTOCOL, WSLAY_CODE_PROTOCOL_ERROR);
        return;
    }
    if (frame.opcode == WSLAY_TEXT_FRAME) {
        fail(w, control, ST_INVALID, WSLAY_CODE_UNSUPPORTED_DATA);
        return;
    }
    if (frame.payload_length > payload_max) {
        fail(w, control, ST_TOO_LARGE, WSLAY_CODE_MESSAGE_TOO_BIG);
        return;
    }
    if (is_data)
        w->in_message = frame.fin == 0;
    w->opcode = frame.opcode;
    w->payload_left = frame.payload_length;
    w->control_len = 0;
    memcpy(w->key, w->header + w->header_len - KEY_LEN, KEY_LEN);
    w->in_payload = true;
}

/* Takes bytes of the header from `in`. */
static void take_header(struct ws_frame *w, struct slice *in, struct buffer *control)
{
    size_t want = header_want(w);
    size_t len = want - w->header_len;

    if (len > in->len)
        len = in->len;
    memcpy(w->header + w->header_len, in->data, len);
    w->header_len = (uint8_t)(w->header_len + len);
    *in = slice_from(*in, len);
    if (w->header_len < want)
        return;
    if ((w->header[1] & BIT_MASK) == 0)
        fail(w, control, ST_PROTOCOL, WSLAY_CODE_PROTOCOL_ERROR);
    else if (want > START_LEN)
        begin_frame(w, control);
}

/* Writes `in` unmasked to `out` and turns the key on by as many bytes. */
static void unmask(uint8_t *out, struct slice in, uint8_t key[KEY_LEN])
{
    uint8_t turned[KEY_LEN];
    uint64_t wide;
    size_t i = 0;

    memcpy(&wide, key, KEY_LEN);
    memcpy((uint8_t *)&wide + KEY_LEN, key, KEY_LEN);
    for (; in.len - i >= sizeof(wide); i += sizeof(wide)) {
        uint64_t word;

        memcpy(&word, in.data + i, sizeof(word));
        word ^= wide;
        memcpy(out + i, &word, sizeof(word));
    }
    for (; i < in.len; i++)
        out[i] = in.data[i] ^ key[i % KEY_LEN];
    for (i = 0; i < KEY_LEN; i++)
        turned[i] = key[(in.len + i) % KEY_LEN];
    memcpy(key, turned, KEY_LEN);
}

/* Takes bytes of the payload from `in`. */
static void take_payload(struct ws_frame *w, struct slice *in, struct buffer *data)
{
    struct slice part = *in;

    if (part.len > w->payload_left)
        part.len = (size_t)w->payload_left;
    switch (w->opcode) {
    case WSLAY_PONG: /* nobody asked for it */
        break;
    case WSLAY_PING:
    case WSLAY_CONNECTION_CLOSE:
        invariant(part.len <= (size_t)(CONTROL_MAX - w->control_len));
        unmask(w->control + w->control_len, part, w->key);
        w->control_len = (uint8_t)(w->control_len + part.len);
        break;
    default:
        unmask(buffer_reserve(data, part.len), part, w->key);
        data->len += part.len;
        break;
    }
    w->payload_left -= part.len;
    *in = slice_from(*in, part.len);
}

/* U+0000 is a character like others here, unlike in MQTT. */
static bool is_utf8(struct slice text)
{
    while (text.len > 0) {
        size_t len = utf8_char_len(text);

        if (len == 0)
            return false;
        text = slice_from(text, len);
    }
    return true;
}

/* A close frame has come whole. Its code has to be one that may be sent (RFC 6455 section 7.4), its
 * reason, which nobody reads, UTF-8 (section 5.5.1). */
static void answer_close(struct ws_frame *w, struct buffer *control)
{
    unsigned code;

    if (w->control_len == 0) {
        append_control(control, WSLAY_CONNECTION_CLOSE, slice_make(NULL, 0));
        w->ended = ST_CLOSED;
        return;
    }
    code = w->control_len == 1 ? 0 : (unsigned)w->control[0] << 8 | w->control[1];
    if (!close_code_is_legal(code)) {
        fail(w, control, ST_PROTOCOL, WSLAY_CODE_PROTOCOL_ERROR);
        return;
    }
    if (!is_utf8(slice_make(w->control + 2, w->control_len - 2u))) {
        fail(w, control, ST_MALFORMED, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
        return;
    }
    ws_frame_append_close(control, (uint16_t)code);
    w->ended = ST_CLOSED;
}

static void end_frame(struct ws_frame *w, struct buffer *control)
{
    w->in_payload = false;
    w->header_len = 0;
    if (w->opcode == WSLAY_PING)
        append_control(control, WSLAY_PONG, slice_make(w->control, w->control_len));
    else if (w->opcode == WSLAY_CONNECTION_CLOSE)
        answer_close(w, control);
}

enum status ws_frame_feed(struct ws_frame *w, struct slice in, struct buffer *data,
                          struct buffer *control)
{
    invariant(w->magic == WS_FRAME_MAGIC);
    while (in.len > 0 && w->ended == ST_OK) {
        if (!w->in_payload)
            take_header(w, &in, control);
        else
            take_payload(w, &in, data);
        if (w->in_payload && w->payload_left == 0)
            end_frame(w, control);
    }
    return w->ended;
}
