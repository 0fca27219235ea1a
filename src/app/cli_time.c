/* Dates by strptime, whose leniency with blanks and short fields is undone by writing them again.
 */
#include "app/cli_time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 32, DIGITS_MAX = 10 };

static const int64_t last_s = INT64_C(9999999999);

static const struct unit {
    char letter;
    int64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

static int64_t in_bounds(int64_t seconds)
{
    return seconds > 0 && seconds <= last_s ? seconds * 1000 : 0;
}

static int64_t parse_distance(const char *text, int64_t now_ms)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > DIGITS_MAX || strlen(text) != digits + 1)
        return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[digits] == units[i].letter)
            return in_bounds(now_ms / 1000 + strtoll(text, NULL, 10) * units[i].seconds);
    }
    return 0;
}

static int64_t parse_date(const char *text, const char *form)
{
    struct tm utc = {0};
    char again[TEXT_MAX];
    const char *end = strptime(text, form, &utc);
    int64_t seconds = end == NULL || *end != '\0' ? 0 : (int64_t)timegm(&utc);

    /* The 30th of February has become a day of March by now. */
    return strftime(again, sizeof(again), form, &utc) > 0 && strcmp(again, text) == 0
               ? in_bounds(seconds)
               : 0;
}

int64_t cli_time_parse(const char *text, int64_t now_ms)
{
    int64_t date_ms;

    if (text[0] == '+')
        return parse_distance(text + 1, now_ms);
    date_ms = parse_date(text, "%Y-%m-%d");
    return date_ms != 0 ? date_ms : parse_date(text, "%Y-%m-%dT%H:%M:%SZ");
}
