/*
 * A publish of an application on its way from the session's home to the device's home and back:
 * what applications send to devices. And what comes over the HTTPS API alone: custom data for a
 * device, and values that the cloud sets by itself.
 *
 * One block, owned by whoever holds it; runs at the device's home. Source: open-api.md 3.2, 3.3, 4
 */
#pragma once

#include "platform/router.h"
#include "service/app_session.h"

/** Why a secret that is limited to some devices may not be used for another. */
#define DOWNLINK_DEVICE_NOT_ALLOWED "the secret is not for this device"

struct downlink {
    uint64_t project_id, device_id;
    enum open_kind kind; /* ATTRIBUTES_PUSH or COMMAND_SEND; ATTRIBUTES: the cloud's own values;
                            DATA: custom data for the device, on `data_set` */
    uint8_t qos;
    bool retain;
    bool has_expiry;
    bool returns_reply; /* response topic and correlation data go with the reply */
    bool has_correlation_data;
    bool has_publisher; /* somebody waits for the answer (not so for a will) */
    unsigned publisher_worker;
    struct service_ticket ticket;
    uint64_t publisher; /* the client, for No Local (app_session.publisher); 0: none */
    uint64_t expires_ms;
    struct slice payload;    /* inside the block, as all; JSON_PADDING readable bytes behind */
    struct slice stream;     /* of DATA */
    struct slice properties; /* to forward, encoded */
    struct slice response_topic, correlation_data;
    struct project_secret *limits; /* a reference: the device must be one of its; NULL: any */
    struct buffer reception; /* owned: the name of its row in the journal, if it came with QoS 2
                                from a session that is stored; empty: none */
    uint64_t will_number;    /* of a will: its row in the journal, which goes; 0: none */
    struct command_id *id;   /* where the id of a command goes, given or made; NULL: nobody asks;
                                borrowed until it was run */
};

/** The answer: what the publisher is told. */
struct downlink_answer {
    enum reason reason;
    bool is_later;         /* the receipt brings it */
    unsigned line, column; /* of JSON, 0: none */
    char why[256];         /* empty: none */
};

/** Makes an answer a refusal. */
void downlink_refuse(struct downlink_answer *answer, enum reason reason, const char *why);
/** The same for what is not a JSON object: with the place of the fault. */
void downlink_refuse_json(struct downlink_answer *answer, struct slice payload);

/** A copy of what a PUBLISH (or will) says; the caller owns it. */
struct downlink *downlink_new(const struct open_topic *topic, struct slice payload,
                              struct slice properties, const struct property_set *set);

void downlink_free(struct downlink **d);

enum { DOWNLINK_RECEIPT_REASON_SHIFT = 24 /* bits of the receipt's `c` that take the reason */ };

/** Carries it out at the device's home. `receipt` (NULL: nobody waits) is used when the answer must
 * wait for the journal; it brings the reason. */
void downlink_run(struct home *h, const struct downlink *d, struct router_receipt *receipt,
                  struct downlink_answer *answer);
