/* base/histogram.c: see the header. */
#include "base/histogram.h"

/* From a point query to a client that waited in line for a minute, three for each power of ten. */
const uint32_t histogram_bound_us[histogram_bounds] = {
    10,    25,     50,     100,    250,     500,     1000,    2500,     5000,     10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

void histogram_add(struct histogram *h, int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    size_t i = 0;

    while (i < histogram_bounds && value > histogram_bound_us[i]) {
        i++;
    }
    h->counts[i]++;
    h->sum_us += value;
}

void histogram_add_all(struct histogram *to, const struct histogram *from)
{
    for (size_t i = 0; i < ARRAY_LEN(to->counts); i++) {
        to->counts[i] += from->counts[i];
    }
    to->sum_us += from->sum_us;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(h->counts); i++) {
        count += h->counts[i];
    }
    return count;
}
