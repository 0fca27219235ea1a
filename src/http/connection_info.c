/*
 * The `sub_…` names lead to the `gateway_…` topics, as on the hosted platform.
 */
#include "http/connection_info.h"

#include <stdlib.h>
#include <string.h>

#include "http/api_endpoints.h"

/* X(name, word of the topic) */
#define TOPIC_LIST(X)                                                   \
    X("attributes", "attributes")                                       \
    X("attributes_response", "attributes_response")                     \
    X("attributes_get", "attributes_get")                               \
    X("attributes_get_response", "attributes_get_response")             \
    X("attributes_push", "attributes_push")                             \
    X("event_report", "event_report")                                   \
    X("event_response", "event_response")                               \
    X("command_send", "command_send")                                   \
    X("command_reply", "command_reply")                                 \
    X("sub_connect", "gateway_connect")                                 \
    X("sub_disconnect", "gateway_disconnect")                           \
    X("sub_attributes", "gateway_attributes")                           \
    X("sub_attributes_response", "gateway_attributes_response")         \
    X("sub_attributes_get", "gateway_attributes_get")                   \
    X("sub_attributes_get_response", "gateway_attributes_get_response") \
    X("sub_attributes_push", "gateway_attributes_push")                 \
    X("sub_event_report", "gateway_event_report")                       \
    X("sub_event_response", "gateway_event_response")                   \
    X("sub_command_send", "gateway_command_send")                       \
    X("sub_command_reply", "gateway_command_reply")

static json_t *topics(const char *username)
{
    static const struct {
        const char *name, *word;
    } rows[] = {
#define X(name, word) {name, word},
        TOPIC_LIST(X)
#undef X
    };
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        (void)json_object_set_new(object, rows[i].name,
                                  json_sprintf("%s/%s", rows[i].word, username));
    return object;
}

/* Host and port of the first URL of a service; null: it has none. */
static json_t *service(const json_t *endpoints, enum http_endpoint e, int default_port,
                       const struct registry_device *d, const char *username)
{
    const char *url =
        json_string_value(json_array_get(json_object_get(endpoints, http_endpoint_name(e)), 0));
    struct slice rest, host;
    long port = default_port;

    if (url == NULL)
        return json_null();
    rest = slice_of(strstr(url, "://") + 3);
    host = slice_cut(&rest, '/');
    rest = host;
    if (host.len > 0 && host.data[0] == '[') { /* IPv6 */
        rest = slice_from(host, 1);
        host = slice_cut(&rest, ']');
        (void)slice_cut(&rest, ':');
    } else {
        host = slice_cut(&rest, ':');
    }
    if (rest.len > 0)
        port = strtol((const char *)rest.data, NULL, 10); /* a text, whose end stops it */
    return json_pack("{s:s%, s:I, s:s, s:s}", "host", host.data, host.len, "port", (json_int_t)port,
                     "username", username, "password", d->password);
}

enum status connection_info_new(struct http_call *call, const struct registry_device *d,
                                json_t **out)
{
    char username[IDENT_TEXT_LEN + 1];
    json_t *own, *endpoints;
    enum status st = api_endpoints_own(call->registry, d->project_id, &own);

    *out = NULL;
    if (st != ST_OK)
        return st;
    endpoints = api_endpoints_of_project(call->site, own);
    ident_format(IDENT_DEVICE, d->device_id, username);
    *out = json_pack("{s:o, s:o, s:o}", "mqtt",
                     service(endpoints, HTTP_ENDPOINT_device_mqtt, 1883, d, username), "mqtts",
                     service(endpoints, HTTP_ENDPOINT_device_mqtts, 8883, d, username), "topic",
                     topics(username));
    json_decref(endpoints);
    json_decref(own);
    return ST_OK;
}
