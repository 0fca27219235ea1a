/*
 * The metrics of the program (base/metric.h): every layer's counters, and the list as text.
 *
 * The list is the same in the server, which has the values, and in the command line, which knows
 * units and help from it.
 */
#pragma once

#include "base/bytes.h"
#include "base/metric.h"

/** Registers the counters of all layers; before threads are made. A second call is accepted. */
void metrics_register(void);

/** Appends `name value` for each of the list, a line each. Any thread. */
void metrics_write(struct buffer *out);
