/* A desk for each worker that needs one. */
#include "service/sub_desk.h"

struct sub_desk *sub_desk_of(struct home *h)
{
    struct site *s = site_of(h->worker);

    if (s->sub_desk == NULL) {
        s->sub_desk = mem_new_of(MEM_SESSION, struct sub_desk);
        s->sub_desk->json = json_parser_new_deep(h->shared->payload_max, SUB_PAYLOAD_DEPTH_MAX);
    }
    return s->sub_desk;
}

void sub_desk_free(struct sub_desk **dp)
{
    struct sub_desk *d = *dp;

    *dp = NULL;
    if (d == NULL)
        return;
    json_parser_free(&d->json);
    buffer_deinit(&d->entries);
    buffer_deinit(&d->stored);
    mem_free(d);
}
