/*
 * What a device's type lets through of its messages, and of the messages to it.
 *
 * What does not pass is recorded and left out; what passes keeps its bytes. On the device's home
 * worker. Source: open-api.md 3.2, 3.3, 5
 */
#pragma once

#include "platform/command_form.h"
#include "platform/validate.h"
#include "service/device_link.h"

/** A report after the check; device_check_deinit when done. */
struct device_check {
    struct slice payload;              /* what goes on; padded like the device's */
    const struct json_member *members; /* of an attributes report that goes on; the parser's */
    size_t count;
    bool has_dropped, has_nothing; /* something was left out; nothing remains */
    struct buffer rewritten;       /* owned */
    const char *why;               /* what was left out and why; lasts until the next check */
};

/** Checks the members of an attributes report, which the caller has parsed. */
void device_check_attributes(const struct device_input *in, const struct json_member *members,
                             size_t count, struct device_check *out);

/** Checks an event or a reply: its parameters; an event that is not defined has nothing left under
 * a strict type. The form's members are of the parser, which is used here. */
void device_check_event(const struct device_input *in, const struct command_form *form,
                        struct device_check *out);
void device_check_reply(const struct device_input *in, const struct command_form *form,
                        struct device_check *out);

/** Checks the payload of a stream. */
void device_check_data(const struct device_input *in, struct device_check *out);

void device_check_deinit(struct device_check *c);

/** Whether an application may set these attributes: NULL, or what it may not and why (until the
 * next check). */
const char *device_check_push(struct device *d, const struct json_member *members, size_t count);

/** The same for cloud values that the cloud sets by itself. */
const char *device_check_write(struct device *d, const struct json_member *members, size_t count);

/** Whether custom data may be sent to the device on this stream: NULL, or why not (static). */
const char *device_check_data_set(struct device *d, struct slice stream, struct slice payload);

/** Whether an application may send this command: NULL, or why not (until the next check). The
 * parser is used; `payload` is a JSON object of the right form. */
const char *device_check_command(struct device *d, const struct command_form *form);
