/*
 * Formats lines about failures and asks OpenSSL for its reasons. No state but OpenSSL's own queue,
 * which belongs to the calling thread.
 */
#include "net/tls_error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>

enum status tls_error_set(char *error, size_t error_len, enum status st, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error, error_len, format, args);
    va_end(args);
    for (size_t i = 0; i < error_len && error[i] != '\0'; i++) {
        if (iscntrl((unsigned char)error[i]))
            error[i] = '?'; /* paths and names come from outside; the line stays one */
    }
    return st;
}

const char *tls_error_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    ERR_clear_error();
    return reason == NULL ? "no reason given" : reason;
}
