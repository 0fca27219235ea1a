/* Dates are counted in days by the proleptic Gregorian calendar, whose years begin in March here,
 * so that the day that may be missing is the last one. */
#include "base/moment.h"

enum { DAY_S = 86400, DIGITS_MAX = 9 };

struct fields {
    unsigned year, month, day, hour, minute, second, ms;
    int offset_s;
};

/* So many digits at the front, taken off. */
static bool take_number(struct slice *s, unsigned digits, unsigned *out)
{
    if (s->len < digits)
        return false;
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (s->data[i] < '0' || s->data[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(s->data[i] - '0');
    }
    *s = slice_from(*s, digits);
    return true;
}

static bool take_char(struct slice *s, char c, char other)
{
    if (s->len == 0 || (s->data[0] != (uint8_t)c && s->data[0] != (uint8_t)other))
        return false;
    *s = slice_from(*s, 1);
    return true;
}

/* The part behind the seconds: the first three digits count. */
static bool take_fraction(struct slice *s, unsigned *ms)
{
    unsigned scale = 100, count = 0;

    *ms = 0;
    if (!take_char(s, '.', '.'))
        return true;
    for (; s->len > 0 && s->data[0] >= '0' && s->data[0] <= '9'; count++) {
        *ms += (unsigned)(s->data[0] - '0') * scale;
        scale /= 10;
        *s = slice_from(*s, 1);
    }
    return count > 0;
}

static bool take_offset(struct slice *s, int *offset_s)
{
    unsigned hours, minutes;
    bool is_west;

    *offset_s = 0;
    if (take_char(s, 'Z', 'z'))
        return true;
    is_west = s->len > 0 && s->data[0] == '-';
    if (!take_char(s, '+', '-') || !take_number(s, 2, &hours) || !take_char(s, ':', ':') ||
        !take_number(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = (int)(hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return true;
}

static bool take_all(struct slice s, struct fields *f)
{
    return take_number(&s, 4, &f->year) && take_char(&s, '-', '-') &&
           take_number(&s, 2, &f->month) && take_char(&s, '-', '-') &&
           take_number(&s, 2, &f->day) && take_char(&s, 'T', 't') && take_number(&s, 2, &f->hour) &&
           take_char(&s, ':', ':') && take_number(&s, 2, &f->minute) && take_char(&s, ':', ':') &&
           take_number(&s, 2, &f->second) && take_fraction(&s, &f->ms) &&
           take_offset(&s, &f->offset_s) && s.len == 0;
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap ? 1u : 0u);
}

/* Days from 1970-01-01. */
static int64_t days_since(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

enum status moment_parse_date(struct slice text, int64_t *unix_ms)
{
    struct fields f;

    if (!take_all(text, &f) || f.year < 1970 || f.month < 1 || f.month > 12 || f.day < 1 ||
        f.day > days_of(f.year, f.month) || f.hour > 23 || f.minute > 59 || f.second > 60)
        return ST_MALFORMED;
    *unix_ms = (days_since(f.year, f.month, f.day) * DAY_S + f.hour * 3600 + f.minute * 60 +
                f.second - f.offset_s) *
                   1000 +
               f.ms;
    return *unix_ms < 0 ? ST_MALFORMED : ST_OK;
}

enum status moment_parse_ago(struct slice text, int64_t *ms)
{
    static const struct unit {
        char letter;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    unsigned digits = (unsigned)text.len - 2, number;

    if (text.len < 3 || digits > DIGITS_MAX || !take_char(&text, '-', '-') ||
        !take_number(&text, digits, &number))
        return ST_MALFORMED;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text.data[0] == (uint8_t)units[i].letter) {
            *ms = number * units[i].ms;
            return *ms > 0 ? ST_OK : ST_MALFORMED;
        }
    }
    return ST_MALFORMED;
}
