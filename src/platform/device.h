/*
 * A device at its home: credentials, cloud values, outstanding commands, presence, retained
 * downlinks; and what its messages cause.
 *
 * Belongs to its home worker. Whether and how it is connected is the service layer's matter, which
 * links its own object here. Source: open-api.md 3.2, 3.3, 4
 */
#pragma once

#include "platform/alarm.h"
#include "platform/cloud_value.h"
#include "platform/command_ledger.h"
#include "platform/device_type.h"
#include "platform/home.h"
#include "platform/router.h"

enum { DEVICE_MAGIC = 0x44455649 };

/** The kinds that applications publish, as indexes of retained slots. */
enum device_retained { DEVICE_RETAINED_PUSH, DEVICE_RETAINED_COMMAND, DEVICE_RETAINED_COUNT };

/** What of it outlives the program (platform/device_store.h). */
enum device_part {
    DEVICE_PART_PRESENCE,
    DEVICE_PART_VALUES,
    DEVICE_PART_ALARMS,
    DEVICE_PART_COMMANDS,
    DEVICE_PART_RETAINED,
    DEVICE_PART_COUNT
};

struct device {
    uint32_t magic;
    bool enabled;
    bool is_online;   /* as announced */
    bool is_absent;   /* online still, while offline_delay runs */
    bool is_alarming; /* likewise */
    bool log_own;     /* its own switch of the message log */
    bool is_logged;   /* it, or the project's */
    bool is_stored;   /* it has rows in the journal */
    uint8_t unstored; /* bits of enum device_part: what has changed since it was last written */
    char text[IDENT_TEXT_LEN + 1];
    uint64_t device_id;
    int64_t created_ms;           /* Unix; of its row: another device had another one */
    int64_t presence_ms;          /* Unix; since when it is online or offline; 0: never online */
    struct list store_node;       /* in home's store, while something is unstored */
    struct home *home;            /* borrowed */
    struct home_project *project; /* borrowed: removes its devices before it goes */
    uint64_t type_id;             /* 0: none */
    const struct home_type *type; /* borrowed: home leads it; NULL: none, or not known (yet) */
    int64_t rate_second;          /* Unix; in which */
    uint32_t rate_count;          /* so many messages came */
    struct secret_digest password;
    struct message_log *log; /* owned; NULL: nothing was logged yet */
    struct cloud_values values;
    struct alarms alarms;
    struct timer alarm_timer;      /* the next end of a duration */
    struct command_ledger *ledger; /* owned; NULL: never had a command */
    struct timer command_timer;    /* the next deadline of the ledger */
    struct timer offline_timer;    /* offline_delay, restart_grace */
    struct slice absent_because;   /* static text: why it is absent, while offline_delay runs */
    struct list project_node;
    struct list retained_node;
    struct sub_device *sub; /* owned; NULL: it connects itself */
    struct list below;      /* its sub-devices, by sub_device.sibling_node */
    uint32_t below_count;   /* of all levels */
    char *sn;               /* owned: serial number; NULL: none */
    struct open_message *retained[DEVICE_RETAINED_COUNT]; /* references; NULL: none */
    void *link; /* the service layer's object for its session; NULL: none */
};

static inline struct slice device_text(const struct device *d)
{
    return slice_make(d->text, IDENT_TEXT_LEN);
}

/** What it must keep to; NULL: nothing. Borrowed until the end of the turn. */
static inline const struct device_type *device_type_of(const struct device *d)
{
    return d->type == NULL ? NULL : d->type->type;
}

/** Made and freed by home. */
struct device *device_new(struct home *h, struct home_project *p, uint64_t device_id,
                          const struct secret_digest *password, bool enabled);
void device_free(struct device **d);

/** Its row has changed. A new password counts from the next CONNECT on; a device that is not
 * enabled any more loses its connection. */
void device_change(struct device *d, const struct secret_digest *password, bool enabled);

/** Its row names this type (0: none), which may not be known yet. */
void device_set_type(struct device *d, uint64_t type_id);

/** Its row was made then (Unix); before anything of it is stored. */
void device_set_created(struct device *d, int64_t created_ms);

/** Its row has this serial number (empty: none). */
void device_set_sn(struct device *d, const char *sn);

/** For a move to another home (platform/hand_over.h): it loses what it has of this one, and finds
 * it anew at the other. */
void device_leave(struct device *d);
void device_enter(struct device *d, struct home *h, struct home_project *p);

/** Counts a message that it sends; false: more than its type allows in this second. Source:
 * open-api.md 4 "max_rate" */
bool device_admit(struct device *d);

/** What a message of or to a device is published as. */
struct device_publication {
    enum open_kind kind;
    struct slice stream;
    struct slice payload;
    enum open_source source;
    struct slice reason;
    uint64_t publisher;
    uint8_t qos;
    bool retain, forwarded;
    struct slice properties;
    uint64_t expires_ms;
};

/**
 * Makes an open message and routes it.
 *
 * @param receipt  posted when the message is in the journal, if it must be; NULL: nobody waits
 * @return true: the receipt will come; false: it need not be waited for
 */
bool device_publish(struct device *d, const struct device_publication *p,
                    const struct router_receipt *receipt);

/** Stores reported (or pushed) members as cloud values true at `ts_ms`. Alarms that were due before
 * are told. */
void device_store_values(struct device *d, const struct json_member *members, size_t count,
                         int64_t ts_ms);

/** The same for a report that came late: appends to `stored` (struct json_member) those that became
 * the device's values. */
void device_store_late(struct device *d, const struct json_member *members, size_t count,
                       int64_t ts_ms, struct buffer *stored);

/** Presence. An accepted CONNECT; the end of the connection (a take-over says nothing, and is not
 * told here), with the reason, a static text, that `online` false will give. Source:
 * open-api.md 3.2 "online", 4 */
void device_came(struct device *d);
void device_went(struct device *d, struct slice reason);

/** It is offline from now on, and so is all that is below it, which is told first. Offline already:
 * nothing is told of it. */
void device_end_presence(struct device *d, struct slice reason);

/** At start: its presence when the server stopped. One that was online is offline if it does not
 * come back within `grace_ms`. */
void device_restore_presence(struct device *d, bool is_online, int64_t since_ms, uint64_t grace_ms);

/** It is being removed: its alarms end, its connection and session go, and it is offline. */
void device_retire(struct device *d);

/** A message is recorded: counted, told to the log of the server; one of the device, which is being
 * handled, is noted for its message log. `why`: one sentence. */
void device_record(struct device *d, enum message_direction direction, struct slice topic,
                   enum message_verdict verdict, const char *why);
