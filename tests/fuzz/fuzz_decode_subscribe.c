/*
 * SUBSCRIBE and UNSUBSCRIBE. The input's first byte: bit 0 chooses 5.0, bit 1 UNSUBSCRIBE; the rest
 * is a packet's body.
 *
 * The filters that are walked are as many as were counted, lie inside the input, and are text; what
 * is written anew says the same.
 */
#include "../unit/mqtt/rebuild.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec_check.h"

/* Writes the packet anew, and checks it; gives the bytes, which the caller frees. */
static struct slice rebuilt_subscribe(enum mqtt_version version, const struct packet_subscribe *s,
                                      struct slice body)
{
    struct writer w = writer_of(mem_alloc(MEM_TEST, body.len), body.len);
    struct reader filters = reader_of(s->filters);
    struct subscribe_filter f;
    uint32_t count = 0;

    invariant(s->packet_id != 0 && s->filter_count > 0);
    codec_check_properties(&s->properties, body);
    while (decode_subscribe_next(&filters, version, &f)) {
        codec_check_text(f.filter, body);
        invariant(f.qos <= 2 && f.retain_handling <= 2);
        invariant(version == MQTT_5 ||
                  (!f.no_local && !f.retain_as_published && f.retain_handling == 0));
        invariant(!f.no_local || !slice_starts_with(f.filter, slice_of("$share/")));
        count++;
    }
    invariant(filters.status == ST_OK && count == s->filter_count);
    rebuild_subscribe(&w, version, s);
    return codec_check_rebuilt(&w, body.len);
}

static struct slice rebuilt_unsubscribe(enum mqtt_version version,
                                        const struct packet_unsubscribe *u, struct slice body)
{
    struct writer w = writer_of(mem_alloc(MEM_TEST, body.len), body.len);
    struct reader filters = reader_of(u->filters);
    struct slice filter;
    uint32_t count = 0;

    invariant(u->packet_id != 0 && u->filter_count > 0);
    codec_check_properties(&u->properties, body);
    while (decode_unsubscribe_next(&filters, &filter)) {
        codec_check_text(filter, body);
        count++;
    }
    invariant(filters.status == ST_OK && count == u->filter_count);
    rebuild_unsubscribe(&w, version, u);
    return codec_check_rebuilt(&w, body.len);
}

static void try_subscribe(enum mqtt_version version, struct slice body)
{
    struct packet_subscribe first, second;
    enum reason reason = decode_subscribe(version, body, &first);
    struct slice again;

    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (reason != REASON_SUCCESS)
        return;
    again = rebuilt_subscribe(version, &first, body);
    invariant(version == MQTT_5 || slice_equal(again, body));
    invariant(decode_subscribe(version, again, &second) == REASON_SUCCESS);
    invariant(first.packet_id == second.packet_id && slice_equal(first.filters, second.filters));
    codec_check_same_properties(&first.properties, &second.properties);
    mem_free((void *)(uintptr_t)again.data);
}

static void try_unsubscribe(enum mqtt_version version, struct slice body)
{
    struct packet_unsubscribe first, second;
    enum reason reason = decode_unsubscribe(version, body, &first);
    struct slice again;

    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (reason != REASON_SUCCESS)
        return;
    again = rebuilt_unsubscribe(version, &first, body);
    invariant(version == MQTT_5 || slice_equal(again, body));
    invariant(decode_unsubscribe(version, again, &second) == REASON_SUCCESS);
    invariant(first.packet_id == second.packet_id && slice_equal(first.filters, second.filters));
    codec_check_same_properties(&first.properties, &second.properties);
    mem_free((void *)(uintptr_t)again.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum mqtt_version version;

    if (size == 0)
        return 0;
    version = (data[0] & 1) != 0 ? MQTT_5 : MQTT_3_1_1;
    if ((data[0] & 2) != 0)
        try_unsubscribe(version, slice_make(data + 1, size - 1));
    else
        try_subscribe(version, slice_make(data + 1, size - 1));
    return 0;
}
