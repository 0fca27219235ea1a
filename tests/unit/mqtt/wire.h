/*
 * Bytes for tests of the codec, written so that a person can read them.
 *
 *     3C 00      hexadecimal            'abc'      the characters
 *     <abc>      a two-byte length and the characters
 *     [ … ]      a two-byte length and what stands inside
 *     { … }      a one-byte length and what stands inside (property blocks)
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "mqtt/packet.h"

/** The bytes, in memory of exactly their length, so that sanitizers see any read past the end. */
struct slice wire_new(const char *text);

/** A copy in memory of exactly its length. */
struct slice wire_copy(struct slice s);

/** Gives back what wire_new or wire_copy made. */
void wire_free(struct slice s);

/** Fails the test, naming the case, unless the bytes are those that `want` describes. */
void wire_expect(const char *name, struct slice got, const char *want);

/** Fails the test, naming the case, unless both hold the same bytes. */
void wire_expect_same(const char *name, struct slice got, struct slice want);

/** Fails the test, naming the case, unless the reasons are the same. */
void wire_expect_reason(const char *name, enum reason got, enum reason want);

/** Fails the test, naming the case and what was expected, unless it is true. */
void wire_expect_true(const char *name, const char *what, bool holds);

#define wire_check(name, condition) wire_expect_true((name), #condition, (condition))

/** A cmocka teardown: no memory is left. */
int wire_nothing_left(void **state);
