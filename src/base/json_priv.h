/*
 * What the parser has found out about a text, for those who walk along it: the places of its
 * structural characters (braces, brackets, colons, commas, first characters of values).
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include "base/json.h"

struct json_places {
    struct slice text; /* borrowed: as it was checked, without a byte order mark */
    const uint32_t *places;
    uint32_t count;
};

/** Of the text that was checked last; the same lifetime. */
struct json_places json_parser_places(const struct json_parser *p);

/** The bytes from structural character `first` up to `next`, without the white space at their end.
 */
static inline struct slice json_places_between(const uint8_t *text, const uint32_t *places,
                                               uint32_t first, uint32_t next)
{
    uint32_t start = places[first];
    uint32_t end = places[next];

    while (text[end - 1] <= ' ') /* in a checked text: white space */
        end--;
    return (struct slice){text + start, end - start};
}

/** Walks past the value at structural character `next` and gives the one behind it, or 0 when it
 * is more than `depth_max` deep. */
static inline uint32_t json_places_skip(const uint8_t *text, const uint32_t *places, uint32_t next,
                                        unsigned depth_max)
{
    const uint8_t brace_bit = '{' ^ '['; /* brackets and braces differ in it only */
    unsigned depth = 0;

    do {
        uint8_t c = text[places[next++]] | brace_bit;

        if (c == '{')
            depth++;
        else if (c == '}')
            depth--;
        if (depth > depth_max)
            return 0;
    } while (depth > 0);
    return next;
}

#ifdef __cplusplus
}
#endif
