/*
 * Simulated devices on libmosquitto, all turned by one loop.
 *
 * A device below a gateway has no connection: what it sends goes out on the gateway's, and what
 * comes for it there is handed to it. demo.json is read again before each new connection, so a
 * server that restarts on other ports is found. The library's own threads are not used: the devices
 * share the standard output.
 */
#include "app/cli_simulate.h"

#include <jansson.h>
#include <mosquitto.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/demo_file.h"
#include "app/sim_device.h"
#include "app/sim_gateway.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/mem.h"
#include "store/secret.h"

enum {
    WAIT_FOR_FILE_MS = 60000,
    TURN_MS = 100,
    RETRY_MS = 1000,
    KEEP_ALIVE_S = 30,
    SUMMARY_MS = 60000,
    TOPIC_MAX = 128,
    LEVELS_MAX = 16, /* below a gateway */
    QOS = 1
};

struct simulation {
    const char *data_dir; /* borrowed */
    enum endpoint endpoint;
    struct demo_file demo;      /* as it was when the devices were made */
    struct sim_client *clients; /* owned */
    unsigned reports;           /* since the last summary */
    uint64_t next_summary_ms;
};

struct sim_client {
    struct simulation *simulation;        /* borrowed: it holds this one */
    const struct demo_file_device *login; /* borrowed from it, too */
    struct mosquitto *handle;             /* owned; NULL: it speaks through its gateway */
    struct sim_client *gateway;           /* borrowed: that which is connected for it, or itself */
    char *path;                           /* owned: below the gateway, a JSON list */
    struct sim_device *device;            /* owned */
    uint64_t next_try_ms;
    bool is_connected;
    bool has_told; /* that it cannot connect: once until it can */
};

static volatile sig_atomic_t is_stopping;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

/* ---- what a person reads */

static void say(const char *who, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const char *who, const char *format, ...)
{
    time_t now = (time_t)(clock_unix_ms() / 1000);
    char clock[16] = "";
    struct tm local;
    va_list args;

    if (localtime_r(&now, &local) != NULL)
        (void)strftime(clock, sizeof(clock), "%T", &local);
    (void)printf("%s simulate: %s: ", clock, who);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void summarize(struct simulation *s, uint64_t now_ms)
{
    size_t connected = 0;

    if (now_ms < s->next_summary_ms)
        return;
    s->next_summary_ms = now_ms + SUMMARY_MS;
    for (size_t i = 0; i < s->demo.device_count; i++)
        connected += s->clients[i].is_connected;
    if (s->reports > 0)
        say("all", "%zu of %zu devices connected, %u messages in the last minute", connected,
            s->demo.device_count, s->reports);
    s->reports = 0;
}

/* ---- one device */

static void publish(struct sim_client *c, const char *topic, const char *stream,
                    struct slice payload)
{
    char full[TOPIC_MAX];

    (void)snprintf(full, sizeof(full), "%s/%s%s%s", topic, c->login->username,
                   stream == NULL ? "" : "/", stream == NULL ? "" : stream);
    /* A failure ends the connection, which the next turn notices. */
    (void)mosquitto_publish(c->handle, NULL, full, (int)payload.len, payload.data, QOS, false);
}

static void send_message(const char *topic, const char *stream, struct slice payload, void *arg)
{
    struct sim_client *c = arg;
    struct buffer wrapped = {0};

    if (c->gateway == c) {
        publish(c, topic, stream, payload);
    } else {
        topic = sim_gateway_wrap(topic, c->path, payload, &wrapped);
        if (topic != NULL)
            publish(c->gateway, topic, NULL, buffer_slice(&wrapped));
        buffer_deinit(&wrapped);
        if (topic == NULL)
            return;
    }
    c->simulation->reports++;
    if (strstr(topic, "event_report") != NULL)
        say(c->login->name, "event %.*s", (int)payload.len, (const char *)payload.data);
}

/* A gateway has connected, or gone: so has what is below it. */
static void set_below(struct sim_client *gateway, bool is_connected)
{
    struct simulation *s = gateway->simulation;

    for (size_t i = 0; i < s->demo.device_count; i++) {
        struct sim_client *c = &s->clients[i];
        struct buffer payload = {0};

        if (c->gateway != gateway || c == gateway)
            continue;
        c->is_connected = is_connected;
        if (!is_connected)
            continue;
        sim_gateway_append_connect(c->path, &payload);
        publish(gateway, "sub_connect", NULL, buffer_slice(&payload));
        buffer_deinit(&payload);
        say(c->login->name, "connected as %s through %s", c->login->username, gateway->login->name);
    }
}

static void on_connect(struct mosquitto *handle, void *arg, int code)
{
    static const char *const topics[] = {"attributes_push", "command_send", "sub_attributes_push",
                                         "sub_command_send"};
    struct sim_client *c = arg;

    if (code != 0) {
        if (!c->has_told)
            say(c->login->name, "refused: %s", mosquitto_connack_string(code));
        c->has_told = true;
        return;
    }
    c->is_connected = true;
    c->has_told = false;
    say(c->login->name, "connected as %s", c->login->username);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        char full[TOPIC_MAX];

        (void)snprintf(full, sizeof(full), "%s/%s", topics[i], c->login->username);
        (void)mosquitto_subscribe(handle, NULL, full, QOS);
    }
    set_below(c, true);
}

static void on_disconnect(struct mosquitto *handle, void *arg, int code)
{
    struct sim_client *c = arg;

    (void)handle;
    if (c->is_connected && code != 0)
        say(c->login->name, "connection lost");
    c->is_connected = false;
    set_below(c, false);
}

static void take(struct sim_client *c, bool is_command, struct slice payload)
{
    enum status st;

    say(c->login->name, "%s %.*s", is_command ? "command" : "pushed", (int)payload.len,
        (const char *)payload.data);
    st = is_command ? sim_device_on_command(c->device, payload, send_message, c)
                    : sim_device_on_push(c->device, payload, send_message, c);
    if (st != ST_OK)
        say(c->login->name, "that was %s", status_text(st));
}

/* For a device below the gateway. */
static void take_below(struct sim_client *gateway, bool is_command, struct slice payload)
{
    struct simulation *s = gateway->simulation;
    struct buffer path = {0}, inner = {0};
    enum status st = sim_gateway_unwrap(payload, &path, &inner);

    for (size_t i = 0; st == ST_OK && i < s->demo.device_count; i++) {
        struct sim_client *c = &s->clients[i];

        if (c != gateway && c->gateway == gateway && slice_is(buffer_slice(&path), c->path))
            take(c, is_command, buffer_slice(&inner));
    }
    buffer_deinit(&path);
    buffer_deinit(&inner);
}

static void on_message(struct mosquitto *handle, void *arg, const struct mosquitto_message *m)
{
    struct slice payload = slice_make(m->payload == NULL ? "" : m->payload, (size_t)m->payloadlen);
    bool is_command = strstr(m->topic, "command_send/") != NULL;

    (void)handle;
    if (slice_starts_with(slice_of(m->topic), slice_of("sub_")))
        take_below(arg, is_command, payload);
    else
        take(arg, is_command, payload);
}

/* Tries to connect, where the server is by now. */
static void try_connect(struct sim_client *c, uint64_t now_ms)
{
    struct simulation *s = c->simulation;
    char host[ENDPOINT_HOST_MAX + 1];
    struct demo_file demo;
    uint16_t port;
    int result = MOSQ_ERR_INVAL;

    c->next_try_ms = now_ms + RETRY_MS;
    if (demo_file_read(s->data_dir, &demo) != ST_OK)
        return; /* no server: its file is gone with it */
    if (endpoint_parse(demo.endpoints[s->endpoint], host, &port) == ST_OK)
        result = mosquitto_connect(c->handle, host, port, KEEP_ALIVE_S);
    if (result != MOSQ_ERR_SUCCESS && !c->has_told) {
        say(c->login->name, "cannot reach %s: trying again", demo.endpoints[s->endpoint]);
        c->has_told = true;
    }
    demo_file_deinit(&demo);
}

static void turn_client(struct sim_client *c, uint64_t now_ms)
{
    if (c->gateway != c) {
        if (c->is_connected)
            sim_device_turn(c->device, now_ms, clock_unix_ms(), send_message, c);
        return;
    }
    if (mosquitto_socket(c->handle) < 0) {
        if (now_ms >= c->next_try_ms)
            try_connect(c, now_ms);
        return;
    }
    /* Without looking at the socket: TLS may hold bytes that the socket no longer has. The calls do
     * not block, and what fails comes back as on_disconnect. */
    (void)mosquitto_loop_read(c->handle, 1);
    if (mosquitto_want_write(c->handle))
        (void)mosquitto_loop_write(c->handle, 1);
    (void)mosquitto_loop_misc(c->handle);
    if (c->is_connected)
        sim_device_turn(c->device, now_ms, clock_unix_ms(), send_message, c);
}

static struct sim_client *find_client(struct simulation *s, const char *username)
{
    for (size_t i = 0; i < s->demo.device_count; i++) {
        if (strcmp(s->demo.devices[i].username, username) == 0)
            return &s->clients[i];
    }
    return NULL;
}

/* Who is connected for a device, and its path below that one. A device whose gateway is not in
 * the file is never connected. */
static void find_gateway(struct simulation *s, struct sim_client *c)
{
    const struct demo_file_device *d = c->login;
    json_t *path = json_array();
    char *text;

    c->gateway = c;
    while (c->gateway != NULL && d->parent[0] != '\0' && json_array_size(path) < LEVELS_MAX) {
        (void)json_array_insert_new(path, 0, json_string(d->address));
        c->gateway = find_client(s, d->parent);
        d = c->gateway == NULL ? d : c->gateway->login;
    }
    text = json_dumps(path, JSON_COMPACT);
    c->path = slice_to_string(slice_of(text));
    free(text);
    json_decref(path);
}

static bool init_client(struct simulation *s, size_t i, bool with_tls)
{
    struct sim_client *c = &s->clients[i];

    c->simulation = s;
    c->device = sim_device_new(c->login->name, ident_random(IDENT_DEVICE));
    find_gateway(s, c);
    if (c->gateway != c)
        return true;
    c->handle = mosquitto_new(c->login->username, true, c);
    if (c->handle == NULL)
        return false;
    mosquitto_connect_callback_set(c->handle, on_connect);
    mosquitto_disconnect_callback_set(c->handle, on_disconnect);
    mosquitto_message_callback_set(c->handle, on_message);
    return mosquitto_username_pw_set(c->handle, c->login->username, c->login->password) ==
               MOSQ_ERR_SUCCESS &&
           (!with_tls ||
            mosquitto_tls_set(c->handle, s->demo.ca, NULL, NULL, NULL, NULL) == MOSQ_ERR_SUCCESS);
}

static void deinit_client(struct sim_client *c)
{
    if (c->handle != NULL) {
        if (c->is_connected) {
            (void)mosquitto_disconnect(c->handle);
            (void)mosquitto_loop_write(c->handle, 1);
        }
        mosquitto_destroy(c->handle);
    }
    sim_device_free(&c->device);
    mem_free(c->path);
}

/* ---- all of them */

/* Sleeps until something comes from the network or the turn is over. */
static void wait_for_network(const struct simulation *s, struct pollfd *sockets)
{
    for (size_t i = 0; i < s->demo.device_count; i++) {
        struct mosquitto *handle = s->clients[i].handle;

        sockets[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (handle == NULL)
            continue;
        sockets[i].fd = mosquitto_socket(handle);
        if (mosquitto_want_write(handle))
            sockets[i].events |= POLLOUT;
    }
    (void)poll(sockets, (nfds_t)s->demo.device_count, TURN_MS);
}

static void run_devices(struct simulation *s)
{
    struct pollfd *sockets = mem_new(MEM_BASE, s->demo.device_count * sizeof(*sockets));

    s->next_summary_ms = clock_mono_ms() + SUMMARY_MS;
    while (is_stopping == 0) {
        uint64_t now_ms = clock_mono_ms();

        for (size_t i = 0; i < s->demo.device_count; i++)
            turn_client(&s->clients[i], now_ms);
        summarize(s, now_ms);
        wait_for_network(s, sockets);
    }
    mem_free(sockets);
}

/* Waits for demo.json. */
static enum status wait_for_file(struct simulation *s)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_FOR_FILE_MS;
    enum status st;

    while ((st = demo_file_read(s->data_dir, &s->demo)) == ST_NOT_FOUND && is_stopping == 0 &&
           clock_mono_ms() < deadline_ms)
        (void)poll(NULL, 0, TURN_MS);
    return st;
}

/* Leaves devices out that a user has added: their owner connects them. */
static void keep_simulated(struct demo_file *demo)
{
    size_t kept = 0;

    for (size_t i = 0; i < demo->device_count; i++) {
        if (sim_device_is_simulated(demo->devices[i].name))
            demo->devices[kept++] = demo->devices[i];
    }
    secret_wipe(&demo->devices[kept], (demo->device_count - kept) * sizeof(*demo->devices));
    demo->device_count = kept;
}

static int simulate(struct simulation *s, bool with_tls)
{
    enum status st = wait_for_file(s);
    bool is_ready = true;

    if (is_stopping != 0)
        return EXIT_SUCCESS;
    if (st != ST_OK) {
        (void)fprintf(stderr,
                      "eztcloud: %s/demo.json: %s: start `eztcloud serve --demo` with this "
                      "data directory\n",
                      s->data_dir, status_text(st));
        return EXIT_FAILURE;
    }
    keep_simulated(&s->demo);
    s->clients = mem_new(MEM_BASE, s->demo.device_count * sizeof(*s->clients));
    for (size_t i = 0; i < s->demo.device_count; i++)
        s->clients[i].login = &s->demo.devices[i];
    for (size_t i = 0; is_ready && i < s->demo.device_count; i++)
        is_ready = init_client(s, i, with_tls);
    if (is_ready)
        run_devices(s);
    else
        (void)fprintf(stderr, "eztcloud: the simulated devices cannot be made: look at the CA %s\n",
                      s->demo.ca);
    for (size_t i = 0; i < s->demo.device_count; i++)
        deinit_client(&s->clients[i]);
    mem_free(s->clients);
    return is_ready ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the command */

static void print_help(void)
{
    (void)printf(
        "eztcloud simulate: connects the demo devices of DIR/demo.json, by their names, and lets\n"
        "them report.\n\n"
        "  --data DIR   data directory of the server (EZTCLOUD_DATA, else ./data)\n"
        "  --tls        connect over TLS\n");
}

static bool read_arguments(int argc, char *const *argv, struct simulation *s, bool *with_tls)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--tls") == 0) {
            *with_tls = true;
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            s->data_dir = argv[++i];
        } else if (strncmp(argv[i], "--data=", 7) == 0) {
            s->data_dir = argv[i] + 7;
        } else {
            (void)fprintf(stderr,
                          "eztcloud: %s: unknown here, or its value is missing: "
                          "`eztcloud simulate --help` tells more\n",
                          argv[i]);
            return false;
        }
    }
    return true;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

int cli_simulate_run(int argc, char *const *argv)
{
    const char *data_dir = getenv("EZTCLOUD_DATA");
    struct simulation s = {.data_dir = data_dir == NULL ? "./data" : data_dir};
    bool with_tls = false;
    int code;

    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (!read_arguments(argc, argv, &s, &with_tls))
        return EXIT_FAILURE;
    s.endpoint = with_tls ? ENDPOINT_device_mqtts : ENDPOINT_device_mqtt;
    catch_signals();
    (void)mosquitto_lib_init();
    code = simulate(&s, with_tls);
    (void)mosquitto_lib_cleanup();
    demo_file_deinit(&s.demo);
    return code;
}
