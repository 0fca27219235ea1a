/*
 * What a run says at its end, for a person or for a program.
 */
#pragma once

#include "load_plan.h"
#include "load_run.h"

/** Prints the result on stdout: one JSON object with --json, else a line for each figure. */
void load_report_print(const struct load_plan *plan, const struct load_run_result *result);
