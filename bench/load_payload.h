/*
 * The payload: a JSON object of attributes of exactly the size asked for, with the device's
 * index, the sequence number and the time of sending at fixed places, so that it is stamped and
 * checked without a JSON library.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What all payloads of a run have in common; immutable once made. */
struct load_payload {
    uint8_t *bytes; /* owned; the numbers are blank */
    size_t size;
};

/** What stands in one payload. */
struct load_payload_stamp {
    uint32_t device;
    uint32_t sequence;
    int64_t sent_us; /* Unix time in microseconds */
};

/** The smallest size, in bytes, that has room for the three numbers. */
size_t load_payload_smallest(void);

/** Makes the common part; `size` is at least load_payload_smallest(). */
void load_payload_init(struct load_payload *payload, size_t size);

/** Frees what the payload holds; accepts a zeroed one. */
void load_payload_deinit(struct load_payload *payload);

/** Copies the common part to `bytes`, where there is room for `size` of it. */
void load_payload_copy(const struct load_payload *payload, uint8_t *bytes);

/** Writes the device's index (below 1,000,000) into a copy of the common part at `bytes`. */
void load_payload_stamp_device(uint8_t *bytes, uint32_t device);

/** Writes the sequence number into a copy of the common part. */
void load_payload_stamp_sequence(uint8_t *bytes, uint32_t sequence);

/** Writes the time of sending, Unix microseconds of 16 digits, into a copy of the common part. */
void load_payload_stamp_sent(uint8_t *bytes, int64_t sent_us);

/**
 * Reads a payload that came back and compares every byte that no stamp covers.
 *
 * @return false when a length or a byte differs from what was sent
 */
bool load_payload_read(const struct load_payload *payload, const uint8_t *bytes, size_t len,
                       struct load_payload_stamp *stamp);
