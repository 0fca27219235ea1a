/* A client of paho's C library, driven by lines of JSON: the commands and events of
 * `js/clients.mjs`, of one client.
 *
 * usage: paho_c CA
 *
 * paho calls back from threads of its own; each event is one line, written at once. Memory that
 * callbacks need lives until the program ends, which is soon.
 */
#include <MQTTAsync.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PAYLOAD = 4096, V5 = 5 };

static MQTTAsync client;
static MQTTAsync_connectOptions options; /* and all that it points to */
static int version;
static json_int_t id;

/** Takes the value. */
static void tell(const char *what, json_t *value)
{
    json_t *event = json_pack("{s:I, s:s, s:o}", "id", id, "what", what, "value", value);
    char *line = json_dumps(event, JSON_COMPACT);

    printf("%s\n", line);
    fflush(stdout);
    free(line);
    json_decref(event);
}

static char *to_hex(const unsigned char *data, size_t size)
{
    char *text = calloc(size + 1, 2);

    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return text;
}

static int from_hex(const char *text, unsigned char data[MAX_PAYLOAD])
{
    size_t size = strlen(text) / 2;

    if (size > MAX_PAYLOAD)
        exit(2);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            exit(2);
        data[i] = (unsigned char)byte;
    }
    return (int)size;
}

static json_t *text_or_null(const MQTTProperty *property)
{
    return property ? json_stringn(property->value.data.data, (size_t)property->value.data.len)
                    : json_null();
}

static json_t *user_properties(MQTTProperties *properties)
{
    json_t *user = json_object();

    for (int i = 0; i < properties->count; i++) {
        const MQTTProperty *each = &properties->array[i];

        if (each->identifier == MQTTPROPERTY_CODE_USER_PROPERTY) {
            char key[64];

            snprintf(key, sizeof key, "%.*s", each->value.data.len, each->value.data.data);
            json_object_set_new(
                user, key, json_stringn(each->value.value.data, (size_t)each->value.value.len));
        }
    }
    return user;
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
    MQTTProperties *properties = &message->properties;
    char *payload = to_hex(message->payload, (size_t)message->payloadlen);

    (void)context;
    (void)length;
    tell("message",
         json_pack(
             "{s:s, s:s, s:i, s:o, s:o}", "topic", topic, "payload", payload, "qos", message->qos,
             "user", user_properties(properties), "contentType",
             text_or_null(MQTTProperties_getProperty(properties, MQTTPROPERTY_CODE_CONTENT_TYPE))));
    free(payload);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- answers: paho has a pair of callbacks for each version of the protocol */

static void on_open(void *context, MQTTAsync_successData *data)
{
    (void)context;
    tell("connect", json_boolean(data->alt.connect.sessionPresent));
}

static void on_open5(void *context, MQTTAsync_successData5 *data)
{
    (void)context;
    tell("connect", json_boolean(data->alt.connect.sessionPresent));
}

static void on_granted(void *context, MQTTAsync_successData *data)
{
    (void)context;
    tell("granted", json_pack("[i]", data->alt.qos));
}

static void on_granted5(void *context, MQTTAsync_successData5 *data)
{
    (void)context;
    tell("granted", json_pack("[i]", (int)data->reasonCode));
}

static void on_published(void *context, MQTTAsync_successData *data)
{
    (void)context;
    (void)data;
    tell("published", json_null());
}

static void on_published5(void *context, MQTTAsync_successData5 *data)
{
    (void)context;
    tell("published", json_integer(data->reasonCode));
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
    tell(context, json_integer(data->code));
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
    tell(context, json_integer(data->reasonCode));
}

/* The code of a refused CONNECT is in `code`: `reasonCode` stays 0. */
static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
    tell(context, json_integer(data->code));
}

/* What the CONNACK says of the session is in the success of the first CONNECT alone. */
static void on_connected(void *context, char *cause)
{
    (void)context;
    if (strcmp(cause, "automatic reconnect") == 0)
        tell("connect", json_null());
}

static void check(const char *what, int code)
{
    if (code != MQTTASYNC_SUCCESS) {
        fprintf(stderr, "%s: %s\n", what, MQTTAsync_strerror(code));
        exit(1);
    }
}

static MQTTAsync_responseOptions response_to(const char *event, MQTTAsync_onSuccess *good,
                                             MQTTAsync_onSuccess5 *good5)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    response.context = (void *)event;
    if (version == V5) {
        response.onSuccess5 = good5;
        response.onFailure5 = on_failure5;
    } else {
        response.onSuccess = good;
        response.onFailure = on_failure;
    }
    return response;
}

/* ---- commands */

static const char *text_of(json_t *command, const char *member)
{
    return json_string_value(json_object_get(command, member));
}

static int number_of(json_t *command, const char *member)
{
    return (int)json_integer_value(json_object_get(command, member));
}

static void set_will(MQTTAsync_willOptions *to, json_t *will)
{
    static unsigned char payload[MAX_PAYLOAD];

    to->topicName = text_of(will, "topic");
    to->payload.len = from_hex(text_of(will, "payload"), payload);
    to->payload.data = payload;
    to->qos = number_of(will, "qos");
}

static void create_client(json_t *command)
{
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;

    create.sendWhileDisconnected = 1;
    create.MQTTVersion = version == V5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    check("create", MQTTAsync_createWithOptions(&client, text_of(command, "url"),
                                                text_of(command, "clientId"),
                                                MQTTCLIENT_PERSISTENCE_NONE, NULL, &create));
    check("callbacks", MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL));
    check("connected", MQTTAsync_setConnected(client, NULL, on_connected));
}

/* The command is kept, for its texts are used again. */
static void open_client(json_t *command, const char *ca)
{
    static MQTTAsync_connectOptions old = MQTTAsync_connectOptions_initializer;
    static MQTTAsync_connectOptions new = MQTTAsync_connectOptions_initializer5;
    static MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    static MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    static MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};

    json_incref(command);
    version = number_of(command, "version");
    create_client(command);
    options = version == V5 ? new : old;
    options.username = text_of(command, "username");
    options.password = text_of(command, "password");
    options.context = (void *)"refused";
    options.automaticReconnect = 1;
    options.maxRetryInterval = 2;
    tls.trustStore = ca;
    tls.verify = 1;
    options.ssl = &tls;
    if (json_is_object(json_object_get(command, "will"))) {
        set_will(&will, json_object_get(command, "will"));
        options.will = &will;
    }
    if (version == V5) {
        options.cleanstart = json_is_true(json_object_get(command, "clean"));
        expiry.value.integer4 = (unsigned)number_of(command, "expiry");
        MQTTProperties_add(&properties, &expiry);
        options.connectProperties = &properties;
        options.onSuccess5 = on_open5;
        options.onFailure5 = on_refused5;
    } else {
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.cleansession = json_is_true(json_object_get(command, "clean"));
        options.onSuccess = on_open;
        options.onFailure = on_failure;
    }
    check("connect", MQTTAsync_connect(client, &options));
}

static void publish(json_t *command)
{
    unsigned char payload[MAX_PAYLOAD];
    int size = from_hex(text_of(command, "payload"), payload);
    MQTTAsync_responseOptions response = response_to("published", on_published, on_published5);

    check("publish", MQTTAsync_send(client, text_of(command, "topic"), size, payload,
                                    number_of(command, "qos"), 0, &response));
}

static void carry_out(json_t *command, const char *ca)
{
    const char *what = text_of(command, "do");

    if (strcmp(what, "open") == 0) {
        id = json_integer_value(json_object_get(command, "id"));
        open_client(command, ca);
    } else if (strcmp(what, "subscribe") == 0) {
        MQTTAsync_responseOptions response = response_to("granted", on_granted, on_granted5);

        check("subscribe", MQTTAsync_subscribe(client, text_of(command, "filter"),
                                               number_of(command, "qos"), &response));
    } else if (strcmp(what, "publish") == 0) {
        publish(command);
    } else {
        MQTTAsync_disconnectOptions how = MQTTAsync_disconnectOptions_initializer;

        MQTTAsync_disconnect(client, &how);
        tell("closed", json_null());
    }
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;

    if (argc != 2)
        return 2;
    while (getline(&line, &room, stdin) > 0) {
        json_t *command = json_loads(line, 0, NULL);

        carry_out(command, argv[1]);
        json_decref(command);
    }
    free(line);
    // The library's threads are there yet: what OpenSSL clears away at an orderly end is theirs.
    fflush(stdout);
    _exit(0);
}
