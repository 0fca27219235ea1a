/*
 * The texts of the failures, from the one list in status.h. Pure data, any thread.
 */
#include "base/status.h"

#include "base/invariant.h"

static const char *const texts[STATUS_COUNT] = {
#define X(name, text) [ST_##name] = text,
    STATUS_LIST(X)
#undef X
};

const char *status_text(enum status st)
{
    invariant(st < STATUS_COUNT);
    return texts[st];
}
