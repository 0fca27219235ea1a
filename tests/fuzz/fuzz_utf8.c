/*
 * utf8.h against a decoder written from the definition: code points, not byte ranges.
 */
#include "base/utf8.h"

#include "base/invariant.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Length of the character at the front by its value, or 0. */
static size_t decode(const uint8_t *p, size_t left, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = 0;

    while (len < 8 && (p[0] << len & 0x80) != 0)
        len++;
    if (len == 0) {
        *code = p[0];
        return 1;
    }
    if (len == 1 || len > 4 || len > left)
        return 0;
    *code = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (p[i] & 0x3fu);
    }
    if (*code < smallest[len] || *code > 0x10ffff || *code >> 11 == 0xd800 >> 11)
        return 0;
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = slice_make(data, size);
    bool text = true;
    size_t i = 0;

    while (i < size) {
        uint32_t code = 0;
        size_t len = decode(data + i, size - i, &code);

        invariant(utf8_char_len(slice_from(s, i)) == len);
        if (len == 0 || code == 0)
            text = false;
        i += len == 0 ? 1 : len;
    }
    invariant(utf8_is_text(s) == text);
    for (size_t max = 0; max <= size && max < 64; max++) {
        struct slice cut = utf8_truncate(s, max);

        invariant(cut.data == data && cut.len <= max && max - cut.len <= 3);
        invariant(!text || utf8_is_text(cut));
    }
    invariant(mem_bytes_used_total() == 0);
    return 0;
}
