/* Between alarm_rule.c (life, evaluation) and alarm_rule_parse.c (the definition). */
#pragma once

#include "platform/alarm_rule.h"

/** Frees the parsed definition that the texts point into. */
void alarm_rule_free_definition(struct alarm_rule *r);
