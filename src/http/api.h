/* The handlers of the routes (routes.def), each in the file of its noun, api_<noun>.c. */
#pragma once

#include "http/http_call.h"

#define ROUTE(method, pattern, right, flags, handler, ...) void handler(struct http_call *call);
#include "http/routes.def"
#undef ROUTE
