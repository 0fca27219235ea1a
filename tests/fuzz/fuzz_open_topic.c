/*
 * open_topic.h: what is parsed is within its bounds, and written again gives the same bytes.
 */
#include "platform/open_topic.h"

#include "base/invariant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct open_topic *t, struct slice topic)
{
    const struct open_kind_info *info = &open_kinds[t->kind];

    invariant(t->project_id != 0);
    invariant((t->device_id != 0) == info->has_device);
    invariant((t->stream.len != 0) == info->has_stream);
    if (info->has_stream) {
        invariant(ident_is_member(t->stream));
        invariant(t->stream.data + t->stream.len == topic.data + topic.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char project[IDENT_TEXT_LEN + 1], device[IDENT_TEXT_LEN + 1] = "";
    char written[OPEN_TOPIC_LEN_MAX];
    struct slice topic = {data, size};
    struct open_topic t;
    size_t len;

    if (open_topic_parse(topic, &t) != ST_OK)
        return 0;
    check_parts(&t, topic);
    ident_format(IDENT_PROJECT, t.project_id, project);
    if (t.device_id != 0)
        ident_format(IDENT_DEVICE, t.device_id, device);
    len = open_topic_write(written, slice_of(project), slice_of(device), t.kind, t.stream);
    invariant(slice_equal(slice_make(written, len), topic));
    return 0;
}
