/* Two headers, read byte by byte: of records, and of the message that they carry. */
#include "net/tls_hello.h"

static void take_record_header(struct tls_hello *h, uint8_t byte)
{
    h->record[h->record_len++] = byte;
    if (h->record_len < sizeof(h->record))
        return;
    h->record_left = (uint16_t)(h->record[3] << 8 | h->record[4]);
    h->record_len = 0;
}

bool tls_hello_feed(struct tls_hello *h, struct slice bytes)
{
    uint32_t len;

    for (size_t i = 0; i < bytes.len && h->message_len < sizeof(h->message); i++) {
        if (h->record_left == 0) {
            take_record_header(h, bytes.data[i]);
            continue;
        }
        h->record_left--;
        h->message[h->message_len++] = bytes.data[i];
    }
    len = (uint32_t)h->message[1] << 16 | (uint32_t)h->message[2] << 8 | h->message[3];
    return h->message_len < sizeof(h->message) || len <= TLS_HELLO_MAX;
}
