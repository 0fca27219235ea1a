/* Values of flags that are numbers, moments and identifiers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cli.h"
#include "base/clock.h"

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

/* `-15m`: so long ago. */
static bool read_ago(const char *text, int64_t *out)
{
    static const struct unit {
        char letter;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    size_t len = strlen(text);
    char digits[12] = "";
    int64_t number;

    if (len < 3 || len - 1 > sizeof(digits) || text[0] != '-')
        return false;
    memcpy(digits, text + 1, len - 2);
    if (!read_number(digits, &number))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == text[len - 1]) {
            *out = clock_unix_ms() - number * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_date(const char *text, int64_t *out)
{
    struct tm utc = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    if (rest == NULL || strcmp(rest, "Z") != 0)
        return false;
    *out = (int64_t)timegm(&utc) * 1000;
    return true;
}

enum status cli_take_time(struct cli_call *call, enum cli_flag flag, int64_t *out)
{
    const char *text = call->flags[flag];

    if (text == NULL || read_ago(text, out) || read_date(text, out) || read_number(text, out))
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
