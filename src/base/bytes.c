/*
 * Slices and growing buffers. A buffer doubles, so appending costs constant time on average; it
 * never shrinks by itself. Each object belongs to one holder at a time.
 */
#include "base/bytes.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/mem.h"

enum { BUFFER_CAPACITY_MIN = 64 };

struct slice slice_cut(struct slice *rest, char separator)
{
    struct slice whole = *rest;
    const uint8_t *at = whole.len == 0 ? NULL : memchr(whole.data, separator, whole.len);
    size_t len;

    if (at == NULL) {
        *rest = (struct slice){NULL, 0};
        return whole;
    }
    len = (size_t)(at - whole.data);
    *rest = slice_from(whole, len + 1);
    return (struct slice){whole.data, len};
}

char *slice_to_string(struct slice a)
{
    char *text;

    invariant(a.len < PTRDIFF_MAX);
    text = mem_alloc(MEM_BASE, a.len + 1);
    if (a.len > 0)
        memcpy(text, a.data, a.len);
    text[a.len] = '\0';
    return text;
}

void buffer_deinit(struct buffer *b)
{
    mem_free(b->data);
    *b = (struct buffer){NULL, 0, 0};
}

uint8_t *buffer_reserve(struct buffer *b, size_t more)
{
    size_t need;

    invariant(more <= PTRDIFF_MAX / 2 && b->len <= PTRDIFF_MAX / 2);
    need = b->len + more;
    if (b->data == NULL || need > b->capacity) {
        size_t capacity = b->capacity < BUFFER_CAPACITY_MIN ? BUFFER_CAPACITY_MIN : b->capacity;

        while (capacity < need)
            capacity *= 2;
        b->data = mem_resize(MEM_BASE, b->data, capacity);
        b->capacity = capacity;
    }
    return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buffer_reserve(b, len), data, len);
    b->len += len;
}

void buffer_append_slice(struct buffer *b, struct slice s)
{
    buffer_append(b, s.data, s.len);
}

void buffer_append_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_append_u8(struct buffer *b, uint8_t byte)
{
    *buffer_reserve(b, 1) = byte;
    b->len++;
}

void buffer_append_u16(struct buffer *b, uint16_t value)
{
    uint16_t big = htobe16(value);

    buffer_append(b, &big, sizeof(big));
}

void buffer_append_u32(struct buffer *b, uint32_t value)
{
    uint32_t big = htobe32(value);

    buffer_append(b, &big, sizeof(big));
}

void buffer_append_u64(struct buffer *b, uint64_t value)
{
    uint64_t big = htobe64(value);

    buffer_append(b, &big, sizeof(big));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_list again;
    char *at = (char *)buffer_reserve(b, BUFFER_CAPACITY_MIN); /* most texts fit at once */
    size_t room = b->capacity - b->len;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(at, room, format, args);
    va_end(args);
    invariant(len >= 0);
    if ((size_t)len >= room) {
        at = (char *)buffer_reserve(b, (size_t)len + 1);
        invariant(vsnprintf(at, (size_t)len + 1, format, again) == len);
    }
    va_end(again);
    b->len += (size_t)len;
}

void buffer_consume(struct buffer *b, size_t len)
{
    invariant(len <= b->len);
    if (len == 0)
        return;
    b->len -= len;
    memmove(b->data, b->data + len, b->len);
}
