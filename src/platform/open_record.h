/*
 * An open message as bytes of the journal, and back. The form is versioned by its first byte. Pure
 * functions, any thread.
 */
#pragma once

#include "base/status.h"
#include "platform/open_message.h"

/** How many bytes open_record_write needs. */
size_t open_record_len(const struct open_message *m);
void open_record_write(const struct open_message *m, uint8_t *out);

/**
 * Makes the message again.
 *
 * @param now_ms, unix_ms  the present, to turn the stored end of its lifetime into a monotonic one
 * Errors: ST_CORRUPT
 */
enum status open_record_read(struct slice bytes, uint64_t project_id, uint64_t now_ms,
                             int64_t unix_ms, struct open_message **out) MUST_CHECK;

/** What a reader needs to match a record without making the message. Errors: ST_CORRUPT. */
struct open_record_head {
    uint64_t device_id, type_id;
    enum open_kind kind;
    int64_t accepted_ms;          /* Unix */
    struct slice stream, payload; /* inside the record */
};
enum status open_record_peek(struct slice bytes, struct open_record_head *out) MUST_CHECK;
