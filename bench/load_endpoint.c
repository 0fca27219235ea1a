/*
 * URLs, addresses and TLS settings. Main thread; load_endpoint_new_tls() any thread. Certificates
 * are always verified, because clients do so: it costs the load maker, never the server. Sessions
 * are not resumed, so every connection is a full handshake.
 */
#include "load_endpoint.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_fatal.h"

/* What is read ahead of one record, so that a burst of records costs one system call. */
enum { READ_AHEAD_BYTES = 64 * 1024 };

static const struct scheme {
    const char *prefix;
    bool tls;
    bool websocket;
} schemes[] = {
    {"mqtt://", false, false},
    {"mqtts://", true, false},
    {"ws://", false, true},
    {"wss://", true, true},
};

static SSL_CTX *endpoint_new_context(const char *url, const char *ca)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL)
        load_fatal("OpenSSL: %s", ERR_reason_error_string(ERR_get_error()));
    if (ca[0] == '\0')
        load_fatal("%s needs --ca FILE", url);
    if (SSL_CTX_load_verify_file(context, ca) != 1)
        load_fatal("%s: %s", ca, ERR_reason_error_string(ERR_get_error()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_BYTES);
    return context;
}

static void endpoint_resolve(struct load_endpoint *endpoint)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int error = getaddrinfo(endpoint->host, NULL, &hints, &found);

    if (error != 0)
        load_fatal("%s: %s", endpoint->host, gai_strerror(error));
    memcpy(&endpoint->address, found->ai_addr, sizeof(endpoint->address));
    endpoint->address.sin_port = htons(endpoint->port);
    freeaddrinfo(found);
}

/** Cuts `host:port/path` up. */
static void endpoint_read_place(struct load_endpoint *endpoint, const char *url, const char *place)
{
    const char *colon = strchr(place, ':');
    const char *path = strchr(place, '/');
    char *end = NULL;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;

    if (path == NULL)
        path = "/";
    if (colon == NULL || port == 0 || port > UINT16_MAX || (*end != '\0' && *end != '/') ||
        colon == place || colon - place > LOAD_ENDPOINT_HOST_MAX ||
        strlen(path) > LOAD_ENDPOINT_PATH_MAX)
        load_fatal("'%s' is no URL of the form scheme://host:port", url);
    snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int)(colon - place), place);
    snprintf(endpoint->path, sizeof(endpoint->path), "%s", path);
    endpoint->port = (uint16_t)port;
}

void load_endpoint_init(struct load_endpoint *endpoint, const char *url, const char *ca)
{
    const size_t count = sizeof(schemes) / sizeof(schemes[0]);
    size_t i = 0;

    while (i < count && strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) != 0)
        i++;
    if (i == count)
        load_fatal("'%s' begins with none of mqtt://, mqtts://, ws://, wss://", url);

    *endpoint = (struct load_endpoint){.websocket = schemes[i].websocket};
    endpoint_read_place(endpoint, url, url + strlen(schemes[i].prefix));
    endpoint_resolve(endpoint);
    if (schemes[i].tls)
        endpoint->tls = endpoint_new_context(url, ca);
}

void load_endpoint_deinit(struct load_endpoint *endpoint)
{
    SSL_CTX_free(endpoint->tls);
    *endpoint = (struct load_endpoint){0};
}

struct ssl_st *load_endpoint_new_tls(const struct load_endpoint *endpoint, int fd)
{
    SSL *tls = SSL_new(endpoint->tls);

    if (tls == NULL || SSL_set_fd(tls, fd) != 1)
        load_fatal("OpenSSL: %s", ERR_reason_error_string(ERR_get_error()));
    /* An address is looked for among the addresses of a certificate, a name among its names. */
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), endpoint->host) != 1 &&
        (SSL_set1_host(tls, endpoint->host) != 1 ||
         SSL_set_tlsext_host_name(tls, endpoint->host) != 1))
        load_fatal("OpenSSL: %s", ERR_reason_error_string(ERR_get_error()));
    ERR_clear_error();
    SSL_set_connect_state(tls);
    return tls;
}
