/*
 * The demo project, with a device of each kind, their types and alarm rules, and its lines to
 * paste.
 *
 * The setting `demo_project` holds its key. The project may be removed later; then the next start
 * with --demo makes another. What is printed can be pasted as it stands: names and paths are quoted
 * for the shell.
 */
#include "app/first_start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/demo_file.h"
#include "app/demo_type.h"
#include "app/sim_device.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/mem.h"
#include "store/secret.h"

#define DEMO_SETTING "demo_project"

enum { DEVICES_SHOWN = 100 /* in demo.json; somebody may have added a million */ };

static enum status fail(enum status st, char *error, size_t error_len, const char *what)
{
    (void)snprintf(error, error_len, "the demo project %s: %s", what, status_text(st));
    return st;
}

/* The demo project as it is now. Errors: ST_NOT_FOUND: not made yet, or removed. */
static enum status find_demo(struct registry *r, struct registry_project *p)
{
    struct buffer key = {0};
    enum status st = registry_setting_find(r, DEMO_SETTING, &key);
    uint64_t id = 0;

    if (st == ST_OK)
        id = ident_parse(IDENT_PROJECT, buffer_slice(&key));
    buffer_deinit(&key);
    if (st == ST_OK)
        st = id == 0 ? ST_CORRUPT : registry_project_find(r, id, p);
    return st;
}

static enum status add_type(struct registry *r, uint64_t project_id, size_t kind, uint64_t *type_id)
{
    struct registry_type t = {.type_id = ident_random(IDENT_TYPE),
                              .project_id = project_id,
                              .created_ms = clock_unix_ms()};
    struct buffer definition = {0};
    enum status st;

    *type_id = t.type_id;
    (void)snprintf(t.name, sizeof(t.name), "%s", sim_device_kind_name(kind));
    (void)snprintf(t.code, sizeof(t.code), "%s", demo_type_code(kind));
    demo_type_append(kind, &definition);
    t.definition = buffer_slice(&definition);
    st = registry_type_add(r, &t);
    buffer_deinit(&definition);
    return st;
}

static enum status add_rules(struct registry *r, uint64_t project_id, size_t kind, uint64_t type_id)
{
    char product_key[IDENT_TEXT_LEN + 1];
    enum status st = ST_OK;

    ident_format(IDENT_TYPE, type_id, product_key);
    for (size_t i = 0; st == ST_OK && i < demo_type_rule_count(); i++) {
        struct registry_rule rule = {.rule_id = ident_random(IDENT_RULE),
                                     .project_id = project_id,
                                     .created_ms = clock_unix_ms()};
        struct buffer definition = {0};

        if (demo_type_rule_kind(i) != kind)
            continue;
        demo_type_append_rule(i, product_key, &definition);
        rule.definition = buffer_slice(&definition);
        st = registry_rule_add(r, &rule);
        buffer_deinit(&definition);
    }
    return st;
}

/* `device_ids`: by kind; those of the kinds before. */
static enum status add_device(struct registry *r, uint64_t project_id, size_t kind,
                              uint64_t type_id, uint64_t *device_ids)
{
    struct registry_device d = {.device_id = ident_random(IDENT_DEVICE),
                                .project_id = project_id,
                                .type_id = type_id,
                                .enabled = true,
                                .created_ms = clock_unix_ms()};
    size_t gateway;
    const char *address = sim_device_kind_address(kind, &gateway);
    enum status st;

    device_ids[kind] = d.device_id;
    if (address != NULL) {
        d.parent_id = device_ids[gateway];
        (void)snprintf(d.address, sizeof(d.address), "%s", address);
    }
    (void)snprintf(d.name, sizeof(d.name), "%s", sim_device_kind_name(kind));
    ident_random_text(d.password, IDENT_PASSWORD_LEN);
    st = registry_device_add(r, &d);
    secret_wipe(&d, sizeof(d));
    return st;
}

/* A device of each kind, with its type and the rules that watch it. */
static enum status add_kinds(struct registry *r, uint64_t project_id)
{
    uint64_t *device_ids = mem_new(MEM_BASE, sim_device_kind_count() * sizeof(*device_ids));
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < sim_device_kind_count(); i++) {
        uint64_t type_id;

        st = add_type(r, project_id, i, &type_id);
        if (st == ST_OK)
            st = add_rules(r, project_id, i, type_id);
        if (st == ST_OK)
            st = add_device(r, project_id, i, type_id, device_ids);
    }
    mem_free(device_ids);
    return st;
}

static enum status add_demo(struct registry *r)
{
    struct registry_project p = {
        .name = "Demo", .enabled = true, .open_mqtt = true, .created_ms = clock_unix_ms()};
    char key[IDENT_TEXT_LEN + 1];
    enum status st = registry_project_make(r, &p);

    ident_format(IDENT_PROJECT, p.project_id, key);
    if (st == ST_OK)
        st = add_kinds(r, p.project_id);
    if (st == ST_OK)
        st = registry_setting_put(r, DEMO_SETTING, slice_of(key));
    secret_wipe(&p, sizeof(p));
    return st;
}

enum status first_start_prepare(const struct config *c, struct registry *r, char *error,
                                size_t error_len)
{
    struct registry_project p;
    enum status st;

    if (!c->demo)
        return ST_OK;
    st = registry_begin(r); /* two starts at once make one project */
    if (st != ST_OK)
        return fail(st, error, error_len, "cannot be looked for");
    st = find_demo(r, &p);
    secret_wipe(&p, sizeof(p));
    if (st == ST_NOT_FOUND)
        st = add_demo(r);
    if (st == ST_OK)
        st = registry_commit(r);
    else
        registry_rollback(r);
    return st == ST_OK ? st : fail(st, error, error_len, "cannot be made");
}

/* ---- demo.json */

static bool on_device(const struct registry_device *d, void *arg)
{
    struct demo_file *demo = arg;
    struct demo_file_device *to = &demo->devices[demo->device_count++];

    ident_format(IDENT_DEVICE, d->device_id, to->username);
    memcpy(to->password, d->password, sizeof(to->password));
    memcpy(to->name, d->name, sizeof(to->name));
    if (d->parent_id != 0) {
        ident_format(IDENT_DEVICE, d->parent_id, to->parent);
        memcpy(to->address, d->address, sizeof(to->address));
    }
    return demo->device_count < DEVICES_SHOWN;
}

static enum status find_ca(const struct config *c, char ca[PATH_MAX])
{
    char data[PATH_MAX];

    if (realpath(c->data, data) == NULL)
        return ST_IO;
    return snprintf(ca, PATH_MAX, "%s/tls/ca.pem", data) < PATH_MAX ? ST_OK : ST_IO;
}

static enum status fill_demo(const struct config *c, struct registry *r, struct demo_file *demo)
{
    struct registry_project p;
    enum status st = find_demo(r, &p);

    if (st == ST_OK)
        st = find_ca(c, demo->ca);
    if (st != ST_OK)
        return st;
    ident_format(IDENT_PROJECT, p.project_id, demo->project_key);
    memcpy(demo->project_secret, p.secret, sizeof(demo->project_secret));
    memcpy(demo->project_token, p.token, sizeof(demo->project_token));
    secret_wipe(p.secret, sizeof(p.secret));
    secret_wipe(p.token, sizeof(p.token));
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        if (endpoint_port(c, (enum endpoint)i) != 0)
            endpoint_format(c, (enum endpoint)i, demo->endpoints[i]);
    }
    demo->pid = (long)getpid();
    demo->devices = mem_new(MEM_BASE, DEVICES_SHOWN * sizeof(*demo->devices));
    st = registry_device_each(r, p.project_id, on_device, demo);
    return st;
}

enum status first_start_write_demo(const struct config *c, struct registry *r, char *error,
                                   size_t error_len)
{
    struct demo_file demo = {0};
    enum status st;

    if (!c->demo)
        return ST_OK;
    st = fill_demo(c, r, &demo);
    if (st == ST_OK)
        st = demo_file_write(c->data, &demo);
    demo_file_deinit(&demo);
    return st == ST_OK ? st : fail(st, error, error_len, "cannot be told in demo.json");
}

void first_start_remove_demo(const struct config *c)
{
    if (c->demo)
        demo_file_remove(c->data);
}

/* ---- for a person */

/* Writes a word of a shell command; in quotes when it needs them. */
static void print_word(const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-";

    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        (void)fputs(word, stdout);
        return;
    }
    (void)fputc('\'', stdout);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            (void)fputs("'\\''", stdout);
        else
            (void)fputc(*word, stdout);
    }
    (void)fputc('\'', stdout);
}

static void print_endpoints(const struct config *c)
{
    static const char *const services[ENDPOINT_COUNT] = {
        [ENDPOINT_device_mqtt] = "devices, MQTT",
        [ENDPOINT_device_ws] = "devices, MQTT on WebSocket",
        [ENDPOINT_device_mqtts] = "devices, MQTT over TLS",
        [ENDPOINT_app_mqtts] = "applications, MQTT over TLS",
        [ENDPOINT_app_wss] = "applications, MQTT on WebSocket",
        [ENDPOINT_https] = "HTTPS API and console",
    };

    (void)printf("\nEZtCloud Open is ready.\n\n");
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        char url[ENDPOINT_URL_MAX + 1];

        if (endpoint_port(c, (enum endpoint)i) == 0)
            continue;
        endpoint_format(c, (enum endpoint)i, url);
        (void)printf("  %-34s %s\n", services[i], url);
    }
}

static void print_lines_to_paste(const struct config *c, const struct registry_project *p,
                                 const char *key, const char *ca)
{
    char url[ENDPOINT_URL_MAX + 1];

    (void)printf("\n  %-34s %s\n  %-34s %s\n  %-34s %s\n", "demo project, key", key,
                 "demo project, secret", p->secret, "CA of the certificates", ca);
    (void)printf(
        "\nWhat its devices send (data streams left out), in a terminal:\n\n  mosquitto_sub -h ");
    print_word(c->public_host);
    (void)printf(" -p %u --cafile ", endpoint_port(c, ENDPOINT_app_mqtts));
    print_word(ca);
    (void)printf(" -u %s -P %s -t 'open/%s/+/+' -v\n", key, p->secret, key);
    endpoint_format(c, ENDPOINT_app_wss, url);
    (void)printf("\nThe same in a web page with MQTT.js (the browser has to trust the CA):\n\n"
                 "  mqtt.connect(\"%s\", {username: \"%s\", password: \"%s\"})"
                 ".subscribe(\"open/%s/+/+\")"
                 ".on(\"message\", (topic, payload) => console.log(topic, payload.toString()));\n",
                 url, key, p->secret, key);
}

void first_start_print(const struct config *c, struct registry *r, const char *setup_url)
{
    struct registry_project p;
    char key[IDENT_TEXT_LEN + 1];
    char ca[PATH_MAX];

    print_endpoints(c);
    if (setup_url != NULL)
        (void)printf("\nThe console's first administrator is made here (the link is good for one "
                     "use):\n\n  %s\n",
                     setup_url);
    if (c->demo && find_demo(r, &p) == ST_OK && find_ca(c, ca) == ST_OK) {
        ident_format(IDENT_PROJECT, p.project_id, key);
        print_lines_to_paste(c, &p, key, ca);
        secret_wipe(&p, sizeof(p));
    }
    (void)printf("\n");
    (void)fflush(stdout);
}
