/* Topics with the place of a serial number in them. */
#include "platform/topic_template.h"

#include "base/utf8.h"

static const char mark[] = "{sn}";

enum { MARK_LEN = sizeof(mark) - 1 };

/* Where the mark stands from `at` on; the length when it does not. */
static size_t find_mark(struct slice text, size_t at)
{
    while (at < text.len && !slice_starts_with(slice_from(text, at), slice_of(mark)))
        at++;
    return at;
}

static bool has_any(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(characters, text.data[i]) != NULL)
            return true;
    }
    return false;
}

static const char *find_fault(struct slice text, size_t at)
{
    if (text.len == 0 || text.len > TOPIC_TEMPLATE_MAX || !utf8_is_text(text))
        return "it must be 1 to 256 bytes of UTF-8";
    if (has_any(text, "+#"))
        return "it must not have wildcards";
    if (text.data[0] == '$')
        return "it must not begin with $";
    if (at == text.len || find_mark(text, at + MARK_LEN) < text.len)
        return "it must have {sn} once";
    if (text.len == MARK_LEN)
        return "it must have more than {sn}";
    return NULL;
}

enum status topic_template_parse(struct slice text, struct topic_template *out, const char **why)
{
    size_t at = find_mark(text, 0);

    *out = (struct topic_template){0};
    *why = find_fault(text, at);
    if (*why != NULL)
        return ST_INVALID;
    out->before = slice_make(text.data, at);
    out->after = slice_from(text, at + MARK_LEN);
    return ST_OK;
}

bool topic_template_matches(const struct topic_template *t, struct slice sn, struct slice topic)
{
    if (topic.len != t->before.len + sn.len + t->after.len || !slice_starts_with(topic, t->before))
        return false;
    topic = slice_from(topic, t->before.len);
    return slice_starts_with(topic, sn) && slice_equal(slice_from(topic, sn.len), t->after);
}

size_t topic_template_write(const struct topic_template *t, struct slice sn, char *out)
{
    const struct slice parts[] = {t->before, sn, t->after};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].len > 0)
            memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    return len;
}
