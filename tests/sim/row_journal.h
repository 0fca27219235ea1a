/*
 * A journal that keeps rows too, in memory: what a server needs that is to be started again over
 * what another one left. Records and cursors are the business of the journal below it.
 *
 * What is put is there at once; nobody here ends between a put and its commit. One thread.
 */
#pragma once

#include "store/journal.h"

/** @param below  owned from now on */
struct journal *row_journal_new(struct journal *below);
