/*
 * `eztcloud device …`
 *
 * Several devices are added in one transaction: all or none.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/secret.h"

enum { COUNT_MAX = 100000 /* they are in memory until the commit */ };

static const char *const columns[] = {"username", "enabled", "created_ms", "parent", "name", NULL};

static json_t *describe(const struct registry_device *d, bool with_password)
{
    json_t *object = json_object();
    char text[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_DEVICE, d->device_id, text);
    (void)json_object_set_new(object, "username", json_string(text));
    if (with_password)
        (void)json_object_set_new(object, "password", json_string(d->password));
    (void)json_object_set_new(object, "name", json_string(d->name));
    ident_format(IDENT_PROJECT, d->project_id, text);
    (void)json_object_set_new(object, "project_key", json_string(text));
    if (d->type_id != 0)
        ident_format(IDENT_TYPE, d->type_id, text);
    (void)json_object_set_new(object, "type", d->type_id != 0 ? json_string(text) : json_null());
    if (d->parent_id != 0)
        ident_format(IDENT_DEVICE, d->parent_id, text);
    (void)json_object_set_new(object, "parent",
                              d->parent_id != 0 ? json_string(text) : json_null());
    (void)json_object_set_new(object, "address",
                              d->parent_id != 0 ? json_string(d->address) : json_null());
    (void)json_object_set_new(object, "sn", d->sn[0] != '\0' ? json_string(d->sn) : json_null());
    (void)json_object_set_new(object, "enabled", json_boolean(d->enabled));
    (void)json_object_set_new(object, "log", json_boolean(d->log));
    (void)json_object_set_new(object, "created_ms", json_integer(d->created_ms));
    return object;
}

/* Takes --type: a type of the project, or none. */
static enum status take_type(struct cli_call *call, uint64_t project_id, uint64_t *type_id)
{
    const char *word = call->flags[CLI_FLAG_type];
    struct buffer definition = {0};
    struct registry_type t;
    enum status st;

    if (word == NULL)
        return ST_OK;
    *type_id = 0;
    if (strcmp(word, "none") == 0)
        return ST_OK;
    st = cli_get_type(call, word, project_id, &t, &definition);
    buffer_deinit(&definition);
    if (st == ST_OK)
        *type_id = t.type_id;
    return st;
}

/* Puts a text into a member that has room for `max` bytes and a zero. False: it is too long. */
static bool set_text(char *member, const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len > max)
        return false;
    memcpy(member, text, len + 1);
    return true;
}

/* Takes --parent and --address: where it stands. */
static enum status take_place(struct cli_call *call, struct registry_device *d)
{
    const char *parent = call->flags[CLI_FLAG_parent];
    const char *address = call->flags[CLI_FLAG_address];

    if (parent != NULL && strcmp(parent, "none") == 0) {
        d->parent_id = 0;
        d->address[0] = '\0';
    } else if (parent != NULL) {
        d->parent_id = ident_parse(IDENT_DEVICE, slice_of(parent));
        if (d->parent_id == 0)
            return cli_fail(call, ST_INVALID,
                            "--parent %s: give DU_ and ten letters or digits, or `none`", parent);
    }
    if (address != NULL && d->parent_id == 0)
        return cli_fail(call, ST_INVALID, "--address: it is below a device: give --parent with it");
    if (address != NULL && !set_text(d->address, address, REGISTRY_NAME_MAX))
        d->address[0] = '\0'; /* as wrong as none */
    if (d->parent_id != 0 && !registry_text_is_valid(d->address))
        return cli_fail(call, ST_INVALID,
                        "--address: a sub-device needs 1 to %d bytes of UTF-8 without control "
                        "characters",
                        REGISTRY_NAME_MAX);
    return ST_OK;
}

static enum status take_sn(struct cli_call *call, struct registry_device *d)
{
    const char *sn = call->flags[CLI_FLAG_sn];

    if (sn == NULL)
        return ST_OK;
    if (sn[0] != '\0' && !registry_sn_is_valid(sn))
        return cli_fail(call, ST_INVALID,
                        "--sn: give up to %d bytes of UTF-8 without control characters, `/`, `+` "
                        "and `#`",
                        REGISTRY_SN_MAX);
    (void)set_text(d->sn, sn, REGISTRY_SN_MAX);
    return ST_OK;
}

/* What is said when its place, its serial number or its type is not to be had. */
static enum status tell_place(struct cli_call *call, enum status st, const char *what)
{
    switch (st) {
    case ST_REFUSED:
        return cli_fail(call, st, "%s: another device has this address, or this serial number",
                        what);
    case ST_FULL:
        return cli_fail(call, st, "%s: more than %d levels of sub-devices", what,
                        REGISTRY_LEVELS_MAX);
    case ST_NOT_FOUND:
        return cli_fail(call, st, "%s: --parent: no such device in this project", what);
    default:
        return cli_fail(call, st, "%s: a device cannot be below itself", what);
    }
}

/* ---- add */

/* What `device add` was asked for, checked. */
struct order {
    uint64_t project_id;
    uint64_t device_id;           /* 0: make one */
    struct registry_device place; /* its type, parent, address and serial number alone */
    const char *name;             /* NULL: the user name */
    const char *password;         /* NULL: make one */
    size_t count;                 /* 0: no --count */
};

static enum status read_order(struct cli_call *call, struct order *o)
{
    const char *username = call->flags[CLI_FLAG_username];
    const char *count = call->flags[CLI_FLAG_count];
    enum status st = cli_get_project_id(call, &o->project_id);

    if (st != ST_OK)
        return st;
    o->name = call->flags[CLI_FLAG_name];
    o->password = call->flags[CLI_FLAG_password];
    if (username != NULL) {
        o->device_id = ident_parse(IDENT_DEVICE, slice_of(username));
        if (o->device_id == 0)
            return cli_fail(call, ST_INVALID,
                            "--username %s: give DU_ and ten letters or digits, or leave it out",
                            username);
    }
    if (count != NULL) {
        char *end;
        unsigned long n = strtoul(count, &end, 10);

        if (count[0] < '0' || count[0] > '9' || *end != '\0' || n < 1 || n > COUNT_MAX)
            return cli_fail(call, ST_INVALID, "--count %s: give a number from 1 to %d", count,
                            COUNT_MAX);
        if (username != NULL)
            return cli_fail(call, ST_INVALID,
                            "--count and --username: several devices cannot have one user name: "
                            "leave one out");
        if (call->flags[CLI_FLAG_address] != NULL || call->flags[CLI_FLAG_sn] != NULL)
            return cli_fail(call, ST_INVALID,
                            "--count: several devices cannot have one --address or --sn");
        o->count = n;
    }
    st = take_type(call, o->project_id, &o->place.type_id);
    if (st == ST_OK)
        st = take_place(call, &o->place);
    return st == ST_OK ? take_sn(call, &o->place) : st;
}

/* The device's name: as ordered, with its number when there are several, or else its user name. */
static bool set_name(const struct order *o, size_t number, struct registry_device *d)
{
    if (o->name == NULL) {
        ident_format(IDENT_DEVICE, d->device_id, d->name);
        return true;
    }
    if (o->count == 0)
        return set_text(d->name, o->name, REGISTRY_NAME_MAX);
    return snprintf(d->name, sizeof(d->name), "%s %zu", o->name, number + 1) <= REGISTRY_NAME_MAX;
}

static enum status add_one(struct registry *r, const struct order *o, size_t number,
                           struct registry_device *d)
{
    enum status st;

    *d = o->place;
    d->project_id = o->project_id;
    d->enabled = true;
    d->created_ms = clock_unix_ms();
    if (o->password == NULL)
        ident_random_text(d->password, IDENT_PASSWORD_LEN);
    else if (!set_text(d->password, o->password, REGISTRY_NAME_MAX))
        return ST_TOO_LARGE;
    do {
        d->device_id = o->device_id == 0 ? ident_random(IDENT_DEVICE) : o->device_id;
        if (!set_name(o, number, d))
            return ST_TOO_LARGE;
        st = registry_device_add(r, d);
    } while (st == ST_EXISTS && o->device_id == 0);
    return st;
}

static enum status add_all(struct registry *r, const struct order *o,
                           struct registry_device *devices, size_t count)
{
    enum status st = registry_begin(r);

    for (size_t i = 0; st == ST_OK && i < count; i++)
        st = add_one(r, o, i, &devices[i]);
    if (st == ST_OK)
        return registry_commit(r);
    registry_rollback(r);
    return st;
}

static void show_added(struct cli_call *call, const struct order *o,
                       const struct registry_device *devices)
{
    static const char *const added_columns[] = {"username", "password", "name", NULL};

    if (o->count == 0) {
        cli_output_object(call->output, describe(devices, true));
        return;
    }
    cli_output_list_begin(call->output, "devices", added_columns);
    for (size_t i = 0; i < o->count; i++)
        cli_output_list_row(call->output, describe(&devices[i], true));
    cli_output_list_end(call->output);
}

enum status cli_device_add(struct cli_call *call)
{
    struct order o = {0};
    struct registry_device *devices;
    size_t count;
    enum status st = read_order(call, &o);

    if (st != ST_OK)
        return st;
    count = o.count == 0 ? 1 : o.count;
    devices = mem_new(MEM_BASE, count * sizeof(*devices));
    st = add_all(call->registry, &o, devices, count);
    if (st == ST_OK)
        show_added(call, &o, devices);
    secret_wipe(devices, count * sizeof(*devices));
    mem_free(devices);
    switch (st) {
    case ST_OK:
        return st;
    case ST_EXISTS:
        return cli_fail(call, st, "--username %s: there is such a device already: give another one",
                        call->flags[CLI_FLAG_username]);
    case ST_TOO_LARGE:
    case ST_INVALID:
        return cli_fail(
            call, st, "--name, --password: give 1 to %d bytes of UTF-8 without control characters",
            REGISTRY_NAME_MAX);
    case ST_REFUSED:
    case ST_FULL:
    case ST_NOT_FOUND:
        return tell_place(call, st, "nothing was added");
    default:
        return cli_fail(call, st, "nothing was added: %s", status_text(st));
    }
}

/* ---- list, show, set, remove */

static bool on_device(const struct registry_device *d, void *arg)
{
    cli_output_list_row(arg, describe(d, false));
    return true;
}

enum status cli_device_list(struct cli_call *call)
{
    uint64_t project_id;
    enum status st = cli_get_project_id(call, &project_id);

    if (st != ST_OK)
        return st;
    cli_output_list_begin(call->output, "devices", columns);
    st = registry_device_each(call->registry, project_id, on_device, call->output);
    return cli_end_list(call, st);
}

/* The device of the operand, which must be in the project of --project. ST_CORRUPT: it is, but its
 * password does not unseal. */
static enum status get_device(struct cli_call *call, struct registry_device *d)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_of(call->flags[CLI_FLAG_project]));
    uint64_t device_id = ident_parse(IDENT_DEVICE, slice_of(call->operand));
    enum status st;

    if (device_id == 0)
        return cli_fail(call, ST_INVALID, "%s: no user name: it is DU_ and ten letters or digits",
                        call->operand);
    *d = (struct registry_device){0};
    st = registry_device_find(call->registry, device_id, d);
    if (st == ST_NOT_FOUND || ((st == ST_OK || st == ST_CORRUPT) && d->project_id != project_id))
        return cli_fail(call, ST_NOT_FOUND,
                        "%s: no such device in %s: `eztcloud device list` shows all", call->operand,
                        call->flags[CLI_FLAG_project]);
    return st == ST_OK ? st : cli_fail(call, st, "%s: %s", call->operand, status_text(st));
}

enum status cli_device_show(struct cli_call *call)
{
    struct registry_device d;
    enum status st = get_device(call, &d);

    if (st != ST_OK)
        return st;
    cli_output_object(call->output, describe(&d, true));
    secret_wipe(&d, sizeof(d));
    return ST_OK;
}

/* Reads the device of the operand, applies the flags to it, and writes it back. */
static enum status change(struct cli_call *call, struct registry_device *d)
{
    enum status st = get_device(call, d);

    if (st == ST_OK)
        st = cli_take_text(call, CLI_FLAG_name, d->name);
    if (st == ST_OK)
        st = cli_take_text(call, CLI_FLAG_password, d->password);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_enabled, &d->enabled);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_log, &d->log);
    if (st == ST_OK)
        st = take_type(call, d->project_id, &d->type_id);
    if (st == ST_OK)
        st = take_place(call, d);
    if (st == ST_OK)
        st = take_sn(call, d);
    if (st != ST_OK)
        return st;
    st = registry_device_update(call->registry, d);
    switch (st) {
    case ST_REFUSED:
    case ST_FULL:
    case ST_NOT_FOUND:
    case ST_INVALID:
        return tell_place(call, st, call->operand);
    default:
        return cli_tell_change(call, st);
    }
}

enum status cli_device_set(struct cli_call *call)
{
    static const enum cli_flag changing[] = {CLI_FLAG_name, CLI_FLAG_password, CLI_FLAG_enabled,
                                             CLI_FLAG_type, CLI_FLAG_parent,   CLI_FLAG_address,
                                             CLI_FLAG_sn,   CLI_FLAG_log};
    struct registry_device d = {0};
    enum status st;
    size_t i = 0;

    while (i < sizeof(changing) / sizeof(changing[0]) && call->flags[changing[i]] == NULL)
        i++;
    if (i == sizeof(changing) / sizeof(changing[0]))
        return cli_fail(call, ST_INVALID,
                        "device set: nothing to change: give --name, --password, --enabled, "
                        "--type, --parent, --address, --sn or --log");
    st = cli_begin_change(call);
    if (st == ST_OK)
        st = cli_end_change(call, change(call, &d));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&d, false));
    secret_wipe(&d, sizeof(d));
    return st;
}

enum status cli_device_remove(struct cli_call *call)
{
    struct registry_device d;
    enum status st = get_device(call, &d);

    if (st != ST_OK && st != ST_CORRUPT)
        return st;
    secret_wipe(&d.password, sizeof(d.password));
    return cli_end_remove(call, registry_device_remove(call->registry, d.device_id));
}
