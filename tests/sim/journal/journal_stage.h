/*
 * What a step of a life does to the model, stage by stage. A step says first which stages it has.
 * When it is over they are applied; when an end came within it, the journal must match the model
 * after some of them, each whole. A removal alone may be half done.
 */
#pragma once

#include "journal_life.h"

/** One more stage of the present step. */
void journal_stage_add(struct journal_life *l, enum life_stage_kind kind, unsigned project);

/** The step is over: the model follows, and who listens is told. */
void journal_stage_apply(struct journal_life *l);

/** The journal has been opened after an end within the step: finds out how far that had come, and
 * brings the model there. */
void journal_stage_match(struct journal_life *l);
