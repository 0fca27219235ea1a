/*
 * json_fault.h beside json.h: for what the strict parser refuses there is a reason, at a place in
 * the text, in plain UTF-8. Accepted commands come out with their new identifier as they went in.
 */
#include "platform/json_fault.h"

#include "base/invariant.h"
#include "base/json.h"
#include "base/utf8.h"
#include "platform/command_form.h"

enum { TEXT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void check_fault(struct slice text)
{
    char out[JSON_FAULT_LEN_MAX];
    unsigned line, column;

    json_fault_describe(text, out, sizeof(out), &line, &column);
    invariant(utf8_is_text(slice_of(out)));
    invariant(line >= 1 && line <= text.len + 1 && column >= 1 && column <= text.len + 1);
    for (const unsigned char *c = (const unsigned char *)out; *c != '\0'; c++)
        invariant(*c >= 0x20 && *c != 0x7F);
    /* The words for a text that no fault was found in. */
    invariant(!ends_with(out, ": not accepted"));
}

static void check_append_id(struct json_parser *p, struct slice text)
{
    const struct json_member *members;
    const struct command_id given = {.len = 20, .text = "-9223372036854775808"};
    struct buffer longer = {0};
    int64_t id;
    size_t count;

    command_form_append_id(text, &given, &longer);
    invariant(json_parse_object_unpadded(p, buffer_slice(&longer), &members, &count) == ST_OK);
    invariant(slice_is(members[count - 1].key, "id"));
    invariant(json_member_int64(&members[count - 1], &id) == ST_OK && id == INT64_MIN);
    buffer_deinit(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    struct slice text = {data, size};
    const struct json_member *members;
    size_t count;

    if (parser == NULL)
        parser = json_parser_new(TEXT_MAX + 64);
    if (size > TEXT_MAX)
        return 0;
    if (json_parse_object_unpadded(parser, text, &members, &count) != ST_OK) {
        check_fault(text);
        return 0;
    }
    for (int kind = COMMAND_FORM_COMMAND; kind <= COMMAND_FORM_EVENT; kind++) {
        struct command_form form;
        const char *why;
        enum status st =
            command_form_check((enum command_form_kind)kind, members, count, &form, &why);

        invariant((st == ST_OK) == (why == NULL) && form.method_len <= COMMAND_METHOD_MAX);
    }
    check_append_id(parser, text);
    return 0;
}
