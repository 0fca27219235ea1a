/* Questions to workers on behalf of the command line. */
#include "app/control_ask.h"

#include <inttypes.h>
#include <stdlib.h>

#include "http/session_list.h"
#include "platform/device_log.h"

enum { LOG_PAGE_MAX = 1000 };

_Static_assert((int)CONTROL_LINE_MAX > 6 * 256 + 64, "a client identifier fits");

/* --- logs ------------------------------------------------------------------------------------- */

struct log_question {
    uint64_t device_id;
    uint64_t number;
    unsigned max;
    bool is_after;
    struct buffer *answer;
};

/* On the device's home. */
static void read_log(struct worker *w, void *arg)
{
    const struct log_question *q = arg;
    const struct device *d = home_find_device(home_of(w), q->device_id);
    uint64_t last;

    if (d == NULL)
        return;
    buffer_append_u8(q->answer, '[');
    if (q->is_after)
        (void)device_log_page_after(d, q->number, q->max, q->answer, &last);
    else
        (void)device_log_page(d, q->number, q->max, q->answer, &last);
    buffer_append_text(q->answer, "]\n");
}

/* Cuts a number off. False: there is none. */
static bool cut_number(struct slice *rest, uint64_t max, uint64_t *out)
{
    struct slice word = slice_cut(rest, ' ');
    char text[24] = "", *end;

    if (word.len == 0 || word.len >= sizeof(text))
        return false;
    memcpy(text, word.data, word.len);
    *out = strtoull(text, &end, 10);
    return *end == '\0' && text[0] >= '0' && text[0] <= '9' && *out <= max;
}

void control_ask_log(struct server *s, struct slice rest, struct buffer *answer)
{
    struct log_question q = {.device_id = ident_parse(IDENT_DEVICE, slice_cut(&rest, ' ')),
                             .answer = answer};
    struct slice way = slice_cut(&rest, ' ');
    uint64_t max;

    q.is_after = slice_is(way, "after");
    if (q.device_id == 0 || (!q.is_after && !slice_is(way, "before")) ||
        !cut_number(&rest, UINT64_MAX, &q.number) || !cut_number(&rest, LOG_PAGE_MAX, &max))
        return;
    q.max = (unsigned)max;
    (void)home_call(s->workers, q.device_id, read_log, &q);
}

/* --- sessions --------------------------------------------------------------------------------- */

void control_ask_sessions(struct server *s, struct slice rest, struct buffer *answer)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, rest);
    json_t *all;
    char *text;

    if (project_id == 0)
        return;
    all = session_list_new(s->workers, project_id, slice_make(NULL, 0));
    text = json_dumps(all, JSON_COMPACT);
    buffer_append_text(answer, text);
    buffer_append_u8(answer, '\n');
    free(text);
    json_decref(all);
}

void control_ask_session_end(struct server *s, struct slice rest, struct buffer *answer)
{
    uint64_t project_id = ident_parse(IDENT_PROJECT, slice_cut(&rest, ' '));
    json_t *id = json_loadb((const char *)rest.data, rest.len, JSON_DECODE_ANY, NULL);

    if (project_id != 0 && json_is_string(id))
        buffer_append_text(
            answer, session_list_end(s->workers, project_id,
                                     slice_make(json_string_value(id), json_string_length(id)))
                        ? "ok\n"
                        : "none\n");
    json_decref(id);
}
