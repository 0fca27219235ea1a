/*
 * Endpoints as URLs. An IPv6 address stands in brackets there.
 */
#include "app/endpoint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"

static const struct endpoint_row {
    const char *name, *scheme, *path;
    size_t port_offset; /* in struct config */
} rows[ENDPOINT_COUNT] = {
#define X(name, scheme, option, path) {#name, scheme, path, offsetof(struct config, option)},
    ENDPOINT_LIST(X)
#undef X
};

const char *endpoint_name(enum endpoint e)
{
    return rows[e].name;
}

uint16_t endpoint_port(const struct config *c, enum endpoint e)
{
    uint16_t port;

    memcpy(&port, (const char *)c + rows[e].port_offset, sizeof(port));
    return port;
}

void endpoint_format(const struct config *c, enum endpoint e, char out[ENDPOINT_URL_MAX + 1])
{
    bool is_ipv6 = strchr(c->public_host, ':') != NULL;
    int len =
        snprintf(out, ENDPOINT_URL_MAX + 1, "%s://%s%s%s:%u%s", rows[e].scheme, is_ipv6 ? "[" : "",
                 c->public_host, is_ipv6 ? "]" : "", endpoint_port(c, e), rows[e].path);

    invariant(len > 0 && len <= ENDPOINT_URL_MAX); /* a host has at most ENDPOINT_HOST_MAX bytes */
}

enum status endpoint_parse(const char *url, char host[ENDPOINT_HOST_MAX + 1], uint16_t *port)
{
    const char *begin = strstr(url, "://");
    const char *end;
    char *rest;
    unsigned long number;

    if (begin == NULL)
        return ST_INVALID;
    begin += 3;
    if (*begin == '[')
        end = strchr(++begin, ']');
    else
        end = strchr(begin, ':');
    if (end == NULL || end == begin || end - begin > ENDPOINT_HOST_MAX)
        return ST_INVALID;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    end += *end == ']' ? 1 : 0;
    if (*end != ':' || end[1] < '0' || end[1] > '9')
        return ST_INVALID;
    number = strtoul(end + 1, &rest, 10);
    if (number == 0 || number > UINT16_MAX || (*rest != '\0' && *rest != '/'))
        return ST_INVALID;
    *port = (uint16_t)number;
    return ST_OK;
}
