/*
 * One simulated MQTT client as far as its connection goes: CONNECT, whole packets out of whatever
 * arrives, topic aliases, and what it may expect of its session on the server.
 *
 * What it publishes and receives is the matter of those who own one (reporter, watcher). A client
 * that asked for a clean start, or for a session that ends with its connection, begins anew until a
 * CONNACK has come: it could not know what its session holds.
 */
#pragma once

#include "peer_packet.h"
#include "world.h"

enum player_state { PLAYER_AWAY, PLAYER_CONNECTING, PLAYER_ONLINE };

/** Whether the server keeps a session for the next connection. */
enum player_stored { PLAYER_STORED_NO, PLAYER_STORED_MAYBE, PLAYER_STORED_YES };

enum { PLAYER_ALIASES = 4, PLAYER_TOPIC_MAX = 128, PLAYER_ID_MAX = 24 };

struct player;

struct player_hooks {
    /** CONNACK of success. `goes_on`: with the session of the last connection that was confirmed.
     */
    void (*connected)(struct player *p, bool goes_on);
    /** Any packet after that; the topic of a PUBLISH is there, alias or not. */
    void (*packet)(struct player *p, const struct peer_packet *k);
    /** The connection is over. */
    void (*lost)(struct player *p);
};

struct player {
    struct world *world; /* borrowed */
    const struct player_hooks *hooks;
    void *owner;
    unsigned service;
    const char *username;
    char client_id[PLAYER_ID_MAX];
    enum player_state state;
    struct link *link; /* borrowed; NULL when away */
    uint64_t link_number;
    uint64_t opened_ms;
    struct buffer in; /* owned */
    bool is_v5, is_clean, is_persistent, is_brief;
    bool has_session; /* to go on with, as far as it knows */
    bool must_clean;  /* until a CONNACK comes */
    uint16_t receive_maximum;
    uint32_t maximum_packet_size; /* 0: any */
    bool was_limited;             /* in this session, now or before */
    bool is_told;                 /* DISCONNECT 0x97 came */
    uint64_t taken;               /* bytes of this connection that were read */
    uint64_t date;                /* when the server wrote the present packet */
    enum player_stored expected;  /* when the CONNACK of this connection comes */
    enum player_stored stored;    /* for the next one */
    char aliases[PLAYER_ALIASES + 1][PLAYER_TOPIC_MAX];
};

/** How it comes. */
struct player_entry {
    bool is_v5, is_clean, is_persistent;
    bool is_brief;                /* 5.0, persistent: the session soon expires */
    uint16_t receive_maximum;     /* 5.0; 0: not said */
    uint16_t topic_alias_maximum; /* 5.0; at most PLAYER_ALIASES */
    uint32_t maximum_packet_size; /* 5.0, in a narrow world; 0: not said */
    unsigned worker;              /* that accepts it */
};

/** Chooses one at random; `allow_clean` false: it wants its session back. */
struct player_entry player_choose_entry(struct world *w, bool allow_clean);

/** Opens a connection and writes CONNECT; it is away. */
void player_connect(struct player *p, const struct player_entry *e);

/** Where to write packets to. */
struct buffer *player_output(struct player *p);

/** Takes up to `len` of the bytes that the server has sent, and notices the end. False: nothing. */
bool player_read(struct player *p, size_t len);

/** False: away, or its CONNECT is between two workers. */
bool player_may_vanish(const struct player *p);

/** Goes without a word. `lost` bytes of what has not arrived yet never will. */
void player_vanish(struct player *p, enum memory_end end, size_t lost);

/** Goes with DISCONNECT. */
void player_leave(struct player *p);

/** True when there is nothing to read. */
bool player_is_idle(const struct player *p);

void player_deinit(struct player *p);
