/*
 * Growing byte buffers. A buffer belongs to one thread. It grows to the largest burst it has seen
 * and keeps that memory, so that a steady load asks for none. Running out of memory ends the
 * process: a load maker that runs short measures nothing.
 */
#include "load_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "load_fatal.h"

static const size_t smallest_capacity = 256;

void *load_buffer_new_objects(size_t count, size_t size)
{
    void *objects = calloc(count > 0 ? count : 1, size);

    if (objects == NULL)
        load_fatal("no memory for %zu objects of %zu bytes", count, size);
    return objects;
}

void load_buffer_deinit(struct load_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct load_buffer){0};
}

static void buffer_make_room(struct load_buffer *buffer, size_t len)
{
    size_t used = load_buffer_len(buffer);
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : smallest_capacity;

    if (buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
    }
    while (capacity - used < len)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return;
    buffer->bytes = realloc(buffer->bytes, capacity);
    if (buffer->bytes == NULL)
        load_fatal("no memory for a buffer of %zu bytes", capacity);
    buffer->capacity = capacity;
}

uint8_t *load_buffer_extend(struct load_buffer *buffer, size_t len)
{
    uint8_t *place;

    if (buffer->capacity - buffer->end < len)
        buffer_make_room(buffer, len);
    place = buffer->bytes + buffer->end;
    buffer->end += len;
    return place;
}

void load_buffer_append(struct load_buffer *buffer, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(load_buffer_extend(buffer, len), bytes, len);
}

void load_buffer_consume(struct load_buffer *buffer, size_t len)
{
    buffer->start += len;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}
