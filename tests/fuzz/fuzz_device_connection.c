/*
 * Device access from the outside: connections of devices play a script (script.h) against a whole
 * server. Two applications are in the script, too, so that devices hear of what is not their own.
 */
#include "script.h"

static const struct script_cast cast = {
    {SCRIPT_DEVICE, SCRIPT_DEVICE, SCRIPT_DEVICE, SCRIPT_DEVICE, SCRIPT_APP, SCRIPT_APP}};

#include "script_target.h"
