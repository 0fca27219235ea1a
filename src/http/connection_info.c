/*
 * Connection information, made of the project's endpoints and the device's row.
 */
#include "http/connection_info.h"

#include <stdlib.h>
#include <string.h>

#include "http/api_endpoints.h"

static json_t *topics(const char *username)
{
    static const struct {
        const char *name, *word;
    } rows[] = {
#define CONNECTION_TOPIC(name, word) {#name, word},
#include "platform/connection_topic.def"
#undef CONNECTION_TOPIC
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
