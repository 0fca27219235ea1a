/*
 * Memory of the load maker: objects that are always there, and bytes that wait to be written.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Bytes from `start` to `end` are waiting; a zeroed buffer is an empty one. */
struct load_buffer {
    uint8_t *bytes; /* owned */
    size_t start;
    size_t end;
    size_t capacity;
};

/** Gives `count` zeroed objects of `size` bytes; never NULL. The caller frees them with free(). */
void *load_buffer_new_objects(size_t count, size_t size);

/** Frees what the buffer holds; accepts a zeroed buffer. */
void load_buffer_deinit(struct load_buffer *buffer);

/** Makes room for `len` more bytes at the end and gives their place; `end` moves behind them. */
uint8_t *load_buffer_extend(struct load_buffer *buffer, size_t len);

/** Appends a copy of `len` bytes. */
void load_buffer_append(struct load_buffer *buffer, const void *bytes, size_t len);

/** Takes `len` bytes, which must be there, from the front. */
void load_buffer_consume(struct load_buffer *buffer, size_t len);

/** How many bytes wait. */
static inline size_t load_buffer_len(const struct load_buffer *buffer)
{
    return buffer->end - buffer->start;
}
