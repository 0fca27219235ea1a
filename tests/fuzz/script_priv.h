/* What the parts of a script share: the stage that it plays on. */
#pragma once

#include "../sim/world.h"
#include "audit_ws.h"
#include "script.h"

/** A connection of a client, from its opening to both sides' end. */
struct script_client {
    struct script_stage *stage; /* borrowed: has it */
    enum script_face face;
    struct link *link; /* borrowed; NULL: none */
    struct audit audit;
    struct audit_ws ws;
};

enum {
    SCRIPT_BYSTANDER_APP = SCRIPT_CONNECTIONS,
    SCRIPT_BYSTANDER_DEVICE,
    SCRIPT_CLIENTS,
    SCRIPT_DEVICES = 4 /* the last one is the bystander's */
};

struct script_stage {
    struct world world;
    struct script_client clients[SCRIPT_CLIENTS];
    bool bystander_is_durable;
    bool is_disturbed;     /* an administrator may have ended what the bystanders had */
    bool has_heard_last;   /* the bystanding application, of the last report */
    size_t traffic_left;   /* bytes that the bystanders may still publish */
    struct buffer scratch; /* owned: the packet under construction */
};

static inline struct worker *script_worker(struct script_stage *s, unsigned index)
{
    return worker_group_get(s->world.workers, index % s->world.worker_count);
}

/** A new connection in place of the client's last, which is left alone. */
void script_client_open(struct script_client *c, unsigned worker, uint8_t upgrade);

/** Sends MQTT, in a frame if need be. The bytes are used up. */
void script_client_send(struct script_client *c, struct buffer *bytes);

/** Sends bytes as they are. */
void script_client_send_raw(struct script_client *c, struct slice bytes);

/** Audits what the server has sent; false: nothing. */
bool script_client_read(struct script_client *c);

/** The client goes without a word. */
void script_client_leave(struct script_client *c, enum memory_end end);

/** Lets everything that is under way arrive, and be answered. */
void script_settle(struct script_stage *s);

/** The bystanders connect (again). */
void script_bystanders_come(struct script_stage *s);

/** One of them publishes. */
void script_bystanders_publish(struct script_stage *s, uint8_t what, unsigned count, size_t size);

/** They must have been left alone, and one must hear the other. */
void script_bystanders_check(struct script_stage *s);

/** Does something that an administrator may do. */
void script_admin(struct script_stage *s, uint8_t what, uint8_t device);
