/*
 * The lobby: connections that have not been let in yet, bounded for each source and in all.
 *
 * Who comes when there is no room takes the place of the guest that has been there longest (of the
 * same source, or of all), provided that this one has had its time, LOBBY_GRACE_MS; otherwise it is
 * turned away. So peers that keep silent cannot keep others out, however many they are, and of
 * honest peers that all come back at once nobody is closed in the middle of its handshake. One
 * lobby for all listeners and workers, behind a short lock that is taken when a connection comes
 * and when it is let in, never for a message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct lobby;
struct lobby_guest;

enum { LOBBY_GRACE_MS = 1000 };

struct lobby_limits {
    unsigned guests_max;     /* in all */
    unsigned per_source_max; /* of one source (peer_address_source) */
};

/** Closes the owner of a guest: its place is needed. Runs on the guest's worker. */
typedef void (*lobby_evict_fn)(void *owner);

struct lobby *lobby_new(const struct lobby_limits *limits);
/** Frees a lobby that all guests have left; NULL inside is accepted. */
void lobby_free(struct lobby **l);

/** A place for a connection that has come to worker `w`, on its thread; the caller owns it until
 * lobby_leave. NULL: turned away. */
struct lobby_guest *lobby_enter(struct lobby *l, struct worker *w, uint64_t source);

/** Says whom to close when the place is needed, `evict` and `owner` (borrowed until lobby_leave or
 * lobby_move). On the guest's worker. False: it is needed already, and `evict` will not be called.
 */
bool lobby_seat(struct lobby_guest *g, lobby_evict_fn evict, void *owner);

/** The guest goes to another worker, which seats it anew. */
void lobby_move(struct lobby_guest *g, unsigned to);

/** It has proved its worth once more: from now on it is the guest that came last. On its worker. */
void lobby_refresh(struct lobby_guest *g, uint64_t now_ms);

/** It was let in, or is gone; NULL inside is accepted. On its worker. */
void lobby_leave(struct lobby_guest **g);
