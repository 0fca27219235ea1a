/*
 * The disk below LMDB's file: what a crash leaves of it, and writes that fail.
 *
 * The functions of libc by which LMDB writes are replaced in this program, so that each write and
 * sync is seen. What was written and not synced yet may be lost when the power fails, any part of
 * it; when the process is killed, it is there. Only one file is watched, by its place on the real
 * disk; all others are written as ever. One thread.
 */
#pragma once

#include <stdbool.h>

#include "chance.h"

enum journal_disk_end {
    JOURNAL_DISK_KILLED,   /* the process is gone: what was written is there */
    JOURNAL_DISK_POWER_OFF /* what was not synced is there in any part, sector by sector */
};

/** Follows the writes to this file from now on; what is in it is taken for synced. */
void journal_disk_watch(const char *path);

/** Forgets the file, and what was armed. */
void journal_disk_unwatch(void);

/**
 * Arms a crash in the middle of one of the writes and syncs to come, until it is disarmed; each of
 * them is as likely. The file that such an end would leave is written to `image`, and the program
 * goes on.
 *
 * @param c, image  borrowed until it is disarmed
 */
void journal_disk_arm(enum journal_disk_end end, struct chance *c, const char *image);

/** Makes the image of a crash that comes now, between two calls. */
void journal_disk_crash_now(enum journal_disk_end end, struct chance *c, const char *image);

/** Disarms the crash; true: there was a call, and the image has been made. */
bool journal_disk_crashed(void);

/** From the call on that comes behind `calls` others, so many fail with this errno. 0: none. */
void journal_disk_fail_in(unsigned calls, unsigned count, int error);

/** How many calls have failed so, ever. */
unsigned long journal_disk_failures(void);
