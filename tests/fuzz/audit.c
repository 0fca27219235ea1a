/*
 * Flows are counted from the client's side and never above the server's count: a delivery ends when
 * its acknowledgement is sent, which is before that arrives; and an identifier that was
 * acknowledged before its delivery came is in doubt, as the acknowledgement may end a delivery that
 * is still under way.
 */
#include "audit.h"

#include "audit_packet.h"
#include "base/invariant.h"
#include "base/utf8.h"
#include "mqtt/decode.h"
#include "mqtt/property.h"

/** Something that must be answered by a packet of type `answer`. */
struct audit_question {
    uint8_t answer;
    uint16_t packet_id;
    uint32_t code_count; /* SUBACK and UNSUBACK */
};

enum audit_state { AUDIT_WAIT_PUBACK, AUDIT_WAIT_PUBREC, AUDIT_WAIT_PUBCOMP };

/** A delivery that the server sent. */
struct audit_flow {
    uint16_t packet_id;
    uint8_t state;
};

enum { AUDIT_SERVER_PACKET_MAX = 1 << 20 };

void audit_init(struct audit *a, uint32_t packet_max)
{
    *a = (struct audit){.packet_max = packet_max, .version = MQTT_3_1_1};
}

void audit_deinit(struct audit *a)
{
    buffer_deinit(&a->sent);
    buffer_deinit(&a->in);
    buffer_deinit(&a->asked);
    buffer_deinit(&a->flows);
    buffer_deinit(&a->doubts);
    buffer_deinit(&a->answers);
}

/* --- lists in buffers ------------------------------------------------------------------------ */

static void remove_at(struct buffer *b, size_t index, size_t size)
{
    uint8_t *at = b->data + index * size;

    memmove(at, at + size, b->len - (index + 1) * size);
    b->len -= size;
}

static struct audit_flow *find_flow(struct audit *a, uint16_t packet_id, size_t *index)
{
    struct audit_flow *flows = (struct audit_flow *)a->flows.data;

    for (*index = 0; *index < a->flows.len / sizeof(*flows); ++*index) {
        if (flows[*index].packet_id == packet_id)
            return &flows[*index];
    }
    return NULL;
}

static bool is_in_doubt(const struct audit *a, uint16_t packet_id)
{
    const uint16_t *doubts = (const uint16_t *)a->doubts.data;

    for (size_t i = 0; i < a->doubts.len / sizeof(*doubts); i++) {
        if (doubts[i] == packet_id)
            return true;
    }
    return false;
}

static void ask(struct audit *a, enum packet_type answer, uint16_t packet_id, uint32_t code_count)
{
    struct audit_question q = {(uint8_t)answer, packet_id, code_count};

    buffer_append(&a->asked, &q, sizeof(q));
}

/* The oldest question that such a packet answers. PUBACKs come in the order of the publishes, and
 * so do PUBRECs. Source: [MQTT-4.6.0-2], [MQTT-4.6.0-3] */
static uint32_t take_question(struct audit *a, enum packet_type answer, uint16_t packet_id)
{
    const struct audit_question *asked = (const struct audit_question *)a->asked.data;
    size_t count = a->asked.len / sizeof(*asked), i = 0;
    bool is_ordered = answer == PACKET_PUBACK || answer == PACKET_PUBREC;
    uint32_t code_count;

    while (i < count &&
           (asked[i].answer != answer || (!is_ordered && asked[i].packet_id != packet_id)))
        i++;
    invariant(i < count); /* nobody asked */
    invariant(asked[i].packet_id == packet_id);
    code_count = asked[i].code_count;
    remove_at(&a->asked, i, sizeof(*asked));
    return code_count;
}

/* --- what the client sends ------------------------------------------------------------------- */

static void connect_sent(struct audit *a, struct slice body)
{
    struct packet_connect p;
    const struct property_set *set = &p.properties;

    a->is_broken = decode_connect(body, &p, &a->version_known) != REASON_SUCCESS;
    if (a->version_known)
        a->version = p.version;
    a->wants_problems = true;
    a->receive_maximum = UINT16_MAX;
    a->may_connect = !a->is_broken;
    if (a->is_broken)
        return;
    a->clean_start = p.clean_start;
    a->has_client_id = p.client_id.len > 0;
    if (p.version != MQTT_5)
        return;
    if (property_has(set, PROPERTY_MAXIMUM_PACKET_SIZE))
        a->maximum_packet_size = set->maximum_packet_size;
    if (property_has(set, PROPERTY_RECEIVE_MAXIMUM))
        a->receive_maximum = set->receive_maximum;
    if (property_has(set, PROPERTY_TOPIC_ALIAS_MAXIMUM))
        a->topic_alias_maximum = set->topic_alias_maximum;
    if (property_has(set, PROPERTY_REQUEST_PROBLEM))
        a->wants_problems = set->request_problem != 0;
}

static bool publish_sent(struct audit *a, const struct decode_header *h, struct slice body)
{
    struct packet_publish p;

    if (decode_publish(a->version, h->flags, body, &p) != REASON_SUCCESS)
        return false;
    if (p.qos > 0)
        ask(a, p.qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, p.packet_id, 0);
    return true;
}

/* PUBACK, PUBREC, PUBCOMP. */
static bool ack_sent(struct audit *a, const struct decode_header *h, struct slice body)
{
    struct packet_ack ack;
    struct audit_flow *f;
    size_t index;

    if (decode_ack(a->version, h->type, body, &ack) != REASON_SUCCESS)
        return false;
    f = find_flow(a, ack.packet_id, &index);
    if (f == NULL) {
        if (!is_in_doubt(a, ack.packet_id))
            buffer_append(&a->doubts, &ack.packet_id, sizeof(ack.packet_id));
    } else if (h->type == PACKET_PUBREC && ack.reason < REASON_UNSPECIFIED_ERROR) {
        if (f->state == AUDIT_WAIT_PUBREC)
            f->state = AUDIT_WAIT_PUBCOMP;
    } else {
        remove_at(&a->flows, index, sizeof(*f)); /* at the latest: the server may refuse it */
    }
    return true;
}

static bool pubrel_sent(struct audit *a, const struct decode_header *h, struct slice body)
{
    struct packet_ack ack;

    if (decode_ack(a->version, h->type, body, &ack) != REASON_SUCCESS)
        return false;
    ask(a, PACKET_PUBCOMP, ack.packet_id, 0);
    return true;
}

static bool subscribe_sent(struct audit *a, struct slice body)
{
    struct packet_subscribe p;

    if (decode_subscribe(a->version, body, &p) != REASON_SUCCESS)
        return false;
    ask(a, PACKET_SUBACK, p.packet_id, p.filter_count);
    return true;
}

static bool unsubscribe_sent(struct audit *a, struct slice body)
{
    struct packet_unsubscribe p;

    if (decode_unsubscribe(a->version, body, &p) != REASON_SUCCESS)
        return false;
    ask(a, PACKET_UNSUBACK, p.packet_id, a->version == MQTT_5 ? p.filter_count : 0);
    return true;
}

/* False: the server will not listen any more. */
static bool packet_sent(struct audit *a, const struct decode_header *h, struct slice body)
{
    switch (h->type) {
    case PACKET_PUBLISH:
        return publish_sent(a, h, body);
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBCOMP:
        return ack_sent(a, h, body);
    case PACKET_PUBREL:
        return pubrel_sent(a, h, body);
    case PACKET_SUBSCRIBE:
        return subscribe_sent(a, body);
    case PACKET_UNSUBSCRIBE:
        return unsubscribe_sent(a, body);
    case PACKET_PINGREQ:
        if (body.len == 0)
            ask(a, PACKET_PINGRESP, 0, 0);
        return body.len == 0;
    default: /* a second CONNECT, DISCONNECT, AUTH */
        return false;
    }
}

void audit_sent(struct audit *a, struct slice bytes)
{
    struct decode_header h;
    size_t used = 0;

    if (a->is_broken)
        return;
    buffer_append_slice(&a->sent, bytes);
    while (!a->is_broken) {
        struct slice rest = slice_from(buffer_slice(&a->sent), used);
        struct slice body;

        if (decode_header(rest, a->packet_max, &h) != REASON_SUCCESS) {
            a->is_broken = true;
            break;
        }
        if (h.header_len == 0 || rest.len - h.header_len < h.remaining_len)
            break;
        body = slice_make(rest.data + h.header_len, h.remaining_len);
        if (a->has_connect)
            a->is_broken = !packet_sent(a, &h, body);
        else if (h.type == PACKET_CONNECT)
            connect_sent(a, body);
        else
            a->is_broken = true;
        a->has_connect = true;
        used += h.header_len + h.remaining_len;
    }
    buffer_consume(&a->sent, used);
}

/* --- what the server sends ------------------------------------------------------------------- */

static void check_connack(struct audit *a, const struct audit_packet *p)
{
    invariant(a->has_connect && !a->is_connected);
    a->is_refused = p->reason != 0;
    a->is_connected = p->reason == 0;
    if (a->is_refused) {
        invariant(!p->session_present); /* [MQTT-3.2.2-6] */
        return;
    }
    invariant(a->may_connect);
    invariant(!a->clean_start || !p->session_present); /* [MQTT-3.2.2-2] */
    if (a->version == MQTT_5)                          /* [MQTT-3.2.2-16] */
        invariant(a->has_client_id != property_has(&p->properties, PROPERTY_ASSIGNED_CLIENT_ID));
}

static void check_alias(struct audit *a, const struct audit_packet *p)
{
    uint64_t bit = UINT64_C(1) << (p->topic_alias & 63);

    invariant(p->topic_alias <= a->topic_alias_maximum); /* [MQTT-3.1.2-26], -27 */
    if (p->topic_alias == 0)
        invariant(p->topic.len > 0);
    else if (p->topic.len > 0)
        a->known_aliases[p->topic_alias >> 6] |= bit;
    else
        invariant((a->known_aliases[p->topic_alias >> 6] & bit) != 0);
}

static void answer(struct audit *a, enum packet_type type, uint16_t packet_id)
{
    uint8_t packet[] = {(uint8_t)(type << 4), 2, (uint8_t)(packet_id >> 8), (uint8_t)packet_id};

    if (a->acknowledges)
        buffer_append(&a->answers, packet, sizeof(packet));
}

static void check_publish(struct audit *a, const struct audit_packet *p)
{
    struct audit_flow flow = {p->packet_id, p->qos == 1 ? AUDIT_WAIT_PUBACK : AUDIT_WAIT_PUBREC};
    size_t index;

    check_alias(a, p);
    if (p->qos > 0 && !is_in_doubt(a, p->packet_id)) {
        invariant(find_flow(a, p->packet_id, &index) == NULL); /* [MQTT-2.2.1-4] */
        buffer_append(&a->flows, &flow, sizeof(flow));
        invariant(a->flows.len / sizeof(flow) <= a->receive_maximum); /* [MQTT-3.3.4-9] */
    }
    if (p->qos > 0)
        answer(a, p->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, p->packet_id);
    if (a->on_publish != NULL)
        a->on_publish(a->arg, p->topic, p->payload);
}

static void check_answer(struct audit *a, const struct audit_packet *p)
{
    uint32_t code_count = take_question(a, p->type, p->packet_id);

    if (p->type == PACKET_SUBACK || p->type == PACKET_UNSUBACK)
        invariant(p->codes.len == code_count); /* [MQTT-3.8.4-6], [MQTT-3.11.3-1] */
}

static void check_packet(struct audit *a, const struct audit_packet *p, size_t len)
{
    invariant(!a->is_refused && !a->is_disconnected);
    invariant(a->is_connected == (p->type != PACKET_CONNACK));
    invariant(a->maximum_packet_size == 0 || len <= a->maximum_packet_size); /* [MQTT-3.1.2-24] */
    if (!a->wants_problems && p->type != PACKET_PUBLISH && p->type != PACKET_CONNACK &&
        p->type != PACKET_DISCONNECT) /* [MQTT-3.1.2-29] */
        invariant(!property_has(&p->properties, PROPERTY_REASON_STRING) &&
                  !property_has(&p->properties, PROPERTY_USER));
    switch (p->type) {
    case PACKET_CONNACK:
        check_connack(a, p);
        break;
    case PACKET_PUBLISH:
        check_publish(a, p);
        break;
    case PACKET_PUBREL:
        answer(a, PACKET_PUBCOMP, p->packet_id);
        break;
    case PACKET_DISCONNECT:
        a->is_disconnected = true;
        a->disconnect_reason = (enum reason)p->reason;
        break;
    default:
        check_answer(a, p);
    }
}

void audit_received(struct audit *a, struct slice bytes)
{
    struct audit_packet p;
    size_t used = 0, len;

    buffer_append_slice(&a->in, bytes);
    while ((len = audit_packet_read(slice_from(buffer_slice(&a->in), used), a->version, &p)) > 0) {
        check_packet(a, &p, len);
        used += len;
    }
    buffer_consume(&a->in, used);
    invariant(a->in.len <= AUDIT_SERVER_PACKET_MAX);
    if (a->answers.len > 0 && a->is_disconnected)
        a->answers.len = 0;
}

uint16_t audit_oldest_delivery(const struct audit *a)
{
    const struct audit_flow *flows = (const struct audit_flow *)a->flows.data;

    return a->flows.len > 0 ? flows[0].packet_id : 0;
}

bool audit_waits(const struct audit *a)
{
    return a->may_connect && !a->is_connected && !a->is_refused;
}

void audit_rest(const struct audit *a, bool is_closed)
{
    invariant(a->in.len == 0 || is_closed);
    if (audit_waits(a))
        return;
    if (a->is_broken || a->is_refused || a->is_disconnected)
        invariant(is_closed);
    if (!is_closed && a->is_connected)
        invariant(a->asked.len == 0);
}
