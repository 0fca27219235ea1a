/*
 * A service whose list a project sets has these URLs and no others.
 */
#include "http/api_endpoints.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of the URLs of a service. */
static const char *const schemes[HTTP_ENDPOINT_COUNT] = {
    [HTTP_ENDPOINT_device_mqtt] = "mqtt://",   [HTTP_ENDPOINT_device_ws] = "ws://",
    [HTTP_ENDPOINT_device_mqtts] = "mqtts://", [HTTP_ENDPOINT_app_mqtts] = "mqtts://",
    [HTTP_ENDPOINT_app_wss] = "wss://",        [HTTP_ENDPOINT_https] = "https://",
};

json_t *api_endpoints_of_server(const struct http_site *site)
{
    json_t *object = json_object();

    for (unsigned e = 0; e < HTTP_ENDPOINT_COUNT; e++) {
        json_t *urls = json_array();

        if (site->settings.endpoints[e] != NULL)
            (void)json_array_append_new(urls, json_string(site->settings.endpoints[e]));
        (void)json_object_set_new(object, http_endpoint_name(e), urls);
    }
    return object;
}

enum status api_endpoints_own(struct registry *r, uint64_t project_id, json_t **out)
{
    struct buffer text = {0};
    enum status st = registry_project_endpoints_find(r, project_id, &text);

    *out = NULL;
    if (st == ST_OK) {
        *out = http_json_stored(buffer_slice(&text));
        st = json_is_object(*out) ? ST_OK : ST_CORRUPT;
    } else if (st == ST_NOT_FOUND) {
        *out = json_object();
        st = ST_OK;
    }
    if (st != ST_OK) {
        json_decref(*out);
        *out = NULL;
    }
    buffer_deinit(&text);
    return st;
}

json_t *api_endpoints_of_project(const struct http_site *site, const json_t *own)
{
    json_t *object = api_endpoints_of_server(site);

    (void)json_object_update(object, (json_t *)(uintptr_t)own);
    return object;
}

/* False: answered. */
static bool check_urls(struct http_call *call, const char *service, const json_t *urls)
{
    size_t i, scheme = 0;
    json_t *url;

    while (strcmp(http_endpoint_name((enum http_endpoint)scheme), service) != 0)
        scheme++; /* the schema knows no others */
    json_array_foreach ((json_t *)(uintptr_t)urls, i, url) {
        const char *text = json_string_value(url);

        if (strncasecmp(text, schemes[scheme], strlen(schemes[scheme])) == 0 &&
            text[strlen(schemes[scheme])] != '\0' && strpbrk(text, " \t\"<>\\") == NULL)
            continue;
        http_fail_field(call, PROBLEM_invalid, service, "%s[%zu] must be a URL that begins with %s",
                        service, i, schemes[scheme]);
        return false;
    }
    return true;
}

bool api_endpoints_change(struct http_call *call, uint64_t project_id)
{
    json_t *changes = json_object_get(call->body, "own_endpoints"), *own, *urls;
    const char *service;
    char *text;
    enum status st;

    if (changes == NULL)
        return true;
    st = api_endpoints_own(call->registry, project_id, &own);
    if (!http_succeeded(call, st, "the endpoints"))
        return false;
    json_object_foreach (changes, service, urls) {
        if (!check_urls(call, service, urls)) {
            json_decref(own);
            return false;
        }
        if (json_is_null(urls))
            (void)json_object_del(own, service);
        else
            (void)json_object_set(own, service, urls);
    }
    text = json_dumps(own, JSON_COMPACT);
    st = registry_project_endpoints_put(call->registry, project_id, slice_of(text));
    free(text);
    json_decref(own);
    return http_succeeded(call, st, "the endpoints");
}
