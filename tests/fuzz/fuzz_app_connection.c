/*
 * The application API from the outside: connections of applications play a script (script.h)
 * against a whole server. Two devices are in the script, too: they report and take downlinks.
 */
#include "script.h"

static const struct script_cast cast = {
    {SCRIPT_APP, SCRIPT_APP, SCRIPT_APP, SCRIPT_APP, SCRIPT_DEVICE, SCRIPT_DEVICE}};

#include "script_target.h"
