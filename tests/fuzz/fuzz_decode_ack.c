/*
 * Fixed headers, acknowledgements, DISCONNECT, AUTH: a whole packet behind one byte whose bit 0
 * chooses 5.0.
 *
 * A header is judged as by the standard's own algorithm. What is accepted of the bodies lies inside
 * the input and says the same when it is written anew, in a form that is never longer.
 */
#include "../unit/mqtt/rebuild.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "codec_check.h"

enum { LIMIT = 1 << 20 };

/* The length as MQTT 5.0 section 1.5.5 computes it; -1 when it is none, -2 when it is not whole. */
static int64_t naive_length(struct slice bytes)
{
    int64_t multiplier = 1, value = 0;
    size_t i = 0;
    uint8_t byte;

    do {
        if (i == bytes.len)
            return i == 4 ? -1 : -2;
        byte = bytes.data[i++];
        value += (byte & 127) * multiplier;
        if (i > 4)
            return -1;
        multiplier *= 128;
    } while ((byte & 128) != 0);
    return i > 1 && byte == 0 ? -1 : value;
}

static void check_header(struct slice bytes)
{
    struct decode_header h = {0}, first = {0};
    enum reason reason = decode_header(bytes, LIMIT, &h);
    enum reason of_first = decode_header(slice_make(bytes.data, bytes.len > 0), LIMIT, &first);
    int64_t len, header_len;

    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (bytes.len == 0 || of_first != REASON_SUCCESS) {
        invariant(reason == of_first && h.header_len == 0);
        return;
    }
    len = naive_length(slice_from(bytes, 1));
    header_len = len < 128 ? 2 : len < 16384 ? 3 : len < 2097152 ? 4 : 5;
    if (len == -1) {
        invariant(reason == REASON_MALFORMED_PACKET);
    } else if (len == -2) {
        invariant(reason == REASON_SUCCESS && h.header_len == 0);
    } else if (header_len + len > LIMIT) {
        invariant(reason == REASON_PACKET_TOO_LARGE);
    } else {
        invariant(reason == REASON_SUCCESS);
        invariant(h.header_len == header_len && h.remaining_len == len);
        invariant(h.type == (enum packet_type)(bytes.data[0] >> 4));
        invariant(h.flags == (bytes.data[0] & 15));
    }
}

/* The properties are the last thing in a packet, be they none. */
static bool ends_with(struct slice body, struct slice properties)
{
    return body.len == 0 || properties.data + properties.len == body.data + body.len;
}

static void check_ack(enum mqtt_version version, enum packet_type type, struct slice body)
{
    struct packet_ack first, second;
    uint8_t *room = mem_alloc(MEM_TEST, body.len);
    struct writer w = writer_of(room, body.len);
    enum reason reason = decode_ack(version, type, body, &first);

    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (reason == REASON_SUCCESS) {
        invariant(first.packet_id != 0);
        invariant(reason_is_for((uint8_t)first.reason, type));
        invariant(version == MQTT_5 || first.reason == REASON_SUCCESS);
        codec_check_properties(&first.properties, body);
        invariant(ends_with(body, first.properties.raw));
        rebuild_ack(&w, &first);
        invariant(w.status == ST_OK);
        invariant(decode_ack(version, type, slice_make(room, writer_len(&w)), &second) ==
                  REASON_SUCCESS);
        invariant(first.packet_id == second.packet_id && first.reason == second.reason);
        codec_check_same_properties(&first.properties, &second.properties);
    }
    mem_free(room);
}

static void check_disconnect(enum mqtt_version version, struct slice body)
{
    struct packet_disconnect first, second;
    uint8_t *room = mem_alloc(MEM_TEST, body.len);
    struct writer w = writer_of(room, body.len);
    enum reason reason = decode_disconnect(version, body, &first);

    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (reason == REASON_SUCCESS) {
        invariant(reason_is_for((uint8_t)first.reason, REASON_IN_CLIENT_DISCONNECT));
        codec_check_properties(&first.properties, body);
        invariant(ends_with(body, first.properties.raw));
        rebuild_disconnect(&w, &first);
        invariant(w.status == ST_OK);
        invariant(decode_disconnect(version, slice_make(room, writer_len(&w)), &second) ==
                  REASON_SUCCESS);
        invariant(first.reason == second.reason);
        codec_check_same_properties(&first.properties, &second.properties);
    }
    mem_free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum mqtt_version version;
    struct decode_header h;
    struct slice packet, body;

    if (size == 0)
        return 0;
    version = (data[0] & 1) != 0 ? MQTT_5 : MQTT_3_1_1;
    packet = slice_make(data + 1, size - 1);
    check_header(packet);
    if (decode_header(packet, LIMIT, &h) != REASON_SUCCESS || h.header_len == 0)
        return 0;
    body = slice_from(packet, h.header_len);
    if (h.remaining_len < body.len)
        body.len = h.remaining_len;
    if (h.type >= PACKET_PUBACK && h.type <= PACKET_PUBCOMP) {
        check_ack(version, h.type, body);
    } else if (h.type == PACKET_DISCONNECT) {
        check_disconnect(version, body);
    } else if (h.type == PACKET_AUTH) {
        enum reason reason = decode_auth(body);

        invariant(reason == REASON_PROTOCOL_ERROR || reason == REASON_MALFORMED_PACKET);
    }
    return 0;
}
