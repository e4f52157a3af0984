/* Time zones: offsets against what the C library says, gaps and overlaps as PostgreSQL takes them.
 */
#include "sql/timezone.h"
#include "sql/tzif.h"

#include "base/alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const struct zone *find(const char *name)
{
    const struct zone *zone = NULL;

    assert_int_equal(timezone_find(view_of_str(name), &zone), 0);
    return zone;
}

static void test_offsets_are_the_c_librarys(void **state)
{
    static const char *const names[] = { "Europe/Berlin", "America/New_York",  "Australia/Sydney",
                                         "Asia/Kolkata",  "Africa/Casablanca", "America/St_Johns" };
    uint64_t seed = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct zone *zone = find(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int k = 0; k < 2000; k++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            time_t t = (time_t)(seed >> 30) % (INT64_C(7000000000)) - INT64_C(2000000000);
            struct tm tm;
            assert_non_null(localtime_r(&t, &tm));
            if (timezone_offset(zone, t, false) != tm.tm_gmtoff) {
                print_error("%s at %lld\n", names[i], (long long)t);
            }
            assert_int_equal(timezone_offset(zone, t, false), tm.tm_gmtoff);
        }
    }
}

static void test_gaps_and_overlaps(void **state)
{
    const struct zone *berlin = find("EUROPE/berlin");

    (void)state;
    assert_string_equal(timezone_name(berlin), "Europe/Berlin");
    /* 2024-03-31 02:30 does not exist: +01. 2024-10-27 02:30 is twice there: +01, the later. */
    assert_int_equal(timezone_offset(berlin, 1711852200, true), 3600);
    assert_int_equal(timezone_offset(berlin, 1711849000, true), 3600);
    assert_int_equal(timezone_offset(berlin, 1711857600, true), 7200);
    assert_int_equal(timezone_offset(berlin, 1729996200, true), 3600);
    assert_int_equal(timezone_offset(berlin, 1729990800, true), 7200);
}

static void test_rules_are_read_strictly(void **state)
{
    static const char *const bad[] = { "",
                                       "A",
                                       "AB3",
                                       "CET",
                                       "CET-",
                                       "CET-1CEST,",
                                       "CET-1CEST,M3",
                                       "CET-1CEST,M13.5.0,M10.5.0",
                                       "CET-1CEST,M3.5.0",
                                       "<+3",
                                       "<>3",
                                       "CET-1CEST,M3.5.0,M10.5.0x",
                                       "CET-999",
                                       "CET1:99" };
    struct tz_rule rule;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(tz_rule_parse(bad[i], &rule), -EINVAL);
    }
    assert_int_equal(tz_rule_parse("NZST-12NZDT,M9.5.0,M4.1.0/3", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, 1704067200), 13 * 3600); /* southern summer */
    assert_int_equal(tz_rule_offset(&rule, 1719792000), 12 * 3600);
}

static void test_truncated_files_are_refused(void **state)
{
    char path[] = "/tmp/pond-tzif-XXXXXX";
    uint8_t data[8192];
    FILE *in = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");

    (void)state;
    assert_non_null(in);
    size_t len = fread(data, 1, sizeof data, in);
    fclose(in);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    fclose(fdopen(fd, "wb"));
    for (size_t cut = 0; cut < len; cut += cut < 200 ? 1 : 37) {
        struct tzif *z = NULL;
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(data, 1, cut, out), cut);
        fclose(out);
        int r = tzif_load(path, &z);
        assert_true(r == -EINVAL ||
                    (r == 0 && cut > 2000)); /* without its footer it is still one */
        tzif_destroy(z);
    }
    remove(path);
}

static void test_no_memory_says_so(void **state)
{
    const struct zone *zone = NULL;
    int r = -ENOMEM;

    (void)state;
    for (uint64_t n = 1; r != 0; n++) {
        mem_fail_at(n, false);
        r = timezone_find(view_of_str("Pacific/Auckland"), &zone);
        mem_fail_at(0, false);
        assert_true(r == 0 || r == -ENOMEM);
        assert_true(n < 20);
    }
}

static void test_made_up_zones_have_a_limit(void **state)
{
    const struct zone *zone = NULL;
    char name[32];
    int r = 0;

    (void)state;
    for (int i = 0; i < 5000 && r == 0; i++) {
        snprintf(name, sizeof name, "FOO%d:%d:%d", i / 3600, i / 60 % 60, i % 60);
        r = timezone_find(view_of_str(name), &zone);
    }
    assert_int_equal(r, TIMEZONE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_the_c_librarys),
        cmocka_unit_test(test_gaps_and_overlaps),
        cmocka_unit_test(test_rules_are_read_strictly),
        cmocka_unit_test(test_truncated_files_are_refused),
        cmocka_unit_test(test_no_memory_says_so),
        cmocka_unit_test(test_made_up_zones_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
