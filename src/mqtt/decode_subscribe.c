/*
 * SUBSCRIBE and UNSUBSCRIBE: the whole list of filters is checked first, so that a packet that is
 * wrong at its end has no effect at its beginning.
 *
 * The filters stay where they are and are walked later. Their syntax is not looked at here: one
 * that is wrong gets its own code in the SUBACK. Pure functions, any thread.
 */
#include "mqtt/decode_priv.h"

#include "base/invariant.h"

enum subscribe_option {
    SUBSCRIBE_QOS = 0x03,
    SUBSCRIBE_NO_LOCAL = 0x04,
    SUBSCRIBE_RETAIN_AS_PUBLISHED = 0x08,
    SUBSCRIBE_RETAIN_HANDLING = 0x30,
    SUBSCRIBE_RESERVED = 0xC0
};

enum { SUBSCRIBE_RETAIN_HANDLING_SHIFT = 4 };

/* Source: MQTT 5.0 section 3.8.3.1, [MQTT-3.8.3-4], [MQTT-3.8.3-5]; 3.1.1 [MQTT-3.8.3-4] */
static enum reason check_options(enum mqtt_version version, struct slice filter, uint8_t options)
{
    if (version == MQTT_3_1_1)
        return options <= 2 ? REASON_SUCCESS : REASON_MALFORMED_PACKET;
    if ((options & SUBSCRIBE_RESERVED) != 0)
        return REASON_MALFORMED_PACKET;
    if ((options & SUBSCRIBE_QOS) == SUBSCRIBE_QOS ||
        (options & SUBSCRIBE_RETAIN_HANDLING) == SUBSCRIBE_RETAIN_HANDLING)
        return REASON_PROTOCOL_ERROR;
    if ((options & SUBSCRIBE_NO_LOCAL) != 0 && slice_starts_with(filter, slice_of("$share/")))
        return REASON_PROTOCOL_ERROR;
    return REASON_SUCCESS;
}

/* What both packets begin with. */
static enum reason read_head(struct reader *r, enum mqtt_version version, unsigned packet,
                             uint16_t *packet_id, struct property_set *properties)
{
    enum reason reason = decode_packet_id(r, packet_id);

    return reason == REASON_SUCCESS ? decode_properties(r, version, packet, properties) : reason;
}

enum reason decode_subscribe(enum mqtt_version version, struct slice body,
                             struct packet_subscribe *out)
{
    struct reader r = reader_of(body);
    enum reason reason =
        read_head(&r, version, PACKET_SUBSCRIBE, &out->packet_id, &out->properties);

    if (reason != REASON_SUCCESS)
        return reason;
    out->filters = slice_make(r.next, reader_left(&r));
    out->filter_count = 0;
    while (reader_left(&r) > 0) {
        struct slice filter = reader_text(&r);
        uint8_t options = reader_u8(&r);

        if (r.status != ST_OK)
            return REASON_MALFORMED_PACKET;
        reason = check_options(version, filter, options);
        if (reason != REASON_SUCCESS)
            return reason;
        out->filter_count++;
    }
    /* [MQTT-3.8.3-2]; 3.1.1 [MQTT-3.8.3-3] */
    return out->filter_count > 0 ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
}

bool decode_subscribe_next(struct reader *filters, enum mqtt_version version,
                           struct subscribe_filter *out)
{
    uint8_t options;

    if (reader_left(filters) == 0)
        return false;
    out->filter = reader_prefixed(filters);
    options = reader_u8(filters);
    invariant(check_options(version, out->filter, options) == REASON_SUCCESS);
    out->qos = options & SUBSCRIBE_QOS;
    out->no_local = (options & SUBSCRIBE_NO_LOCAL) != 0;
    out->retain_as_published = (options & SUBSCRIBE_RETAIN_AS_PUBLISHED) != 0;
    out->retain_handling =
        (uint8_t)((options & SUBSCRIBE_RETAIN_HANDLING) >> SUBSCRIBE_RETAIN_HANDLING_SHIFT);
    return true;
}

enum reason decode_unsubscribe(enum mqtt_version version, struct slice body,
                               struct packet_unsubscribe *out)
{
    struct reader r = reader_of(body);
    enum reason reason =
        read_head(&r, version, PACKET_UNSUBSCRIBE, &out->packet_id, &out->properties);

    if (reason != REASON_SUCCESS)
        return reason;
    out->filters = slice_make(r.next, reader_left(&r));
    out->filter_count = 0;
    while (reader_left(&r) > 0) {
        reader_text(&r);
        out->filter_count++;
    }
    if (r.status != ST_OK)
        return REASON_MALFORMED_PACKET;
    /* [MQTT-3.10.3-2] */
    return out->filter_count > 0 ? REASON_SUCCESS : REASON_PROTOCOL_ERROR;
}

bool decode_unsubscribe_next(struct reader *filters, struct slice *filter)
{
    if (reader_left(filters) == 0)
        return false;
    *filter = reader_prefixed(filters);
    return true;
}
