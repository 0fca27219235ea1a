/*
 * A server, and clients that play a little program against it: the stateful fuzz targets.
 *
 * An input is one byte that chooses what the server is like, and steps behind it:
 *
 *     operation and connection | operands' length | operands
 *
 * Bits 0 to 3 of the first byte are the operation (enum script_op), bits 4 to 6 the connection, bit
 * 7 holds everything back: otherwise all that is under way arrives and is answered before the next
 * step. Operands that are missing are 0. So every input is a program, and a program goes the same
 * way each time, but for identifiers that the server makes up: the simulations' world has neither
 * threads nor sockets nor a clock of its own.
 *
 * Beside the connections of the script there are an application that is subscribed to everything
 * and a device that takes downlinks and answers commands: what the others do must not touch them.
 * Every byte from the server is audited (audit.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_CONNECTIONS = 6, SCRIPT_STEP_HEADER = 2, SCRIPT_HOLD = 0x80 };

enum script_op {
    SCRIPT_CONNECT, /* a well-formed CONNECT, on a new connection if need be */
    SCRIPT_RAW,     /* these bytes; with WebSocket in place of a frame */
    SCRIPT_PACKET,  /* first byte, body: a packet of the right length around it */
    SCRIPT_SUBSCRIBE,
    SCRIPT_UNSUBSCRIBE,
    SCRIPT_PUBLISH,
    SCRIPT_ACK, /* of a delivery, or PUBREL */
    SCRIPT_DISCONNECT,
    SCRIPT_CLOSE,   /* the client goes without a word */
    SCRIPT_ADVANCE, /* time */
    SCRIPT_ROOM,    /* how much the server may still send */
    SCRIPT_MOVE,    /* one thing of those that are held back */
    SCRIPT_OPEN,    /* a new connection; with WebSocket its upgrade */
    SCRIPT_FRAME,   /* a WebSocket frame with this first byte and payload */
    SCRIPT_TRAFFIC, /* the device or the application beside the script publishes */
    SCRIPT_ADMIN,   /* projects and devices come, go and are switched off */
    SCRIPT_OP_COUNT
};

enum script_face { SCRIPT_DEVICE, SCRIPT_APP, SCRIPT_APP_WEBSOCKET };

/** What each connection of a target's script leads to. */
struct script_cast {
    enum script_face faces[SCRIPT_CONNECTIONS];
};

/** Once, before the first run. */
void script_prepare(void);

/** Plays an input from the making of the server to the proof that nothing of it is left. */
void script_run(const struct script_cast *cast, const uint8_t *input, size_t len);

/** For LLVMFuzzerCustomMutator: changes the input step by step, or any of its bytes. Gives its new
 * length. */
size_t script_mutate(uint8_t *input, size_t len, size_t room, unsigned seed);

/** For LLVMFuzzerCustomCrossOver: steps of both. */
size_t script_cross(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out,
                    size_t room, unsigned seed);
