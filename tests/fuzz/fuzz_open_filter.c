/*
 * open_filter.h against the general matcher of mqtt/topic.h.
 *
 * The input is a filter and, each behind a line break, topics. A compiled filter and the standard
 * agree on every topic of the own project: those of the input, and one of each kind whose device
 * and stream are taken from the filter. It lies inside the own project and matches no topic of
 * another one; what is refused as malformed matches nothing.
 */
#include "platform/open_filter.h"

#include "base/invariant.h"
#include "mqtt/topic.h"

#define OWN    "PR_0123456789"
#define OTHER  "PR_9876543210"
#define DEVICE "DU_0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct compiled {
    struct slice text; /* what the filter stands for: a bare `#` written out */
    bool granted;
    struct open_filter filter;
};

static void check_topic(const struct compiled *c, struct slice topic)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(OWN));
    struct open_topic t;
    bool want, got;

    if (open_topic_parse(topic, &t) != ST_OK)
        return;
    want = topic_matches(c->text, topic);
    if (t.project_id != own) {
        invariant(!c->granted || !want);
        return;
    }
    want = want && t.kind != OPEN_KIND_CTL; /* received by nobody */
    got = c->granted && open_filter_matches(&c->filter, t.device_id, t.kind, t.stream);
    invariant(got == want);
}

static void check_made(const struct compiled *c, const char *project, struct slice device,
                       struct slice stream)
{
    char topic[OPEN_TOPIC_LEN_MAX];

    for (unsigned kind = 0; kind < OPEN_KIND_COUNT; kind++) {
        size_t len =
            open_topic_write(topic, slice_of(project), device, (enum open_kind)kind, stream);

        check_topic(c, slice_make(topic, len));
    }
}

/* One topic of each kind, with words of the filter where they may stand. */
static void check_made_of_words(const struct compiled *c)
{
    struct slice rest = c->text, device = slice_of(DEVICE), stream = slice_of("temp");

    check_made(c, OWN, device, stream);
    check_made(c, OTHER, device, stream);
    while (rest.data != NULL) {
        struct slice level = slice_cut(&rest, '/');

        if (ident_parse(IDENT_DEVICE, level) != 0)
            device = level;
        if (ident_is_member(level))
            stream = level;
    }
    check_made(c, OWN, device, stream);
    check_made(c, OWN, slice_of(DEVICE), stream);
    check_made(c, OWN, device, slice_of("temp"));
    check_made(c, OTHER, device, stream);
}

static bool is_inside(struct slice filter)
{
    return slice_starts_with(filter, slice_of("open/" OWN "/")) ||
           slice_starts_with(filter, slice_of("$open/" OWN "/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t own = ident_parse(IDENT_PROJECT, slice_of(OWN));
    struct slice rest = {data, size};
    struct topic_filter parsed;
    struct compiled c;
    const char *why;
    enum status st;
    bool shared;

    if (topic_parse_filter(slice_cut(&rest, '\n'), &parsed) != ST_OK)
        return 0;
    shared = parsed.share_group.len > 0;
    st = open_filter_compile(parsed.filter, own, shared, &c.filter, &why);
    invariant(st == ST_OK || st == ST_REFUSED || st == ST_MALFORMED);
    invariant((st == ST_OK) == (why == NULL) && (st == ST_OK) == (c.filter.kinds != 0));

    c.granted = st == ST_OK;
    c.text = parsed.filter;
    if (slice_is(c.text, "#") && !shared)
        c.text = slice_of("open/" OWN "/#");
    invariant((st == ST_REFUSED) == !is_inside(c.text));
    if (st == ST_REFUSED)
        return 0;
    check_made_of_words(&c);
    while (rest.data != NULL)
        check_topic(&c, slice_cut(&rest, '\n'));
    return 0;
}
