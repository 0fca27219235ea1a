/* Devices as home gives them, in places as the registry would say. */
#include "sub_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/device.h"

static struct device *add(struct device *parent, const char *address)
{
    static uint64_t last_id = 1000;
    struct secret_digest password = secret_digest_of(slice_of("x"));
    uint64_t project_id = parent->project->project->project_id;
    struct device *d = home_add_device(parent->home, project_id, ++last_id, &password, true);

    sub_device_place(d, parent, slice_of(address));
    return d;
}

struct device *sub_tree_open(struct world *w)
{
    struct device *gateway, *first;

    world_open(w, 1, 1, 1, 10);
    gateway = home_find_device(home_of(worker_group_get(w->workers, 0)),
                               ident_parse(IDENT_DEVICE, slice_of(w->devices[0])));
    assert_non_null(gateway);
    first = add(gateway, "1");
    (void)add(gateway, "2");
    (void)add(gateway, "\xc3\xa9");
    for (unsigned i = 1; i <= 2; i++)
        (void)add(add(first, i == 1 ? "1" : "2"), "1");
    return gateway;
}

void sub_tree_append_path(const struct device *d, struct buffer *out)
{
    struct slice path[SUB_LEVELS_MAX];
    unsigned count = sub_device_path(d, path);

    for (unsigned i = 0; i < count; i++) {
        buffer_append_text(out, i == 0 ? "" : ".");
        buffer_append_slice(out, path[i]);
    }
}
