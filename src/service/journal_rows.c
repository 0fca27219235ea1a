/* Each row goes to who writes its table. */
#include "service/journal_rows.h"

#include "platform/device_store.h"
#include "platform/open_record.h"
#include "service/app_store.h"
#include "service/link_store.h"
#include "service/share_store.h"
#include "service/will_store.h"

bool journal_rows_record_is_sound(uint64_t project_id, const struct journal_record *r)
{
    struct open_record_head head;

    (void)project_id;
    return open_record_peek(r->bytes, &head) == ST_OK;
}

bool journal_rows_is_sound(enum journal_table table, uint64_t project_id, struct slice key,
                           struct slice value)
{
    (void)project_id;
    switch (table) {
    case JOURNAL_TABLE_SESSION:
    case JOURNAL_TABLE_FLIGHT:
    case JOURNAL_TABLE_APP_RECEPTION:
        return app_store_row_is_sound(table, key, value);
    case JOURNAL_TABLE_WILL:
        return will_store_row_is_sound(key, value);
    case JOURNAL_TABLE_SHARE_FLIGHT:
        return share_store_row_is_sound(key, value);
    case JOURNAL_TABLE_RECEPTION:
    case JOURNAL_TABLE_DOWNLINK:
        return link_store_row_is_sound(table, key, value);
    default:
        return device_store_row_is_sound(table, key, value);
    }
}
