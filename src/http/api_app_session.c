/*
 * The MQTT sessions of a project's applications: which there are, what waits for them, and their
 * end.
 *
 * A list is gathered from all workers and put in order, so its pages fit together as long as the
 * sessions stay the same.
 */
#include "http/api.h"
#include "http/session_list.h"

static struct slice client_id_of(const struct http_call *call)
{
    return slice_of(http_call_parameter(call, "client_id"));
}

void api_app_session_list(struct http_call *call)
{
    struct http_page page;
    json_t *all;

    if (!http_page_begin(call, &page))
        return;
    all = session_list_new(call->site->settings.workers, call->project.project_id,
                           slice_make(NULL, 0));
    for (size_t i = page.after; i < json_array_size(all); i++) {
        if (!http_page_add(&page, i + 1, json_incref(json_array_get(all, i))))
            break;
    }
    json_decref(all);
    http_page_end(call, &page, ST_OK, "the sessions");
}

void api_app_session_show(struct http_call *call)
{
    json_t *found = session_list_new(call->site->settings.workers, call->project.project_id,
                                     client_id_of(call));

    if (json_array_size(found) == 0)
        http_fail(call, PROBLEM_not_found, "there is no such session");
    else
        http_answer(call, json_incref(json_array_get(found, 0)));
    json_decref(found);
}

void api_app_session_end(struct http_call *call)
{
    if (session_list_end(call->site->settings.workers, call->project.project_id,
                         client_id_of(call)))
        http_answer_nothing(call);
    else
        http_fail(call, PROBLEM_not_found, "there is no such session");
}
