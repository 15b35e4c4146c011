/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <cmocka.h>

#include "net/address.h"

static void check_all(const char *const *texts, bool is_public)
{
    for (; *texts; texts++)
        if (ncr_address_text_is_public(*texts) != is_public)
            fail_msg("%s should%s be public", *texts, is_public ? "" : " not");
}

static void private_ipv4_is_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0.0.0.0",         "0.1.2.3",        "10.0.0.1",    "10.255.255.255",  "100.64.0.1",
        "100.127.255.255", "127.0.0.1",      "127.9.9.9",   "169.254.0.1",     "169.254.169.254",
        "172.16.0.1",      "172.31.255.255", "192.0.0.192", "192.168.1.1",     "198.18.0.1",
        "198.19.255.255",  "224.0.0.1",      "239.1.1.1",   "255.255.255.255", "240.0.0.1",
        "0x7f000001",      "127.1",          "2130706433",  "0177.0.0.1",      NULL};
    check_all(texts, false);
}

static void neighbours_of_private_ipv4_are_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1.0.0.0",     "9.255.255.255",   "11.0.0.0",    "100.63.255.255",  "100.128.0.0", "126.255.255.255",
        "128.0.0.0",   "169.253.255.255", "169.255.0.0", "172.15.255.255",  "172.32.0.0",  "192.167.255.255",
        "192.169.0.0", "198.17.255.255",  "198.20.0.0",  "223.255.255.255", "8.8.8.8",     NULL};
    check_all(texts, true);
}

static void private_ipv6_is_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {"::",
                                        "::1",
                                        "[::1]",
                                        "::127.0.0.1",
                                        "::8.8.8.8",
                                        "fc00::1",
                                        "fd12:3456::1",
                                        "fd00:ec2::254",
                                        "fe80::1",
                                        "fe80::1%lo",
                                        "febf::1",
                                        "fec0::1",
                                        "ff02::1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:169.254.169.254",
                                        "::ffff:10.0.0.1",
                                        "::ffff:0:10.0.0.1",
                                        "64:ff9b::169.254.169.254",
                                        "64:ff9b:1::1",
                                        "2002:7f00:1::1",
                                        "2002:a9fe:a9fe::1",
                                        "2001::1",
                                        "2001:db8::1",
                                        NULL};
    check_all(texts, false);
}

static void other_ipv6_is_public(void **state)
{
    (void)state;
    static const char *const texts[] = {"2001:4860:4860::8888", "[2606:4700::1111]", "::ffff:8.8.8.8",
                                        "64:ff9b::8.8.8.8",     "2002:808:808::1",   NULL};
    check_all(texts, true);
}

static void a_name_is_no_address(void **state)
{
    (void)state;
    assert_false(ncr_address_text_is_public("example.com"));
    assert_false(ncr_address_text_is_public(""));
    assert_false(ncr_host_is_private("example.com"));
    assert_false(ncr_host_is_private("localhost.example.com"));
    assert_true(ncr_host_is_private("LocalHost"));
    assert_true(ncr_host_is_private("metadata.google.internal"));
    assert_true(ncr_host_is_private("METADATA.google.internal."));
    assert_true(ncr_host_is_private("metadata"));
    assert_true(ncr_host_is_private("printer.local"));
    assert_true(ncr_host_is_private("router.home.arpa"));
    assert_false(ncr_host_is_private("internal.example.com"));
    assert_false(ncr_host_is_private("8.8.8.8"));
    assert_false(ncr_host_is_private("[2600::1]"));
    assert_true(ncr_host_is_private("localhost."));
    assert_true(ncr_host_is_private("a.localhost"));
    assert_true(ncr_host_is_private("[::ffff:127.0.0.1]"));
    assert_true(ncr_host_is_private("127.1"));
    assert_false(ncr_host_is_private("8.8.8.8"));
}

static void socket_addresses_are_told_as_texts_are(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xa9fea9fe)};
    assert_false(ncr_address_is_public((struct sockaddr *)&v4));
    v4.sin_addr.s_addr = htonl(0x08080808);
    assert_true(ncr_address_is_public((struct sockaddr *)&v4));
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_false(ncr_address_is_public((struct sockaddr *)&v6));
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(ncr_address_is_public((struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_ipv4_is_not_public), cmocka_unit_test(neighbours_of_private_ipv4_are_public),
        cmocka_unit_test(private_ipv6_is_not_public), cmocka_unit_test(other_ipv6_is_public),
        cmocka_unit_test(a_name_is_no_address),       cmocka_unit_test(socket_addresses_are_told_as_texts_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
