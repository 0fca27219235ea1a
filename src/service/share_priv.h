/*
 * What a share group and its memberships tell each other, by letter.
 *
 * Letters between two workers arrive in the order in which they were sent, and everything here
 * rests on that. A member is named by its share, a number that is never used twice.
 *
 *   join      to the group: a new member, or other options of one
 *   away      to the group: the member has been offline for long, or is full, or is back
 *   leave     to the group: the member has left for good
 *   delivery  to the member: a message of a device that is assigned to it
 *   recall    to the member: give back what you have not delivered; while it is under way the group
 *             sends no delivery
 *   alone     to a member that is away: there is nobody to take over from it
 *   returned  to the group: the answer to each recall, with these messages in order; or that the
 *             member is back and keeps what it has
 *   over      to the group: nothing more comes of a delivery that has a number of the journal
 *   lost      to the member: retention has taken messages that the group was owed
 *
 * When the recall is opened every delivery before it has been, so what is returned is all there is.
 * A member that has left gives no answer but to a recall, which is the last that it hears: the
 * group recalls each that leaves, unless a recall is under way already. Whether a leave or the
 * answer came first is the same for both sides.
 */
#pragma once

#include "service/app_session.h"

/** The object of join; owned by the letter. */
struct share_join {
    struct project *project; /* a reference */
    char *name;              /* owned: "<group>/<filter>" */
    uint64_t hash;           /* of project and name: leads to the group's home */
    struct open_filter filter;
    uint64_t share;
    unsigned worker; /* the member's home */
    uint8_t qos;
    bool retain_as_published;
    uint32_t identifier;           /* 0: none */
    struct project_secret *limits; /* a reference; NULL: it may have all devices */
    /* what it is owed outlives a crash: */
    bool is_owed;       /* QoS 1 or 2 of a session that is stored */
    bool is_restored;   /* it was there before the server started */
    uint64_t from_seq;  /* what is published behind the SUBACK has a number above this one */
    uint32_t owed_max;  /* beyond so many the member is slow */
    uint64_t bytes_max; /* and beyond so many bytes of messages */
};

/** A message with its number in the journal, 0: it has none. */
struct share_parcel {
    struct open_message *message; /* a reference */
    uint64_t seq;
};

enum {
    SHARE_DELIVERY_QOS = 3,         /* bits of a delivery's b */
    SHARE_DELIVERY_RETAIN = 1 << 2, /* the flag as it leaves */
    SHARE_DELIVERY_HANDED = 1 << 3, /* another member had it, or it waited for that one's answer */
    SHARE_DELIVERY_SEQ_SHIFT = 4    /* above them its number in the journal */
};

/* At the group's home. */
void share_group_open_join(struct worker *w, const struct letter *l);
/** a: share, b: the how many-th time that it is away, which is answered by recall or alone; 0:
 * back. */
void share_group_open_away(struct worker *w, const struct letter *l);
/** a: share. */
void share_group_open_leave(struct worker *w, const struct letter *l);
/** a: share, object: an array of share_parcel, owned; b: how many; c: 1: it keeps its devices. */
void share_group_open_returned(struct worker *w, const struct letter *l);
/** a: share, b: the number of what is over. */
void share_group_open_over(struct worker *w, const struct letter *l);

/* At the member's home. */
/** a: share, b: bits, c: subscription identifier, object: the open message, a reference. */
void share_membership_open_delivery(struct worker *w, const struct letter *l);
/** a: share, b: as in the letter that it answers. */
void share_membership_open_alone(struct worker *w, const struct letter *l);
/** a: share. */
void share_membership_open_recall(struct worker *w, const struct letter *l);
/** a: share; b, c: the first and the last number that is lost. */
void share_membership_open_lost(struct worker *w, const struct letter *l);
