/*
 * Share groups at their home. Members are named by session handle and worker; what they are told travels by letter, so a member's session may be gone when a
 * message reaches its worker (then it is counted; the leave is under way).
 *
 * Joining: the member's worker raises project.joining before its SUBACK can leave, which makes every worker send to every worker; the group's home lowers it
 * when its index has the group. So nothing that is published after the SUBACK is missed.
 */
#include "service/share_group.h"

#include "base/invariant.h"
#include "service/counters.h"

enum { SHARE_OFFLINE_MS = 5000 /* then a member's devices go to the others */ };

struct member {
    uint64_t session; /* handle */
    unsigned worker;
    uint8_t qos;
    bool retain_as_published;
    bool is_active;       /* gets devices */
    bool is_offline;
    uint32_t identifier;
    uint32_t device_count;
    struct share_group *group; /* borrowed: owns it */
    struct timer offline_timer;
};

struct assignment {
    uint64_t device_id;
    struct member *member; /* borrowed; NULL: to be assigned anew */
};

struct share_group {
    enum app_target target; /* first, as in app_subscription */
    struct open_subscription indexed;
    struct worker *worker;
    struct project *project; /* a reference */
    uint64_t hash;
    char *name; /* owned: "<group>/<filter>" */
    struct member **members; /* owned */
    uint32_t member_count;
    struct hash_table assignments; /* owned: struct assignment */
};

/* What a member's worker tells the group's home. */
struct notice {
    struct project *project; /* a reference */
    char *name;              /* owned */
    uint64_t hash;
    struct open_filter filter;
    struct member member;
};

static bool group_equal(const void *item, const void *key)
{
    const struct share_group *g = item;
    const struct notice *n = key;

    return g->project->project_id == n->project->project_id && strcmp(g->name, n->name) == 0;
}

static bool assignment_equal(const void *item, const void *key)
{
    return ((const struct assignment *)item)->device_id == *(const uint64_t *)key;
}

static void notice_free(struct notice *n)
{
    project_unref(&n->project);
    mem_free(n->name);
    mem_free(n);
}

/* --- at the group's home ----------------------------------------------------------------------- */

static struct share_group *find_group(struct site *s, const struct notice *n)
{
    if (s->share_groups.equal == NULL)
        hash_table_init(&s->share_groups, MEM_SUBSCRIPTION, group_equal);
    return hash_table_find(&s->share_groups, n->hash, n);
}

static struct share_group *open_group(struct worker *w, struct notice *n)
{
    struct share_group *g = mem_new_of(MEM_SUBSCRIPTION, struct share_group);

    g->target = APP_TARGET_GROUP;
    g->worker = w;
    g->project = project_ref(n->project);
    g->hash = n->hash;
    g->name = n->name;
    n->name = NULL;
    hash_table_init(&g->assignments, MEM_SUBSCRIPTION, assignment_equal);
    g->indexed.filter = n->filter;
    g->indexed.owner = g;
    open_index_add(home_of(w)->index, &g->indexed, &g->project->interest);
    hash_table_put(&site_of(w)->share_groups, g->hash, g);
    return g;
}

static void free_group(struct share_group *g)
{
    struct assignment *a;
    size_t cursor = 0;

    open_index_remove(home_of(g->worker)->index, &g->indexed, &g->project->interest);
    while ((a = hash_table_next(&g->assignments, &cursor)) != NULL)
        mem_free(a);
    hash_table_deinit(&g->assignments);
    for (uint32_t i = 0; i < g->member_count; i++) {
        timer_cancel(&g->members[i]->offline_timer);
        mem_free(g->members[i]);
    }
    mem_free(g->members);
    mem_free(g->name);
    project_unref(&g->project);
    mem_free(g);
}

static void close_group(struct share_group *g)
{
    struct notice key = {.project = g->project, .name = g->name};

    hash_table_remove(&site_of(g->worker)->share_groups, g->hash, &key);
    free_group(g);
}

void share_group_free_all(struct site *s)
{
    struct share_group *g;
    size_t cursor = 0;

    while ((g = hash_table_next(&s->share_groups, &cursor)) != NULL)
        free_group(g);
}

static struct member *find_member(struct share_group *g, uint64_t session)
{
    for (uint32_t i = 0; i < g->member_count; i++) {
        if (g->members[i]->session == session)
            return g->members[i];
    }
    return NULL;
}

/* The member's devices go to the others, each when its next message comes. */
static void take_devices(struct share_group *g, struct member *m)
{
    struct assignment *a;
    size_t cursor = 0;

    while ((a = hash_table_next(&g->assignments, &cursor)) != NULL) {
        if (a->member == m)
            a->member = NULL;
    }
    m->device_count = 0;
}

static void open_join(struct worker *w, const struct letter *l)
{
    struct notice *n = l->object;
    struct share_group *g = find_group(site_of(w), n);
    struct member *m;

    if (g == NULL)
        g = open_group(w, n);
    m = find_member(g, n->member.session);
    if (m == NULL) {
        m = mem_new_of(MEM_SUBSCRIPTION, struct member);
        g->members = mem_resize(MEM_SUBSCRIPTION, g->members,
                                (g->member_count + 1) * sizeof(struct member *));
        g->members[g->member_count++] = m;
        m->session = n->member.session;
        m->worker = n->member.worker;
        m->group = g;
        m->is_active = true;
    }
    m->qos = n->member.qos;
    m->identifier = n->member.identifier;
    m->retain_as_published = n->member.retain_as_published;
    atomic_fetch_sub_explicit(&n->project->joining, 1, memory_order_release);
    notice_free(n);
}

static void open_leave(struct worker *w, const struct letter *l)
{
    struct notice *n = l->object;
    struct share_group *g = find_group(site_of(w), n);
    struct member *m = g == NULL ? NULL : find_member(g, n->member.session);

    if (m != NULL) {
        take_devices(g, m);
        timer_cancel(&m->offline_timer);
        for (uint32_t i = 0; i < g->member_count; i++) {
            if (g->members[i] == m)
                g->members[i] = g->members[--g->member_count];
        }
        mem_free(m);
        if (g->member_count == 0)
            close_group(g);
    }
    notice_free(n);
}

static void on_member_gone(struct timer *t)
{
    struct member *m = list_entry(t, struct member, offline_timer);

    m->is_active = false;
    take_devices(m->group, m);
}

static void open_presence(struct worker *w, const struct letter *l)
{
    struct notice *n = l->object;
    struct share_group *g = find_group(site_of(w), n);
    struct member *m = g == NULL ? NULL : find_member(g, n->member.session);

    if (m != NULL) {
        m->is_offline = n->member.is_offline;
        timer_cancel(&m->offline_timer);
        if (m->is_offline)
            timer_set(&w->timers, &m->offline_timer, w->now_ms + SHARE_OFFLINE_MS, on_member_gone);
        else
            m->is_active = true;
    }
    notice_free(n);
}

/* The member with the fewest devices; one that is online is preferred. When all have been away for long, any keeps the message if it can. */
static struct member *choose_member(struct share_group *g)
{
    struct member *best = NULL;

    for (uint32_t i = 0; i < g->member_count; i++) {
        struct member *m = g->members[i];

        if (best == NULL || (m->is_active && !best->is_active) ||
            (m->is_active == best->is_active && m->device_count < best->device_count))
            best = m;
    }
    return best;
}

static struct member *member_for(struct share_group *g, uint64_t device_id)
{
    uint64_t hash = hash_u64(device_id);
    struct assignment *a = hash_table_find(&g->assignments, hash, &device_id);

    if (a == NULL) {
        a = mem_new_of(MEM_SUBSCRIPTION, struct assignment);
        a->device_id = device_id;
        hash_table_put(&g->assignments, hash, a);
    }
    if (a->member == NULL) {
        a->member = choose_member(g);
        if (a->member != NULL)
            a->member->device_count++;
    }
    return a->member;
}

/* --- at the member's home ---------------------------------------------------------------------- */

/* b: QoS and retain flag, c: identifier. */
static void open_delivery(struct worker *w, const struct letter *l)
{
    struct open_message *m = l->object;
    struct session *s = session_find_handle(w, l->a);
    struct delivery d = {.message = &m->message,
                         .qos = (uint8_t)(l->b & 3),
                         .retain = (l->b & 4) != 0,
                         .subscription_id = (uint32_t)l->c};

    counter_inc(share_deliveries);
    if (s == NULL || session_deliver(s, &d) == SESSION_FULL) {
        counter_inc(share_deliveries_lost);
        delivery_deinit(&d);
    }
}

void share_group_deliver(struct home *h, struct share_group *g, struct open_message *message)
{
    struct member *m = member_for(g, message->device_id);
    struct letter letter = {.open = open_delivery};
    uint8_t qos;

    if (m == NULL)
        return;
    qos = m->qos;
    if (open_kinds[message->kind].may_publish && message->message.qos < qos)
        qos = message->message.qos;
    letter.object = open_message_ref(message);
    letter.a = m->session;
    letter.b = qos | (m->retain_as_published && message->message.retain ? 4u : 0u);
    letter.c = m->identifier;
    worker_post(h->worker, m->worker, &letter);
}

/* --- what members tell ------------------------------------------------------------------------- */

static void tell(struct app_subscription *sub, const struct open_filter *filter, letter_fn open,
                 bool is_online)
{
    static const char prefix[] = "$share/";
    struct app_session *a = sub->session;
    struct worker *w = a->session->worker;
    struct notice *n = mem_new_of(MEM_SUBSCRIPTION, struct notice);
    struct letter letter = {.open = open, .object = n};
    struct slice name = slice_from(slice_of(sub->filter), sizeof(prefix) - 1);

    n->project = project_ref(a->project);
    n->name = slice_to_string(name);
    n->hash = hash_bytes(name) ^ hash_u64(a->project->project_id);
    n->filter = *filter;
    n->member.session = a->session->handle;
    n->member.worker = w->index;
    n->member.qos = sub->qos;
    n->member.retain_as_published = sub->retain_as_published;
    n->member.identifier = sub->identifier;
    n->member.is_offline = !is_online;
    worker_post(w, worker_home(n->hash, worker_group_count(w->group)), &letter);
}

void share_group_join(struct app_subscription *sub, const struct open_filter *filter,
                      struct slice group)
{
    invariant(group.len > 0);
    atomic_fetch_add_explicit(&sub->session->project->joining, 1, memory_order_acq_rel);
    tell(sub, filter, open_join, true);
}

void share_group_leave(struct app_subscription *sub)
{
    tell(sub, &sub->indexed.filter, open_leave, false);
}

void share_group_presence(struct app_subscription *sub, bool is_online)
{
    tell(sub, &sub->indexed.filter, open_presence, is_online);
}
