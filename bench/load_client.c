/*
 * CONNECT, CONNACK and framing, for devices and subscribers alike. Belongs to the thread of its
 * loop. No PINGREQ is sent: the keep alive is longer than any run.
 */
#include "load_client.h"

#include "load_clock.h"

static void client_on_ready(void *owner)
{
    struct load_client *client = owner;

    load_mqtt_put_connect(load_conn_out(&client->conn), client->protocol, &client->identity);
}

static void client_on_first_packet(struct load_client *client,
                                   const struct load_mqtt_packet *packet)
{
    uint8_t reason;

    if (packet->type != LOAD_MQTT_CONNACK ||
        !load_mqtt_read_connack(packet, &client->session_present, &reason)) {
        load_client_fail(client, LOAD_FAULT_PROTOCOL, "the first packet is no CONNACK");
    } else if (reason != 0) {
        load_client_fail(client, LOAD_FAULT_REFUSED, "CONNECT was refused");
    } else {
        client->connected = true;
        client->handler->on_connected(client->owner);
    }
}

static size_t client_on_bytes(void *owner, const uint8_t *bytes, size_t len)
{
    struct load_client *client = owner;
    size_t at = 0;

    while (client->conn.state == LOAD_CONN_READY) {
        struct load_mqtt_packet packet;
        ptrdiff_t taken = load_mqtt_next(bytes + at, len - at, &packet);

        if (taken == 0)
            break;
        if (taken < 0) {
            load_client_fail(client, LOAD_FAULT_PROTOCOL, "a packet's length is malformed");
            break;
        }
        at += (size_t)taken;
        if (!client->connected)
            client_on_first_packet(client, &packet);
        else if (packet.type == LOAD_MQTT_DISCONNECT)
            load_client_fail(client, LOAD_FAULT_CLOSED, "the server sent DISCONNECT");
        else
            client->handler->on_packet(client->owner, &packet);
    }
    return at;
}

static void client_on_drained(void *owner)
{
    struct load_client *client = owner;

    if (client->connected)
        client->handler->on_drained(client->owner);
}

static void client_on_lost(void *owner, const char *why)
{
    struct load_client *client = owner;

    client->connected = false;
    client->handler->on_fault(client->owner, LOAD_FAULT_CLOSED, why);
}

static const struct load_conn_handler conn_handler = {
    .on_ready = client_on_ready,
    .on_bytes = client_on_bytes,
    .on_drained = client_on_drained,
    .on_lost = client_on_lost,
};

void load_client_open(struct load_client *client, struct load_loop *loop,
                      const struct load_endpoint *endpoint, uint32_t protocol,
                      const struct load_mqtt_identity *identity,
                      const struct load_client_handler *handler, void *owner)
{
    client->handler = handler;
    client->owner = owner;
    client->identity = *identity;
    client->protocol = protocol;
    client->connected = false;
    client->opened_us = load_clock_unix_us();
    load_conn_open(&client->conn, loop, endpoint, &conn_handler, client);
}

struct load_buffer *load_client_out(struct load_client *client)
{
    return load_conn_out(&client->conn);
}

void load_client_close(struct load_client *client)
{
    if (client->connected)
        load_mqtt_put_disconnect(load_client_out(client));
    client->connected = false;
    load_conn_close(&client->conn);
}

void load_client_fail(struct load_client *client, enum load_fault fault, const char *what)
{
    load_client_close(client);
    client->handler->on_fault(client->owner, fault, what);
}
