/*
 * Counts faults. Each thread has its own counts, which are merged at the end. Telling is limited,
 * because a broken server has as many faults as messages.
 */
#include "load_faults.h"

#include <stdio.h>

static const uint32_t told_at_most = 5;

static const struct fault_kind {
    const char *word;
    const char *meaning;
    bool ends_run;
} kinds[LOAD_FAULT_COUNT] = {
#define X(name, word, meaning, ends) [LOAD_FAULT_##name] = {word, meaning, ends},
    LOAD_FAULT_LIST(X)
#undef X
};

const char *load_faults_word(enum load_fault fault)
{
    return kinds[fault].word;
}

bool load_faults_ends_run(enum load_fault fault)
{
    return kinds[fault].ends_run;
}

void load_faults_add(struct load_faults *faults, enum load_fault fault, const char *who,
                     uint32_t index, const char *what)
{
    faults->counts[fault]++;
    if (faults->told >= told_at_most)
        return;
    faults->told++;
    fprintf(stderr, "eztcloud-bench: %s %u: %s (%s: %s)\n", who, index, what, kinds[fault].word,
            kinds[fault].meaning);
}

void load_faults_count(struct load_faults *faults, enum load_fault fault, uint64_t count)
{
    faults->counts[fault] += count;
}

void load_faults_merge(struct load_faults *faults, const struct load_faults *other)
{
    for (int i = 0; i < LOAD_FAULT_COUNT; i++)
        faults->counts[i] += other->counts[i];
}

bool load_faults_none(const struct load_faults *faults)
{
    for (int i = 0; i < LOAD_FAULT_COUNT; i++) {
        if (faults->counts[i] > 0)
            return false;
    }
    return true;
}
