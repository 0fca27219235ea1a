/*
 * A process that does what a script says, and is killed by SIGKILL at any moment; what it leaves
 * must be what it had told, or with the step that it was at. Its lock file is as it was left, too.
 */
#pragma once

#include "journal_script.h"

/** Plays a seed. Gives how many steps that write the process had told. */
uint64_t journal_killed_play(struct journal_script *s, uint64_t seed);
