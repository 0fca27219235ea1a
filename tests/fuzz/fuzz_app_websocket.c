/*
 * The application API over WebSocket: upgrades, frames, and packets inside frames, as a script
 * (script.h) against a whole server, with a plain application and a device beside them.
 */
#include "script.h"

static const struct script_cast cast = {{SCRIPT_APP_WEBSOCKET, SCRIPT_APP_WEBSOCKET,
                                         SCRIPT_APP_WEBSOCKET, SCRIPT_APP_WEBSOCKET, SCRIPT_APP,
                                         SCRIPT_DEVICE}};

#include "script_target.h"
