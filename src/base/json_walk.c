/* Steps from structural character to structural character; the text was checked, so each of them is
 * where it must be. */
#include "base/json_walk.h"

#include "base/invariant.h"
#include "base/json_priv.h"

/* Which structural character stands at this place. */
static uint32_t find_place(const struct json_places *p, uint32_t place)
{
    uint32_t low = 0, high = p->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->places[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    invariant(low < p->count && p->places[low] == place);
    return low;
}

static uint8_t char_at(const struct json_walk *w, uint32_t n)
{
    return w->text[w->places[n]];
}

void json_walk_start(struct json_walk *w, const struct json_parser *p, struct slice value)
{
    struct json_places places = json_parser_places(p);
    enum json_type type = json_value_type(value);

    w->text = places.text.data;
    w->places = places.places;
    w->next = 0;
    w->is_object = type == JSON_TYPE_OBJECT;
    if (type != JSON_TYPE_OBJECT && type != JSON_TYPE_ARRAY)
        return;
    w->next = find_place(&places, (uint32_t)(value.data - w->text)) + 1;
    if (char_at(w, w->next) == (w->is_object ? '}' : ']'))
        w->next = 0;
}

static struct slice key_of(struct json_walk *w, struct slice quoted)
{
    struct json_member m = {.value = quoted, .type = JSON_TYPE_STRING};
    struct slice raw = slice_make(quoted.data + 1, quoted.len - 2);
    size_t len;

    if (memchr(raw.data, '\\', raw.len) == NULL ||
        json_text(&m, w->room, JSON_WALK_KEY_MAX, &len) != ST_OK)
        return raw;
    return slice_make(w->room, len);
}

bool json_walk_next(struct json_walk *w, struct json_member *m)
{
    uint32_t first, behind;

    if (w->next == 0)
        return false;
    m->key = slice_make(NULL, 0);
    if (w->is_object) {
        m->key = key_of(w, json_places_between(w->text, w->places, w->next, w->next + 1));
        w->next += 2; /* the colon */
    }
    first = w->next;
    behind = json_places_skip(w->text, w->places, first, UINT32_MAX);
    m->value = json_places_between(w->text, w->places, first, behind);
    m->type = json_value_type(m->value);
    w->next = char_at(w, behind) == ',' ? behind + 1 : 0;
    return true;
}
