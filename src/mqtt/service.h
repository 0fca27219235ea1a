/*
 * What an MQTT service (the application API, device access) decides, as functions that the mqtt
 * layer calls. The only way upwards.
 *
 * All run on the worker of the client or session that they are about, but `home` (accepting
 * worker).
 */
#pragma once

#include "mqtt/delivery.h"
#include "mqtt/packet.h"
#include "mqtt/topic.h"
#include "net/conn.h"

struct client;
struct flow_out_entry;
struct session;

/** What a service's authenticate has found out, for its `attached`, which follows in the same turn;
 * nothing to this layer. */
struct service_grant {
    void *object; /* borrowed */
    uint64_t words[2];
};

/** What an accepted CONNECT gets. */
struct service_login {
    bool is_later;  /* not decided yet: see client_decide */
    uint64_t scope; /* client identifiers are unique within it */
    uint32_t session_expiry_max_s;
    uint32_t session_expiry_default_s; /* 3.1.1 with clean session 0 */
    uint16_t receive_maximum;          /* towards us */
    uint16_t keep_alive_max_s;         /* v5: told by Server Keep Alive */
    uint16_t topic_alias_maximum;
    struct slice why; /* with a refusal: reason string; static text */
    struct service_grant grant;
};

/** The answer to a PUBLISH, given at once or later (mqtt `client_answer`). */
struct service_verdict {
    bool is_later;
    enum reason reason;
    enum reason then_disconnect; /* not SUCCESS: the connection ends after the answer */
    struct slice why;            /* reason string; borrowed until the call returns to mqtt */
    struct slice then_why;       /* of the DISCONNECT; likewise */
};

/** Names one unanswered PUBLISH of a session; a value that travels with letters. */
struct service_ticket {
    uint64_t session; /* handle */
    uint64_t number;  /* of the connection and of the publish on it */
    uint16_t packet_id;
    uint8_t qos;
};

/** What becomes of a traced delivery. */
enum delivery_step {
    DELIVERY_SENT,         /* its PUBLISH was written, for the first time */
    DELIVERY_ACKNOWLEDGED, /* QoS 1, 2: the client has it */
    DELIVERY_REFUSED,      /* QoS 1, 2: the client acknowledged it with an error */
    DELIVERY_DROPPED       /* it was never sent: its lifetime is over, or the client takes less */
};

/** A will that was accepted; kept by the session. */
struct will;

struct mqtt_service {
    const char *name;

    /** A scope has one session: a client with another identifier ends it, with its connection. */
    bool has_one_session;

    /** What has a seq and was not sent when a connection ends is given again (`unsent_from`): it is
     * not kept in the session. */
    bool reads_again;

    /** Which worker is home to what this CONNECT names. Runs on the accepting worker; `self` is a
     * good answer for an empty client identifier. */
    unsigned (*home)(struct worker *self, const struct packet_connect *connect);

    /** Who is it, and may it: credentials, quotas, the will. SUCCESS, or the reason of the refusal.
     * At the home. */
    enum reason (*authenticate)(struct client *c, const struct packet_connect *connect,
                                struct service_login *login);

    /** A session was made for a client (its scope and identifier are set). */
    void (*session_opened)(struct session *s);

    /** The session, new or continued, is the client's, and nothing has been sent: no CONNACK, and
     * nothing again of what is unacknowledged. NULL: the service need not know. */
    void (*attached)(struct client *c, const struct service_login *login);

    /** CONNACK is written, the session is the client's, what was unacknowledged is resent: go on
     * feeding. */
    void (*connected)(struct client *c, bool session_present);

    /** One filter of a SUBSCRIBE. Gives the granted QoS as reason (GRANTED…) or a refusal with
     * `why`. `identifier` 0: none. */
    enum reason (*subscribe)(struct client *c, const struct subscribe_filter *filter,
                             uint32_t identifier, struct slice *why);

    /** The SUBACK of a SUBSCRIBE is written: what new subscriptions are owed (retained messages)
     * may be sent. */
    void (*subscribed)(struct client *c);

    /** One filter of an UNSUBSCRIBE: SUCCESS or NO_SUBSCRIPTION_EXISTED. */
    enum reason (*unsubscribe)(struct client *c, struct slice filter);

    /** A PUBLISH. With QoS 0 the verdict's reason goes nowhere. `ticket` names it for a later
     * answer. The payload has JSON_PADDING readable bytes behind it. */
    struct service_verdict (*publish)(struct client *c, const struct packet_publish *publish,
                                      const struct service_ticket *ticket);

    /** True: so much of what clients sent waits for the disk that no more should come. Then what
     * it sends at QoS 0 is dropped and counted, it is not read as long as a publish of it is
     * undecided, and (NULL for `c`: a client that is not accepted yet) nobody is let in. NULL:
     * never.
     */
    bool (*is_congested)(const struct worker *w, const struct client *c);

    /** The session has got a will, and its client, whose CONNACK was not sent, is told of it when
     * it is durable (conn_withhold); or the client has gone, and it is put off. NULL, as
     * forget_will: nothing is stored. */
    void (*keep_will)(struct session *s, struct will *w);

    /** The will of a session is due; what is stored of it goes with it. */
    void (*publish_will)(struct session *s, const struct will *w);

    /** A will that is stored (its number is not 0) is not published. */
    void (*forget_will)(struct session *s, const struct will *w);

    /** The session can take deliveries again after session_deliver gave SESSION_FULL. */
    void (*room)(struct session *s);

    /** A delivery with this seq (not 0) has been acknowledged, or skipped for good. */
    void (*delivered)(struct session *s, uint64_t seq);

    /** The same of a delivery with a share_seq (not 0), which has come by this share. NULL: there
     * are none. */
    void (*share_over)(struct session *s, uint64_t share, uint64_t share_seq);

    /** A delivery with this trace (not 0) has come a step further. It may come from within
     * session_deliver. The end of the session is told by `session_closed` alone. NULL: the service
     * traces nothing. */
    void (*traced)(struct session *s, uint64_t trace, enum delivery_step step);

    /** What a delivery of QoS 1 or 2 with a seq or a share_seq has to send next (a PUBLISH for the
     * first time, a PUBREL) must not leave before its state is durable: true, for QoS 2 only;
     * session_secured follows. False, or NULL: it may. */
    bool (*secure)(struct session *s, const struct flow_out_entry *e);

    /** The subscriptions that a SUBSCRIBE or UNSUBSCRIBE has changed must be durable before it is
     * answered: true; client_secured follows. False, or NULL: they need not. */
    bool (*secure_subscriptions)(struct client *c);

    /** A QoS 2 publish of the client is over: its identifier may name another one. NULL: the
     * service need not know. */
    void (*released)(struct session *s, uint16_t packet_id);

    /** The client's connection is over; the session may live on. Deliveries of the journal that
     * were not sent are given back by `unsent_from`: the lowest seq among them, 0: none. */
    void (*disconnected)(struct client *c, uint64_t unsent_from);

    /** After that, and after its will was published or put off: the client is offline for others to
     * see. Its session may be over already. */
    void (*offline)(struct client *c);

    /** The session is over. True: what is stored of it is on its way to be gone for good, and no
     * client hears of a new session in its place before: session_end_secured follows. False:
     * nothing is stored. */
    bool (*session_closed)(struct session *s);
};
