/*
 * The length that a TLS client announces for its first message, before TLS asks for that memory.
 *
 * OpenSSL takes a ClientHello of up to 128 KiB and makes room for it when the first nine bytes have
 * come. No client needs so much; ten thousand that only say they do would take a gigabyte. Works on
 * the bytes of the connection as they come, cut anywhere, also into records of one byte. Pure, any
 * thread. Source: RFC 8446 sections 4, 5.1
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { TLS_HELLO_MAX = 16384 /* bytes; a large one of our time has 4,000 */ };

/** Reads the beginning of a connection; a zeroed one has read nothing. */
struct tls_hello {
    uint8_t record[5]; /* header of the present record */
    uint8_t record_len;
    uint8_t message[4]; /* header of the first message */
    uint8_t message_len;
    uint16_t record_left; /* bytes of the present record that have not come */
};

/** Looks at the next bytes of the connection. False: the message is longer than TLS_HELLO_MAX. What
 * is no TLS is not judged here. */
bool tls_hello_feed(struct tls_hello *h, struct slice bytes);
