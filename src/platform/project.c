/* Shared projects: made once per row, freed with the last worker's reference. */
#include "platform/project.h"

#include "base/invariant.h"
#include "base/mem.h"

struct project *project_new(uint64_t project_id, bool enabled, bool open_mqtt)
{
    struct project *p = mem_new_of(MEM_PROJECT, struct project);

    p->magic = PROJECT_MAGIC;
    p->refs = 1;
    p->project_id = project_id;
    ident_format(IDENT_PROJECT, project_id, p->text);
    p->enabled = enabled;
    p->open_mqtt = open_mqtt;
    return p;
}

struct project *project_ref(struct project *p)
{
    invariant(p->magic == PROJECT_MAGIC);
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void project_unref(struct project **pp)
{
    struct project *p = *pp;

    *pp = NULL;
    invariant(p != NULL && p->magic == PROJECT_MAGIC);
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
        return;
    p->magic = 0;
    shared_bytes_unref(&p->origins);
    mem_free(p);
}
