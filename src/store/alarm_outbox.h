/*
 * Which changes of alarms are still to be told to whom: rows beside the history, stored in the same
 * transaction as the change itself, so that neither is there without the other.
 *
 * A notifier is a number here; what it is, is the business of those above. A row leads to the
 * change; whose change has left the history by its limits is owed in vain. Any thread.
 */
#pragma once

#include "store/alarm_store.h"

/**
 * The oldest change that a notifier is owed.
 *
 * @param bytes  the caller's; keeps the texts of the record
 * Errors: ST_NOT_FOUND: it is owed none; ST_CORRUPT: the change is not there any more, or damaged:
 * `out` has its number alone; ST_IO
 */
enum status alarm_outbox_first(struct alarm_store *s, uint64_t notifier_id,
                               struct alarm_record *out, struct buffer *bytes) MUST_CHECK;

/** It is told, or given up; none is fine. Errors: ST_IO. */
enum status alarm_outbox_remove(struct alarm_store *s, uint64_t notifier_id,
                                uint64_t number) MUST_CHECK;

/** A notifier is gone: nothing is owed to it. Errors: ST_IO. */
enum status alarm_outbox_remove_notifier(struct alarm_store *s, uint64_t notifier_id) MUST_CHECK;

/** Called with each notifier that is owed something, and how many changes. */
typedef void (*alarm_outbox_fn)(uint64_t notifier_id, size_t count, void *arg);
enum status alarm_outbox_each(struct alarm_store *s, alarm_outbox_fn fn, void *arg) MUST_CHECK;
