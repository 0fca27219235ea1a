#include "service/app_notice.h"

#include "service/app_own.h"

static void tell(struct app_session *a, struct buffer *payload, uint64_t seq)
{
    app_own_send(a, OPEN_KIND_NOTICE, buffer_slice(payload), seq);
    buffer_deinit(payload);
}

void app_notice_lost(struct app_session *a, uint64_t from_seq, uint64_t to_seq, uint64_t seq)
{
    struct buffer b = {0};

    buffer_printf(&b, "{\"type\": \"lost\", \"from_seq\": %llu, \"to_seq\": %llu, \"count\": %llu}",
                  (unsigned long long)from_seq, (unsigned long long)to_seq,
                  (unsigned long long)(to_seq - from_seq + 1));
    tell(a, &b, seq);
}

void app_notice_end(struct app_session *a, const char *op, struct slice filter, uint64_t seq)
{
    struct buffer b = {0};

    buffer_printf(&b, "{\"type\": \"%s_end\", \"filter\": ", op);
    json_append_string(&b, filter);
    buffer_printf(&b, ", \"seq\": %llu}", (unsigned long long)seq);
    tell(a, &b, 0);
}

void app_notice_refused(struct app_session *a, struct slice op, struct slice filter,
                        const char *why)
{
    struct buffer b = {0};

    buffer_append_text(&b, "{\"type\": \"refused\", \"op\": ");
    json_append_string(&b, op);
    buffer_append_text(&b, ", \"filter\": ");
    json_append_string(&b, filter);
    buffer_append_text(&b, ", \"message\": ");
    json_append_string(&b, slice_of(why));
    buffer_append_text(&b, "}");
    tell(a, &b, 0);
}
