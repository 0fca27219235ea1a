/*
 * A run: a world with devices and applications in it, random steps, and the rest at the end, in
 * which everybody comes back, everything is acknowledged, and nothing may be missing.
 */
#pragma once

#include "watcher.h"

enum { STAGE_WATCHERS_MAX = 8 };

/** What a run is like; the rest comes from the seed. */
struct stage_plan {
    unsigned steps;
    unsigned devices, watchers; /* how many; 0: chosen */
    bool only_shared;           /* all applications are members of the share group */
    bool is_stable;             /* nobody goes away or changes filters once it is there */
    bool is_heavy;              /* large payloads and slow readers: sessions fall behind */
    unsigned restarts;          /* the server is stopped or killed about so often; on disk */
    bool is_narrow;             /* short queues, readers that stop, small packets */
};

struct stage {
    struct world world;
    struct stage_plan plan;
    struct watch_scene scene;
    struct reporter reporters[WORLD_DEVICES_MAX];
    struct watcher watchers[STAGE_WATCHERS_MAX];
    unsigned watcher_count;
    uint64_t restarts;
    bool is_slow[STAGE_WATCHERS_MAX]; /* reads and acknowledges seldom */
};

/** Plays the seed from beginning to end. */
void stage_play(struct stage *s, uint64_t seed, const struct stage_plan *plan);

/** The parts of it, for those who do something in between. */
void stage_open(struct stage *s, uint64_t seed, const struct stage_plan *plan);
/** All applications connect and subscribe, before any device comes. */
void stage_gather(struct stage *s);
void stage_step(struct stage *s);
/** Everybody is there and everything under way arrives; then all is checked. */
void stage_rest(struct stage *s);
void stage_close(struct stage *s);

/** Seeds to play: EZTCLOUD_SIM_SEEDS (how many), or EZTCLOUD_SIM_SEED (this one). */
struct stage_seeds {
    uint64_t first, count;
};
struct stage_seeds stage_choose_seeds(uint64_t count);
