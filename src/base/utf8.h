/*
 * UTF-8 as MQTT wants it: one character, a whole text, a cut between characters.
 *
 * Knows nothing of MQTT's other wishes (control characters, non-characters). Pure functions, any
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/** How many bytes the character at the front of `s` has (1 to 4, U+0000 included); 0 when there is
 *  none or it is not well formed. Source: RFC 3629 section 4 */
size_t utf8_char_len(struct slice s);

/**
 * True for well-formed UTF-8 without U+0000: no overlong forms, no surrogates, nothing above
 * U+10FFFF. The empty slice is a text.
 *
 * ASCII runs are checked eight bytes at a time.
 *
 * Source: [MQTT-1.5.4-1], [MQTT-1.5.4-2], RFC 3629
 */
bool utf8_is_text(struct slice s);

/** The longest prefix of `s`, at most `max` bytes, that does not cut a character (for logs, reason
 *  strings). What is not UTF-8 is cut somewhere at or up to three bytes before `max`. */
struct slice utf8_truncate(struct slice s, size_t max);
