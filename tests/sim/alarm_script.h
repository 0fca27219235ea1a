/*
 * What devices report and what rules say in the simulation of alarms: chosen by chance, and written
 * as the server reads it.
 */
#pragma once

#include "alarm_oracle.h"
#include "chance.h"
#include "world.h"

/** The identifier of a type; 0 for type -1, which is none. */
uint64_t alarm_script_type_id(int type);

/** Chooses a report and appends its object. Gives the attributes that it has, a bit each, and their
 * values. */
uint32_t alarm_script_report(struct chance *chance, struct oracle_value values[ALARM_ATTRIBUTES],
                             struct buffer *out);

/** Chooses a rule. */
struct oracle_rule alarm_script_rule(struct chance *chance);

/** A small change of a rule: most of them keep the states, one does not. */
void alarm_script_change(struct chance *chance, struct oracle_rule *r);

/** Appends the definition of a rule. */
void alarm_script_definition(const struct world *w, const struct oracle_rule *r,
                             struct buffer *out);
