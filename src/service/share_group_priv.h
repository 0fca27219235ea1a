/*
 * A share group as the files of its home see it: share_group.c says who gets what, share_feed.c
 * where it comes from.
 */
#pragma once

#include "service/changeover.h"
#include "service/share_group.h"
#include "service/share_owed.h"
#include "service/share_priv.h"

struct member {
    uint64_t share;
    unsigned worker;
    uint8_t qos;
    bool retain_as_published;
    bool is_away;     /* has been offline for long */
    bool is_gone;     /* has left for good; freed with its answer */
    bool is_recalled; /* and has not answered yet: it is sent nothing */
    bool is_empty;    /* has answered while away, and was given nothing since */
    bool is_settled; /* has answered while away, and what it was given is for nobody who is there */
    uint32_t identifier;
    uint32_t device_count;
    uint32_t owed_count; /* what it has of the journal, and its bytes */
    uint64_t owed_bytes;
    uint32_t owed_max; /* beyond these it is slow */
    uint64_t bytes_max;
    struct project_secret *limits; /* a reference; NULL: it may have all devices */
    struct buffer held;            /* owned: struct share_parcel */
    struct share_group *group;     /* borrowed: owns it */
};

/** A delivery of QoS 2 that was on its way before the server started. */
struct share_claim {
    uint64_t seq, share;
};

/** A group of which there were members before the server started. */
struct share_expected {
    uint64_t hash;
    uint32_t joins;       /* those that it has not heard of yet */
    struct buffer claims; /* owned: struct share_claim */
    struct list node;     /* in site.share_expected */
};

/** Where a group stands in the journal. */
struct share_feed {
    bool is_durable;    /* fed by the journal: a persistent session has joined it */
    bool is_behind;     /* reads it; otherwise takes what is committed from memory */
    bool is_continuing; /* a letter that goes on reading is under way */
    bool has_moved;     /* since its cursor was last saved */
    uint64_t number;    /* names it in letters */
    uint64_t position;  /* the last record that was considered */
    struct share_owed owed;
    struct buffer claims;          /* owned: struct share_claim, by growing number */
    struct buffer key;             /* owned: names its cursor and rows */
    struct changeover *changeover; /* owned; NULL: none is under way */
    struct buffer waiting;         /* owned: struct share_parcel; came while it is */
    struct list node;              /* in site.share_feeds: durable, or becoming so */
};

struct share_group {
    enum app_target target; /* first, as in app_subscription */
    struct open_subscription indexed;
    struct open_subscription fed; /* by the journal, while it changes over */
    struct worker *worker;
    struct project *project; /* a reference */
    uint64_t hash;
    char *name;              /* owned: "<group>/<filter>" */
    struct member **members; /* owned */
    uint32_t member_count;
    struct hash_table assignments; /* owned: struct assignment */
    struct share_feed feed;
};

/* share_group.c */

/** Whether it is there and can be given something now. */
bool share_group_is_present(const struct member *m);
/** Gives a message to whom its device belongs. */
void share_group_give(struct share_group *g, const struct share_parcel *p);

/* share_feed.c */

/** A member has joined: what it is owed comes from the journal from then on. */
void share_feed_joined(struct share_group *g, const struct share_join *j);
/** A message is given to a member, for the first time or anew; NULL: to nobody. */
void share_feed_given(struct share_group *g, const struct share_parcel *p, struct member *m);
/** A member has given a message back, or it was held for it. */
void share_feed_taken_back(struct share_group *g, const struct share_parcel *p, struct member *m);
/** A member leaves: what it has kept is its own affair. */
void share_feed_member_gone(struct share_group *g, struct member *m);
void share_feed_over(struct share_group *g, struct member *m, uint64_t seq);
/** Reads on, if it is behind and somebody can take something. */
void share_feed_continue(struct share_group *g);
/** The group is over, and what the journal has of it. */
void share_feed_close(struct share_group *g);

/* share_expected.c */

/** Begin and end of a worker. */
void share_expected_init(struct site *s);
void share_expected_deinit(struct site *s);
/** One more that was a member before has joined. With the last one the group knows what they have.
 */
void share_expected_note(struct share_group *g);
/** Whether one is still to join. */
bool share_expected_waits(const struct share_group *g);
