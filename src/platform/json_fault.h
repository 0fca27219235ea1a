/*
 * Says why and where a payload is no JSON object. For payloads that base/json refused: slow
 * (jansson), off the message path. Pure functions, any thread. Source: open-api.md 3.3
 */
#pragma once

#include "base/bytes.h"

enum { JSON_FAULT_LEN_MAX = 256 /* room enough for any description, its zero included */ };

/**
 * Describes the first fault of a text that json_parse_object refused:
 * "line 1, column 7: ':' expected near '}'".
 *
 * @param out     one line of UTF-8 without control characters, zero-ended; cut between characters
 *                if `out_len` (at least 1) is short
 * @param line    counted from 1
 * @param column  of the character (not byte) at which the fault shows, counted from 1; a byte order
 *                mark does not count
 */
void json_fault_describe(struct slice text, char *out, size_t out_len, unsigned *line,
                         unsigned *column);
