#include "conf/hba.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME_OF_63 "a234567890b234567890c234567890d234567890e234567890f23456789012x"

static void destroy(struct hba **hba)
{
    hba_unref(*hba);
}

static struct hba *parsed(const char *text)
{
    struct hba *hba = NULL;
    struct failure f = { 0 };

    if (hba_parse("F", view_of_str(text), &hba, &f) != 0) {
        fail_msg("%s", failure_get(&f, FIELD_MESSAGE));
    }
    return hba;
}

static void assert_refused(const char *text, const char *expected)
{
    struct hba *hba = NULL;
    struct failure f = { 0 };

    assert_int_equal(hba_parse("F", view_of_str(text), &hba, &f), FAILED);
    assert_null(hba);
    assert_string_equal(failure_get(&f, FIELD_MESSAGE), expected);
}

/* The method's letter (t r p s c), or '-': no rule fits. */
static char found(const struct hba *hba, const char *from, const char *database, const char *user)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct hba_client client = { .database = database, .user = user };
    enum hba_method method;

    if (strncmp(from, "ssl:", 4) == 0) {
        client.encrypted = true;
        from += 4;
    }
    if (strchr(from, ':') != NULL) {
        assert_int_equal(inet_pton(AF_INET6, from, &in6.sin6_addr), 1);
        client.address = (struct sockaddr *)&in6;
    } else if (strcmp(from, "local") != 0) {
        assert_int_equal(inet_pton(AF_INET, from, &in.sin_addr), 1);
        client.address = (struct sockaddr *)&in;
    }
    return hba_find(hba, &client, &method) ? "trpsc"[method] : '-';
}

static void the_first_rule_that_fits_decides(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("# comment\n"
                                              "\n"
                                              "host shop,empty guest 127.0.0.1/32 reject\n"
                                              "host shop all 127.0.0.1/32 scram-sha-256\n"
                                              "host all all 127.0.0.1/32 trust # and so on\n"
                                              "local all all peer");

    (void)state;
    assert_int_equal(found(hba, "127.0.0.1", "shop", "guest"), 'r');
    assert_int_equal(found(hba, "127.0.0.1", "shop", "alice"), 's');
    assert_int_equal(found(hba, "127.0.0.1", "empty", "guest"), 'r');
    assert_int_equal(found(hba, "127.0.0.1", "other", "guest"), 't');
    assert_int_equal(found(hba, "127.0.0.2", "other", "guest"), '-');
    assert_int_equal(found(hba, "local", "shop", "guest"), 'p');
    assert_int_equal(hba_line_of(hba, HBA_SCRAM), 4);
    assert_int_equal(hba_line_of(hba, HBA_CERT), 0);
}

static void without_rules_nobody_gets_in(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("");

    (void)state;
    assert_int_equal(found(hba, "local", "shop", "alice"), '-');
    assert_int_equal(found(NULL, "local", "shop", "alice"), '-');
}

static void types_tell_how_one_connects(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("hostssl a all all scram-sha-256\n"
                                              "hostnossl a all all reject\n"
                                              "hostssl b all all cert\n"
                                              "host c all all trust\n");

    (void)state;
    assert_int_equal(found(hba, "ssl:10.0.0.1", "a", "x"), 's');
    assert_int_equal(found(hba, "10.0.0.1", "a", "x"), 'r');
    assert_int_equal(found(hba, "local", "a", "x"), '-');
    assert_int_equal(found(hba, "ssl:::1", "b", "x"), 'c');
    assert_int_equal(found(hba, "::1", "b", "x"), '-');
    assert_int_equal(found(hba, "ssl:10.0.0.1", "c", "x"), 't');
    assert_int_equal(found(hba, "::1", "c", "x"), 't');
    assert_int_equal(found(hba, "local", "c", "x"), '-');
}

static void addresses_have_a_length_or_a_mask(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("host a all 10.1.0.0/20 trust\n"
                                              "host b all 10.1.0.0 255.255.240.0 trust\n"
                                              "host c all fe80::/10 trust\n"
                                              "host d all 2001:db8:: ffff:ffff:: trust\n"
                                              "host e all 0.0.0.0/0 trust\n"
                                              "host f all ::/0 trust\n"
                                              "host g all 10.1.2.3/32 trust\n");

    (void)state;
    for (const char *database = "a"; database != NULL; database = *database == 'a' ? "b" : NULL) {
        assert_int_equal(found(hba, "10.1.0.0", database, "x"), 't');
        assert_int_equal(found(hba, "10.1.15.255", database, "x"), 't');
        assert_int_equal(found(hba, "10.1.16.0", database, "x"), '-');
        assert_int_equal(found(hba, "::1", database, "x"), '-');
    }
    assert_int_equal(found(hba, "febf::1", "c", "x"), 't');
    assert_int_equal(found(hba, "fec0::1", "c", "x"), '-');
    assert_int_equal(found(hba, "2001:db8:ffff::1", "d", "x"), 't');
    assert_int_equal(found(hba, "2001:db9::1", "d", "x"), '-');
    assert_int_equal(found(hba, "1.2.3.4", "e", "x"), 't');
    assert_int_equal(found(hba, "::1", "e", "x"), '-');
    assert_int_equal(found(hba, "::1", "f", "x"), 't');
    assert_int_equal(found(hba, "1.2.3.4", "f", "x"), '-');
    assert_int_equal(found(hba, "10.1.2.3", "g", "x"), 't');
    assert_int_equal(found(hba, "10.1.2.2", "g", "x"), '-');
}

static void a_rule_of_a_database_is_one_of_its_clones(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("local shop all trust\nlocal \"x~y\" all reject");

    (void)state;
    assert_int_equal(found(hba, "local", "shop~mine", "x"), 't');
    assert_int_equal(found(hba, "local", "shop~mine~more", "x"), 't');
    assert_int_equal(found(hba, "local", "shopping", "x"), '-');
    assert_int_equal(found(hba, "local", "shopping~shop", "x"), '-');
    assert_int_equal(found(hba, "local", "x~y~z", "x"), 'r');
    assert_int_equal(found(hba, "local", "x~z", "x"), '-');
    assert_int_equal(found(hba, "local", "~shop", "x"), '-');
}

static void the_console_has_two_names(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("local pond a reject\n"
                                              "local \"pgbouncer\" b reject\n"
                                              "local all all trust\n");

    (void)state;
    assert_int_equal(found(hba, "local", "pond", "a"), 'r');
    assert_int_equal(found(hba, "local", "pgbouncer", "a"), 'r');
    assert_int_equal(found(hba, "local", "pond", "b"), 'r');
    assert_int_equal(found(hba, "local", "pgbouncer", "b"), 'r');
    assert_int_equal(found(hba, "local", "shop", "a"), 't');
}

static void quotes_make_names(void **state)
{
    cleanup(destroy) struct hba *hba =
        parsed("local \"all\" \"sp ace\",\"a,b\",q\"\"\"x\",\"#\" trust\n"
               "local sameuser all reject\n"
               "local \"sameuser\",\"replication\" \"+x\",\"\" peer\n");

    (void)state;
    assert_int_equal(found(hba, "local", "all", "sp ace"), 't');
    assert_int_equal(found(hba, "local", "all", "a,b"), 't');
    assert_int_equal(found(hba, "local", "all", "q\"x"), 't');
    assert_int_equal(found(hba, "local", "all", "#"), 't');
    assert_int_equal(found(hba, "local", "other", "#"), '-');
    assert_int_equal(found(hba, "local", "bob", "bob"), 'r');
    assert_int_equal(found(hba, "local", "sameuser", "+x"), 'p');
    assert_int_equal(found(hba, "local", "replication", ""), 'p');
}

static void lists_may_have_blanks_behind_commas(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("local\ta, b,\tc  x trust\r\n"
                                              "local d \\\n  x \\\n  peer\n"
                                              "local e x reject");

    (void)state;
    assert_int_equal(found(hba, "local", "c", "x"), 't');
    assert_int_equal(found(hba, "local", "d", "x"), 'p');
    assert_int_equal(found(hba, "local", "e", "x"), 'r');
    assert_int_equal(hba_line_of(hba, HBA_PEER), 2);
    assert_int_equal(hba_line_of(hba, HBA_REJECT), 5);
}

static void replication_fits_nobody(void **state)
{
    cleanup(destroy) struct hba *hba = parsed("host replication all all trust");

    (void)state;
    assert_int_equal(found(hba, "127.0.0.1", "replication", "x"), '-');
}

static void mistakes_are_refused_with_their_line(void **state)
{
    static const char *const rows[][2] = {
        { "\n\nlokal all all trust",
          "F:3: expected local, host, hostssl or hostnossl, not \"lokal\"" },
        { "hostgssenc all all all trust",
          "F:1: expected local, host, hostssl or hostnossl, not \"hostgssenc\"" },
        { "local", "F:1: expected databases at the end of the line" },
        { "local a", "F:1: expected users at the end of the line" },
        { "local a, # b", "F:1: expected databases at the end of the line" },
        { "local a b", "F:1: expected a method at the end of the line" },
        { "host a b", "F:1: expected an address at the end of the line" },
        { "host a b 1.2.3.4", "F:1: expected a mask at the end of the line" },
        { "local a b md5",
          "F:1: expected trust, reject, peer, scram-sha-256 or cert, not \"md5\"" },
        { "local a b password",
          "F:1: expected trust, reject, peer, scram-sha-256 or cert, not \"password\"" },
        { "local a " NAME_OF_63 "x trust",
          "F:1: a name has at most 63 bytes: \"" NAME_OF_63 "x\"" },
        { "local " NAME_OF_63 "x b trust",
          "F:1: a name has at most 63 bytes: \"" NAME_OF_63 "x\"" },
        { "local " NAME_OF_63 " " NAME_OF_63 " b", /* as many are fine */
          "F:1: expected trust, reject, peer, scram-sha-256 or cert, not \"b\"" },
        { "host a b ::ffff:10.0.0.0/104 reject",
          "F:1: \"::ffff:10.0.0.0/104\" fits nobody: write the address as one of IPv4" },
        { "local a b peer map=x", "F:1: \"map=x\": options of methods are not supported" },
        { "hostssl a b all trust clientcert=verify-full",
          "F:1: \"clientcert=verify-full\": options of methods are not supported" },
        { "host a b all peer", "F:1: peer is for local lines only" },
        { "host a b all cert", "F:1: cert is for hostssl lines only" },
        { "local a b cert", "F:1: cert is for hostssl lines only" },
        { "host a b samehost trust", "F:1: samehost is not supported: write the addresses" },
        { "host a b samenet trust", "F:1: samenet is not supported: write the addresses" },
        { "host a b localhost trust", "F:1: expected all or an IP address, not \"localhost\": host "
                                      "names are not supported" },
        { "host a b .example.com trust", "F:1: expected all or an IP address, not "
                                         "\".example.com\": host names are not supported" },
        { "host a b 1.2.3/8 trust", "F:1: expected all or an IP address, not \"1.2.3/8\": host "
                                    "names are not supported" },
        { "host a b 1.2.3.4/33 trust", "F:1: invalid CIDR mask in address \"1.2.3.4/33\"" },
        { "host a b 1.2.3.4/ trust", "F:1: invalid CIDR mask in address \"1.2.3.4/\"" },
        { "host a b 1.2.3.4/8x trust", "F:1: invalid CIDR mask in address \"1.2.3.4/8x\"" },
        { "host a b ::1/129 trust", "F:1: invalid CIDR mask in address \"::1/129\"" },
        { "host a b 1.2.3.4 trust", "F:1: invalid IP mask \"trust\"" },
        { "host a b 1.2.3.4 ffff:: trust", "F:1: IP address and mask do not match" },
        { "host a b 1.2.3.4/8,::1/8 trust", "F:1: expected an address, not several" },
        { "local a +b trust", "F:1: \"+b\": groups are not supported: name the users" },
        { "local samerole b trust", "F:1: samerole is not supported: there are no roles" },
        { "local samegroup b trust", "F:1: samegroup is not supported: there are no roles" },
        { "local @file b trust", "F:1: \"@file\": included files are not supported" },
        { "local /^x b trust", "F:1: \"/^x\": regular expressions are not supported" },
        { "local \"a b trust", "F:1: a quote is open at the end of the line" },
        { "local ,a b trust", "F:1: expected a name before the comma" },
        { "local a,,c b trust", "F:1: expected a name before the comma" },
        { "local a b trust\nlocal a b \\\nx\n",
          "F:2: expected trust, reject, peer, scram-sha-256 or cert, not \"x\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_refused(rows[i][0], rows[i][1]);
    }
}

static void what_is_too_long_is_refused(void **state)
{
    char *text = test_malloc(20000);
    struct hba *hba;
    struct failure f;

    (void)state;
    memset(text, 'x', 19999);
    text[19999] = '\0';
    assert_refused(text, "F:1: the line is longer than 8192 bytes");
    for (size_t i = 0; i < 300; i++) {
        memcpy(text + 6 + 2 * i, "x,", 2);
    }
    memcpy(text, "local ", 6);
    text[606] = '\0';
    assert_refused(text, "F:1: more than 256 names in one field");
    assert_int_equal(hba_parse("F", view_of("local a\0b c trust", 17), &hba, &f), FAILED);
    test_free(text);
}

static void out_of_memory_is_said(void **state)
{
    uint64_t n = 1;
    int r;

    (void)state;
    do {
        struct hba *hba = NULL;
        struct failure f;

        mem_fail_at(n++, false);
        r = hba_parse("F", view_of_str("local a,b c peer\nhost all d all reject"), &hba, &f);
        bool hit = mem_fail_hit();
        mem_fail_at(0, false);
        assert_int_equal(r, hit ? -ENOMEM : 0);
        hba_unref(hba);
    } while (r != 0);
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(without_rules_nobody_gets_in),
        cmocka_unit_test(types_tell_how_one_connects),
        cmocka_unit_test(addresses_have_a_length_or_a_mask),
        cmocka_unit_test(a_rule_of_a_database_is_one_of_its_clones),
        cmocka_unit_test(the_console_has_two_names),
        cmocka_unit_test(quotes_make_names),
        cmocka_unit_test(lists_may_have_blanks_behind_commas),
        cmocka_unit_test(replication_fits_nobody),
        cmocka_unit_test(mistakes_are_refused_with_their_line),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(out_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
