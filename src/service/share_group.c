/*
 * Share groups at their home. share_priv.h has the letters to and from their members.
 *
 * Joining: the member's worker raises project.joining before its SUBACK can leave, which makes
 * every worker send to every worker; the group's home lowers it when its index has the group. So
 * nothing that is published after the SUBACK is missed.
 *
 * Handing over: when a member has left, or is away while another is there, it is recalled. Until
 * its answer has come, messages of its devices are held. Then its devices are free (unless it was
 * back before it heard of the recall), and what it returned, then what was held, is given anew: no
 * device's messages overtake one another. While all
 * members are away nothing is recalled: what a member's session keeps is better than what nobody
 * keeps.
 */
#include "service/share_group.h"

#include "base/invariant.h"
#include "service/counters.h"
#include "service/share_group_priv.h"

struct assignment {
    uint64_t device_id;
    struct member *member; /* borrowed; NULL: to be assigned anew */
};

struct group_key {
    uint64_t project_id;
    const char *name;
};

static bool group_equal(const void *item, const void *key)
{
    const struct share_group *g = item;
    const struct group_key *k = key;

    return g->project->project_id == k->project_id && strcmp(g->name, k->name) == 0;
}

static bool member_equal(const void *item, const void *key)
{
    return ((const struct member *)item)->share == *(const uint64_t *)key;
}

static bool assignment_equal(const void *item, const void *key)
{
    return ((const struct assignment *)item)->device_id == *(const uint64_t *)key;
}

void share_group_init(struct site *s)
{
    hash_table_init(&s->share_groups, MEM_SUBSCRIPTION, group_equal);
    hash_table_init(&s->share_members, MEM_SUBSCRIPTION, member_equal);
    list_init(&s->share_feeds);
    share_expected_init(s);
}

void share_group_deinit(struct site *s)
{
    invariant(s->share_groups.count == 0 && s->share_members.count == 0 &&
              list_is_empty(&s->share_feeds));
    share_expected_deinit(s);
    hash_table_deinit(&s->share_groups);
    hash_table_deinit(&s->share_members);
}

/* --- groups and members ---------------------------------------------------------------------- */

static struct share_group *open_group(struct worker *w, struct share_join *j)
{
    struct share_group *g = mem_new_of(MEM_SUBSCRIPTION, struct share_group);

    g->target = APP_TARGET_GROUP;
    g->worker = w;
    g->project = project_ref(j->project);
    g->hash = j->hash;
    g->name = j->name;
    j->name = NULL;
    hash_table_init(&g->assignments, MEM_SUBSCRIPTION, assignment_equal);
    g->indexed.filter = j->filter;
    g->indexed.durable = j->is_owed;
    g->indexed.owner = g;
    open_index_add(home_of(w)->index, &g->indexed, &g->project->interest);
    hash_table_put(&site_of(w)->share_groups, g->hash, g);
    return g;
}

static struct share_group *find_or_open_group(struct worker *w, struct share_join *j)
{
    struct group_key key = {j->project->project_id, j->name};
    struct share_group *g = hash_table_find(&site_of(w)->share_groups, j->hash, &key);

    return g != NULL ? g : open_group(w, j);
}

static void close_group(struct share_group *g)
{
    struct group_key key = {g->project->project_id, g->name};
    struct assignment *a;
    size_t cursor = 0;

    hash_table_remove(&site_of(g->worker)->share_groups, g->hash, &key);
    share_feed_close(g);
    open_index_remove(home_of(g->worker)->index, &g->indexed, &g->project->interest);
    while ((a = hash_table_next(&g->assignments, &cursor)) != NULL)
        mem_free(a);
    hash_table_deinit(&g->assignments);
    mem_free(g->members);
    mem_free(g->name);
    project_unref(&g->project);
    mem_free(g);
}

static struct member *find_member(struct worker *w, uint64_t share)
{
    return hash_table_find(&site_of(w)->share_members, hash_u64(share), &share);
}

static struct member *get_member(struct worker *w, uint64_t share)
{
    struct member *m = find_member(w, share);

    invariant(m != NULL);
    return m;
}

static struct member *add_member(struct share_group *g, struct share_join *j)
{
    struct member *m = mem_new_of(MEM_SUBSCRIPTION, struct member);

    m->share = j->share;
    m->worker = j->worker;
    m->group = g;
    m->limits = j->limits;
    j->limits = NULL;
    g->members =
        mem_resize(MEM_SUBSCRIPTION, g->members, (g->member_count + 1) * sizeof(struct member *));
    g->members[g->member_count++] = m;
    hash_table_put(&site_of(g->worker)->share_members, hash_u64(m->share), m);
    return m;
}

/* It holds neither devices nor messages any more. */
static void free_member(struct member *m)
{
    struct share_group *g = m->group;

    hash_table_remove(&site_of(g->worker)->share_members, hash_u64(m->share), &m->share);
    for (uint32_t i = 0; i < g->member_count; i++) {
        if (g->members[i] == m)
            g->members[i] = g->members[--g->member_count];
    }
    project_secret_unref(&m->limits);
    mem_free(m);
}

/* --- who gets what --------------------------------------------------------------------------- */

/* The lower, the sooner it can deliver. The last two hold messages for others. */
static unsigned rank(const struct member *m)
{
    if (m->is_gone)
        return 3;
    if (m->is_recalled)
        return 2;
    return m->is_away ? 1 : 0;
}

bool share_group_is_present(const struct member *m)
{
    return rank(m) == 0;
}

static bool may_have(const struct member *m, const struct open_message *message)
{
    return m->limits == NULL ||
           project_secret_allows_device(m->limits, message->device_id, message->type_id);
}

/* Of the best rank, the member with the fewest devices that may have this one; NULL when there is
 * none. */
static struct member *choose_member(const struct share_group *g, const struct open_message *message)
{
    struct member *best = NULL;

    for (uint32_t i = 0; i < g->member_count; i++) {
        struct member *m = g->members[i];

        if (!may_have(m, message))
            continue;
        if (best == NULL || rank(m) < rank(best) ||
            (rank(m) == rank(best) && m->device_count < best->device_count))
            best = m;
    }
    return best;
}

/* A device whose type has changed may go to another member. */
static struct member *member_for(struct share_group *g, const struct open_message *message)
{
    uint64_t device_id = message->device_id;
    uint64_t hash = hash_u64(device_id);
    struct assignment *a = hash_table_find(&g->assignments, hash, &device_id);

    if (a == NULL) {
        a = mem_new_of(MEM_SUBSCRIPTION, struct assignment);
        a->device_id = device_id;
        hash_table_put(&g->assignments, hash, a);
    }
    if (a->member != NULL && !may_have(a->member, message)) {
        a->member->device_count--;
        a->member = NULL;
    }
    if (a->member == NULL) {
        a->member = choose_member(g, message);
        if (a->member != NULL) {
            a->member->device_count++;
            a->member->is_empty = false;
        }
    }
    return a->member;
}

static void send_to(const struct member *m, const struct share_parcel *p, unsigned bits)
{
    const struct open_message *message = p->message;
    struct worker *w = m->group->worker;
    uint8_t qos = m->qos;
    bool retain = m->retain_as_published && message->message.retain;
    struct letter letter = {.open = share_membership_open_delivery,
                            .object = open_message_ref(p->message),
                            .a = m->share,
                            .c = m->identifier};

    if (open_kinds[message->kind].may_publish && message->message.qos < qos)
        qos = message->message.qos;
    letter.b = qos | (retain ? (unsigned)SHARE_DELIVERY_RETAIN : 0u) | bits |
               p->seq << SHARE_DELIVERY_SEQ_SHIFT;
    worker_post(w, m->worker, &letter);
}

static void deliver(struct share_group *g, const struct share_parcel *p, unsigned bits)
{
    struct member *m = member_for(g, p->message);

    share_feed_given(g, p, m);
    if (m == NULL) {
        if (g->member_count == 0) /* otherwise nobody who is there may have it */
            counter_inc(share_deliveries_lost);
    } else if (m->is_recalled) {
        open_message_ref(p->message);
        buffer_append(&m->held, p, sizeof(*p));
    } else {
        send_to(m, p, bits);
    }
}

void share_group_give(struct share_group *g, const struct share_parcel *p)
{
    deliver(g, p, 0);
}

/* --- handing over ---------------------------------------------------------------------------- */

static void recall(struct member *m)
{
    struct letter letter = {.open = share_membership_open_recall, .a = m->share};

    m->is_recalled = true;
    worker_post(m->group->worker, m->worker, &letter);
}

static bool somebody_is_there(const struct share_group *g)
{
    for (uint32_t i = 0; i < g->member_count; i++) {
        if (rank(g->members[i]) == 0)
            return true;
    }
    return false;
}

/* What the members that are away have goes to those that are there, if there is one. */
static void recall_away(struct share_group *g)
{
    if (!somebody_is_there(g))
        return;
    for (uint32_t i = 0; i < g->member_count; i++) {
        struct member *m = g->members[i];

        if (rank(m) == 1 && !m->is_empty && !m->is_settled)
            recall(m);
    }
}

/* Somebody has come, or is for other devices now: he may have what nobody could take before. */
static void unsettle(struct share_group *g)
{
    for (uint32_t i = 0; i < g->member_count; i++)
        g->members[i]->is_settled = false;
}

static void free_devices(struct member *m)
{
    struct assignment *a;
    size_t cursor = 0;

    while ((a = hash_table_next(&m->group->assignments, &cursor)) != NULL) {
        if (a->member == m)
            a->member = NULL;
    }
    m->device_count = 0;
}

static size_t parcel_count(size_t bytes)
{
    return bytes / sizeof(struct share_parcel);
}

static void take_back(struct share_group *g, struct member *m, const struct share_parcel *parcels,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        share_feed_taken_back(g, &parcels[i], m);
}

/* Gives messages to whom they are assigned now; each reference is consumed. */
static void give_anew(struct share_group *g, struct share_parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        deliver(g, &parcels[i], SHARE_DELIVERY_HANDED);
        open_message_unref(&parcels[i].message);
    }
}

void share_group_open_returned(struct worker *w, const struct letter *l)
{
    struct member *m = get_member(w, l->a);
    struct share_group *g = m->group;
    struct buffer held = m->held;
    struct share_parcel *waited = (struct share_parcel *)(void *)held.data;
    size_t waited_count = parcel_count(held.len);

    invariant(l->c == 0 || !m->is_gone);
    m->held = (struct buffer){0};
    m->is_recalled = false;
    m->is_empty = m->is_settled = m->is_away;
    take_back(g, m, l->object, l->b);
    take_back(g, m, waited, waited_count);
    if (l->c == 0)
        free_devices(m);
    if (m->is_gone) {
        share_feed_member_gone(g, m);
        free_member(m);
    }
    give_anew(g, l->object, l->b);
    mem_free(l->object);
    give_anew(g, waited, waited_count);
    buffer_deinit(&held);
    if (g->member_count == 0) {
        close_group(g);
        return;
    }
    recall_away(g);
    share_feed_continue(g);
}

/* --- coming and going ------------------------------------------------------------------------ */

void share_group_open_join(struct worker *w, const struct letter *l)
{
    struct share_join *j = l->object;
    struct member *m = find_member(w, j->share);

    if (m == NULL)
        m = add_member(find_or_open_group(w, j), j);
    m->qos = j->qos;
    m->identifier = j->identifier;
    m->retain_as_published = j->retain_as_published;
    m->owed_max = j->owed_max;
    m->bytes_max = j->bytes_max;
    unsettle(m->group);
    recall_away(m->group);
    share_feed_joined(m->group, j);
    atomic_fetch_sub_explicit(j->is_owed ? &j->project->joining_owed : &j->project->joining, 1,
                              memory_order_release);
    project_unref(&j->project);
    project_secret_unref(&j->limits);
    mem_free(j->name);
    mem_free(j);
}

void share_group_open_away(struct worker *w, const struct letter *l)
{
    struct member *m = get_member(w, l->a);

    m->is_away = l->b != 0;
    m->is_empty = false;
    if (m->is_away)
        m->is_settled = false;
    else
        unsettle(m->group);
    recall_away(m->group);
    if (m->is_away && !m->is_recalled) {
        struct letter alone = {.open = share_membership_open_alone, .a = m->share, .b = l->b};

        worker_post(w, m->worker, &alone);
    }
    share_feed_continue(m->group);
}

void share_group_open_leave(struct worker *w, const struct letter *l)
{
    struct member *m = get_member(w, l->a);

    m->is_gone = true;
    if (!m->is_recalled)
        recall(m);
}

void share_group_open_over(struct worker *w, const struct letter *l)
{
    struct member *m = find_member(w, l->a);

    if (m != NULL) /* otherwise it has left, with what it had */
        share_feed_over(m->group, m, l->b);
}
