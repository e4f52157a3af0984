/* client/cli/layout.c: see layout.h. */
#include "client/cli/layout.h"

/* What the table takes when no column may be wider than `most`. */
static long total_with(const int *widths, size_t count, int most)
{
    long total = count == 0 ? 0 : (long)count * 3 - 1;

    for (size_t i = 0; i < count; i++) {
        total += widths[i] < most ? widths[i] : most;
    }
    return total;
}

static int widest(const int *widths, size_t count)
{
    int most = 0;

    for (size_t i = 0; i < count; i++) {
        most = widths[i] > most ? widths[i] : most;
    }
    return most;
}

long layout_total(const int *widths, size_t count)
{
    return total_with(widths, count, widest(widths, count));
}

void layout_fit(int *widths, size_t count, int line)
{
    int low = layout_least, high = widest(widths, count);

    while (low < high) { /* the greatest that fits, or the least there is */
        int middle = high - (high - low) / 2;

        if (total_with(widths, count, middle) <= line) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    long spare = line - total_with(widths, count, low);
    for (size_t i = 0; i < count; i++) {
        if (widths[i] > low) {
            widths[i] = low + (spare > 0);
            spare--;
        }
    }
}
