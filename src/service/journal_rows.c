/* Each row goes to who writes its table. The rows of applications' sessions are read here, by the
 * form that app_store.c describes. */
#include "service/journal_rows.h"

#include "base/reader.h"
#include "mqtt/session.h"
#include "platform/device_store.h"
#include "platform/open_record.h"
#include "service/link_store.h"

enum {
    SESSION_FORM_MAX = 2,
    SESSION_FORM_SENT = 2, /* from this one on it has the last record that was sent */
    FLIGHT_LEN = 3,
    FLIGHT_STATE_MAX = 2
};

bool journal_rows_record_is_sound(uint64_t project_id, const struct journal_record *r)
{
    struct open_record_head head;

    (void)project_id;
    return open_record_peek(r->bytes, &head) == ST_OK;
}

static bool session_is_sound(struct slice key, struct slice value)
{
    struct reader r = reader_of(value);
    uint8_t form = reader_u8(&r);
    uint32_t count;

    (void)reader_bytes(&r, 1 + sizeof(uint32_t) + sizeof(uint64_t));
    if (form >= SESSION_FORM_SENT)
        (void)reader_u64(&r);
    count = reader_u32(&r);
    for (uint32_t i = 0; i < count && r.status == ST_OK; i++) {
        if (reader_prefixed(&r).len == 0 || reader_u8(&r) > 2) /* filter, QoS */
            return false;
        (void)reader_bytes(&r, 1 + sizeof(uint32_t) + sizeof(uint64_t));
    }
    return r.status == ST_OK && reader_left(&r) == 0 && form > 0 && form <= SESSION_FORM_MAX &&
           key.len <= SESSION_CLIENT_ID_MAX;
}

/* Client identifier, zero, number. */
static bool flight_is_sound(struct slice key, struct slice value)
{
    size_t tail = 1 + sizeof(uint64_t);

    return key.len > tail && key.data[key.len - tail] == 0 && value.len == FLIGHT_LEN &&
           value.data[2] >= 1 && value.data[2] <= FLIGHT_STATE_MAX;
}

bool journal_rows_is_sound(enum journal_table table, uint64_t project_id, struct slice key,
                           struct slice value)
{
    (void)project_id;
    switch (table) {
    case JOURNAL_TABLE_SESSION:
        return session_is_sound(key, value);
    case JOURNAL_TABLE_FLIGHT:
        return flight_is_sound(key, value);
    case JOURNAL_TABLE_RECEPTION:
    case JOURNAL_TABLE_DOWNLINK:
        return link_store_row_is_sound(table, key, value);
    default:
        return device_store_row_is_sound(table, key, value);
    }
}
