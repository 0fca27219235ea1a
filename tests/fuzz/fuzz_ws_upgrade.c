/*
 * The head of an HTTP request: as it grows byte by byte nothing may be said that the whole takes
 * back, what is said lies inside it, and any answer is a head that can be told apart again.
 */
#include "net/ws_upgrade.h"

#include <stdint.h>

#include "base/invariant.h"
#include "base/mem.h"

static void check_inside(struct slice part, struct slice whole)
{
    invariant(part.len <= whole.len);
    invariant(part.len == 0 || slice_is(part, "/") ||
              (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static bool ends_in_empty_line(struct slice head)
{
    return head.len >= 4 && slice_is(slice_from(head, head.len - 4), "\r\n\r\n");
}

static void check_what_is_said(const struct ws_upgrade *u, struct slice request)
{
    struct slice head = slice_make(request.data, u->head_len);
    struct buffer answer = {0};

    invariant(u->head_len <= request.len && u->head_len <= WS_UPGRADE_HEAD_MAX);
    invariant(ends_in_empty_line(head));
    invariant(u->method.len > 0 && u->path.len <= head.len);
    check_inside(u->method, head);
    check_inside(u->path, head);
    check_inside(u->origin, head);
    check_inside(u->key, head);
    invariant((u->refusal == 0) == (u->refusal_text == NULL));
    invariant(u->is_upgrade || u->refusal == 0);
    if (u->refusal != 0) {
        ws_upgrade_refuse(&answer, u->refusal, u->refusal_text);
        invariant(slice_starts_with(buffer_slice(&answer), slice_of("HTTP/1.1 4")));
    } else if (u->is_upgrade) {
        invariant(slice_is(u->method, "GET") && slice_is(u->path, "/mqtt") && u->key.len == 24);
        ws_upgrade_accept(&answer, u);
        invariant(slice_starts_with(buffer_slice(&answer), slice_of("HTTP/1.1 101 ")));
        invariant(ends_in_empty_line(buffer_slice(&answer)));
    }
    buffer_deinit(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int64_t before = mem_bytes_used_total();
    struct slice request = slice_make(bytes, len);
    struct ws_upgrade u, part;
    enum status st = ws_upgrade_parse(request, "/mqtt", &u);
    size_t step = len / 64 + 1;

    if (st == ST_OK)
        check_what_is_said(&u, request);
    for (size_t i = 0; i < len; i += step) {
        enum status so_far = ws_upgrade_parse(slice_make(bytes, i), "/mqtt", &part);

        invariant(so_far == ST_AGAIN || so_far == st);
        invariant(so_far != ST_OK || (part.head_len == u.head_len && part.refusal == u.refusal));
    }
    invariant(mem_bytes_used_total() == before);
    return 0;
}
