/*
 * PUBLISH. The input's first byte: low four bits are the flags, bit 4 chooses 5.0; the rest is a
 * packet's body.
 *
 * What is accepted lies inside the input and says the same when it is written anew. The topic is
 * judged as by the slow, separate checks. What is forwarded of the properties is what came.
 */
#include "../unit/mqtt/rebuild.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec_check.h"
#include "mqtt/topic.h"

static void check_publish(const struct packet_publish *p, uint8_t flags, struct slice body)
{
    codec_check_inside(p->topic, body);
    codec_check_inside(p->payload, body);
    codec_check_properties(&p->properties, body);
    codec_check_forwarded(&p->properties);
    invariant(p->topic.len == 0 ? property_has(&p->properties, PROPERTY_TOPIC_ALIAS)
                                : utf8_is_text(p->topic) && topic_is_name(p->topic));
    invariant(p->qos == (flags >> 1 & 3) && p->qos <= 2);
    invariant((p->qos == 0) == (p->packet_id == 0));
    invariant(p->qos != 0 || !p->dup);
    invariant(!property_has(&p->properties, PROPERTY_SUBSCRIPTION_ID));
    /* the payload is all that is left */
    invariant(p->payload.data + p->payload.len == body.data + body.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet_publish first, second;
    enum mqtt_version version;
    enum reason reason;
    struct slice body, again;
    struct writer w;

    if (size == 0)
        return 0;
    version = (data[0] & 16) != 0 ? MQTT_5 : MQTT_3_1_1;
    body = slice_make(data + 1, size - 1);
    reason = decode_publish(version, data[0] & 15, body, &first);
    invariant(reason_is_for((uint8_t)reason, PACKET_DISCONNECT));
    if (reason != REASON_SUCCESS)
        return 0;
    check_publish(&first, data[0] & 15, body);

    w = writer_of(mem_alloc(MEM_TEST, body.len), body.len);
    rebuild_publish(&w, version, &first);
    again = codec_check_rebuilt(&w, body.len);
    invariant(version == MQTT_5 || slice_equal(again, body));
    invariant(decode_publish(version, rebuild_publish_flags(&first), again, &second) ==
              REASON_SUCCESS);
    codec_check_same_properties(&first.properties, &second.properties);
    invariant(slice_equal(first.topic, second.topic));
    invariant(slice_equal(first.payload, second.payload));
    invariant(first.packet_id == second.packet_id && first.qos == second.qos);
    invariant(first.dup == second.dup && first.retain == second.retain);
    mem_free(w.start);
    return 0;
}
