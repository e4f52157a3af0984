/* base/histogram.h: how often something took how long, counted in buckets of fixed bounds.
 *
 * Zero bytes are a valid empty one. It belongs to one thread; who wants that of several adds them
 * up. */
#pragma once

#include "base/defs.h"

enum { histogram_bounds = 21 };

/* Upper bounds, each included; what is above the last one has a bucket of its own. */
extern const uint32_t histogram_bound_us[histogram_bounds];

struct histogram {
    uint64_t counts[histogram_bounds + 1]; /* each value is in one of them */
    uint64_t sum_us;
};

/* A time before zero counts as zero. Short ones are found first. */
void histogram_add(struct histogram *h, int64_t us);

void histogram_add_all(struct histogram *to, const struct histogram *from);

uint64_t histogram_count(const struct histogram *h);
