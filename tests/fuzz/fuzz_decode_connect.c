/*
 * CONNECT. The input is a packet's body.
 *
 * What is accepted lies inside the input, obeys the rules between flags and fields, and says the
 * same when it is written anew and decoded again. What is refused can be told in a CONNACK.
 */
#include "../unit/mqtt/rebuild.h"
#include "base/invariant.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec_check.h"
#include "mqtt/topic.h"

static void check_connect(const struct packet_connect *c, struct slice body)
{
    codec_check_properties(&c->properties, body);
    codec_check_text(c->client_id, body);
    if (c->has_username)
        codec_check_text(c->username, body);
    if (c->has_password)
        codec_check_inside(c->password, body);
    if (c->has_will) {
        codec_check_properties(&c->will.properties, body);
        codec_check_text(c->will.topic, body);
        codec_check_inside(c->will.payload, body);
        invariant(topic_is_name(c->will.topic));
    }
    invariant(c->version == MQTT_3_1_1 || c->version == MQTT_5);
    invariant(c->will.qos <= 2);
    invariant(c->has_will || (c->will.qos == 0 && !c->will.retain));
    invariant(c->version == MQTT_5 || c->has_username || !c->has_password);
    invariant(c->version == MQTT_5 || c->properties.present == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_make(data, size);
    struct packet_connect first, second;
    bool version_known = false;
    enum reason reason = decode_connect(body, &first, &version_known);
    struct slice again;
    struct writer w;

    invariant(reason_is_for((uint8_t)reason, PACKET_CONNACK));
    if (reason != REASON_SUCCESS)
        return 0;
    invariant(version_known);
    check_connect(&first, body);

    w = writer_of(mem_alloc(MEM_TEST, size), size);
    rebuild_connect(&w, &first);
    again = codec_check_rebuilt(&w, size);
    invariant(first.version == MQTT_5 || slice_equal(again, body));
    invariant(decode_connect(again, &second, &version_known) == REASON_SUCCESS);
    codec_check_same_properties(&first.properties, &second.properties);
    invariant(first.version == second.version && first.keep_alive_s == second.keep_alive_s);
    invariant(first.clean_start == second.clean_start && first.has_will == second.has_will);
    invariant(slice_equal(first.client_id, second.client_id));
    invariant(slice_equal(first.username, second.username));
    invariant(slice_equal(first.password, second.password));
    if (first.has_will) {
        codec_check_same_properties(&first.will.properties, &second.will.properties);
        invariant(slice_equal(first.will.topic, second.will.topic));
        invariant(slice_equal(first.will.payload, second.will.payload));
        invariant(first.will.qos == second.will.qos && first.will.retain == second.will.retain);
    }
    mem_free(w.start);
    return 0;
}
