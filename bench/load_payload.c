/*
 * Payloads look like
 *
 *   {"device":    17,"seq":       123,"t":1700000000000000,"temperature":23.5,...,"pad":"xxx"}
 *
 * Numbers are right-aligned with blanks, which JSON allows, so every place is fixed. As many
 * ordinary attributes follow as the size has room for, and a text fills it up. Any thread: the
 * common part does not change after it was made.
 */
#include "load_payload.h"

#include <stdlib.h>
#include <string.h>

#include "load_buffer.h"

#define DEVICE_NAME   "{\"device\":"
#define SEQUENCE_NAME ",\"seq\":"
#define SENT_NAME     ",\"t\":"
#define PAD_NAME      ",\"pad\":\""
#define PAD_END       "\"}"

#define LENGTH(text) (sizeof(text) - 1)

enum {
    DEVICE_WIDTH = 6,
    SEQUENCE_WIDTH = 10,
    SENT_WIDTH = 16,
    DEVICE_AT = LENGTH(DEVICE_NAME),
    SEQUENCE_AT = DEVICE_AT + DEVICE_WIDTH + LENGTH(SEQUENCE_NAME),
    SENT_AT = SEQUENCE_AT + SEQUENCE_WIDTH + LENGTH(SENT_NAME),
    COMMON_AT = SENT_AT + SENT_WIDTH,
};

/* Ordinary attributes, so that a server which reads JSON meets what devices send. */
static const char *const attributes[] = {
    ",\"temperature\":23.5", ",\"humidity\":41.25", ",\"running\":true",
    ",\"mode\":\"auto\"",    ",\"voltage\":3.71",   ",\"signal\":-67",
};

size_t load_payload_smallest(void)
{
    return COMMON_AT + LENGTH(PAD_NAME) + LENGTH(PAD_END);
}

static uint8_t *put_text(uint8_t *place, const char *text)
{
    size_t len = strlen(text);

    memcpy(place, text, len);
    return place + len;
}

static uint8_t *put_blanks(uint8_t *place, size_t count)
{
    memset(place, ' ', count);
    return place + count;
}

void load_payload_init(struct load_payload *payload, size_t size)
{
    size_t room = size - load_payload_smallest();
    uint8_t *place = load_buffer_new_objects(size, 1);

    payload->bytes = place;
    payload->size = size;
    place = put_blanks(put_text(place, DEVICE_NAME), DEVICE_WIDTH);
    place = put_blanks(put_text(place, SEQUENCE_NAME), SEQUENCE_WIDTH);
    place = put_blanks(put_text(place, SENT_NAME), SENT_WIDTH);
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (strlen(attributes[i]) > room)
            break;
        room -= strlen(attributes[i]);
        place = put_text(place, attributes[i]);
    }
    place = put_text(place, PAD_NAME);
    memset(place, 'x', room);
    put_text(place + room, PAD_END);
}

void load_payload_deinit(struct load_payload *payload)
{
    free(payload->bytes);
    *payload = (struct load_payload){0};
}

void load_payload_copy(const struct load_payload *payload, uint8_t *bytes)
{
    memcpy(bytes, payload->bytes, payload->size);
}

static void put_number(uint8_t *place, size_t width, uint64_t number)
{
    size_t at = width;

    do {
        place[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0 && at > 0);
    while (at > 0)
        place[--at] = ' ';
}

static bool get_number(const uint8_t *place, size_t width, uint64_t *number)
{
    size_t at = 0;

    *number = 0;
    while (at + 1 < width && place[at] == ' ')
        at++;
    for (; at < width; at++) {
        if (place[at] < '0' || place[at] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(place[at] - '0');
    }
    return true;
}

void load_payload_stamp_device(uint8_t *bytes, uint32_t device)
{
    put_number(bytes + DEVICE_AT, DEVICE_WIDTH, device);
}

void load_payload_stamp_sequence(uint8_t *bytes, uint32_t sequence)
{
    put_number(bytes + SEQUENCE_AT, SEQUENCE_WIDTH, sequence);
}

void load_payload_stamp_sent(uint8_t *bytes, int64_t sent_us)
{
    put_number(bytes + SENT_AT, SENT_WIDTH, (uint64_t)sent_us);
}

bool load_payload_read(const struct load_payload *payload, const uint8_t *bytes, size_t len,
                       struct load_payload_stamp *stamp)
{
    uint64_t device;
    uint64_t sequence;
    uint64_t sent_us;

    if (len != payload->size || memcmp(bytes, DEVICE_NAME, LENGTH(DEVICE_NAME)) != 0 ||
        !get_number(bytes + DEVICE_AT, DEVICE_WIDTH, &device) ||
        memcmp(bytes + DEVICE_AT + DEVICE_WIDTH, SEQUENCE_NAME, LENGTH(SEQUENCE_NAME)) != 0 ||
        !get_number(bytes + SEQUENCE_AT, SEQUENCE_WIDTH, &sequence) || sequence >= UINT32_MAX ||
        memcmp(bytes + SEQUENCE_AT + SEQUENCE_WIDTH, SENT_NAME, LENGTH(SENT_NAME)) != 0 ||
        !get_number(bytes + SENT_AT, SENT_WIDTH, &sent_us) ||
        memcmp(bytes + COMMON_AT, payload->bytes + COMMON_AT, len - COMMON_AT) != 0)
        return false;
    stamp->device = (uint32_t)device;
    stamp->sequence = (uint32_t)sequence;
    stamp->sent_us = (int64_t)sent_us;
    return true;
}
