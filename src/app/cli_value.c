/* Values of flags that are numbers, moments and identifiers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "base/clock.h"
#include "base/moment.h"

/* The whole text as a number. */
static bool read_number(const char *text, int64_t *out)
{
    char *end;

    if (strspn(text, "0123456789") != strlen(text) || text[0] == '\0')
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

enum status cli_take_number(struct cli_call *call, enum cli_flag flag, int64_t min, int64_t max,
                            int64_t *out)
{
    const char *text = call->flags[flag];
    int64_t number;

    if (text == NULL)
        return ST_OK;
    if (!read_number(text, &number) || number < min || number > max)
        return cli_fail(call, ST_INVALID, "--%s %s: give a number from %lld to %lld",
                        cli_flag_word(flag), text, (long long)min, (long long)max);
    *out = number;
    return ST_OK;
}

/* A date, or a time ago. */
static bool read_moment(const char *text, int64_t *out)
{
    int64_t ago_ms;

    if (moment_parse_date(slice_of(text), out) == ST_OK)
        return true;
    if (moment_parse_ago(slice_of(text), &ago_ms) != ST_OK)
        return false;
    *out = clock_unix_ms() - ago_ms;
    return true;
}

enum status cli_take_time(struct cli_call *call, enum cli_flag flag, int64_t *out)
{
    const char *text = call->flags[flag];

    if (text == NULL || read_moment(text, out) || read_number(text, out))
        return ST_OK;
    return cli_fail(call, ST_INVALID,
                    "--%s %s: no time: give 2026-12-31T23:59:59Z, Unix ms, or a time ago as -15m",
                    cli_flag_word(flag), text);
}

enum status cli_take_id(struct cli_call *call, enum cli_flag flag, enum ident_kind kind,
                        uint64_t *out)
{
    const char *text = call->flags[flag];

    if (text == NULL)
        return ST_OK;
    *out = ident_parse(kind, slice_of(text));
    if (*out == 0)
        return cli_fail(call, ST_INVALID, "--%s %s: this is none", cli_flag_word(flag), text);
    return ST_OK;
}
