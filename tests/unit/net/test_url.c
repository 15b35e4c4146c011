/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/url.h"

static void check_place(const char *url, const char *scheme, const char *host, unsigned port)
{
    ncr_url_place place;
    assert_true(ncr_url_place_of(url, &place));
    assert_string_equal(place.scheme, scheme);
    assert_string_equal(place.host, host);
    assert_int_equal(place.port, port);
}

static void places_have_default_ports_and_lower_case(void **state)
{
    (void)state;
    check_place("http://Example.COM/x", "http", "example.com", 80);
    check_place("HTTPS://u:p@h:8443/../x?q", "https", "h", 8443);
    check_place("https://[::1]/", "https", "[::1]", 443);
    ncr_url_place place;
    assert_false(ncr_url_place_of("ftp://h/x", &place));
    assert_false(ncr_url_place_of("file:///etc/passwd", &place));
    assert_false(ncr_url_place_of("nonsense", &place));
    assert_false(ncr_url_place_of("http:/h/x", &place));
    assert_string_equal(place.scheme, "");
}

static void check_endpoint(const char *text, const char *expected, const char *path)
{
    char *url = ncr_url_endpoint(text, "http");
    assert_string_equal(url, expected);
    if (*url)
        assert_string_equal(ncr_url_path(url), path);
    free(url);
}

static void an_endpoint_is_a_server_however_it_is_written(void **state)
{
    (void)state;
    check_endpoint("localhost:9000/", "http://localhost:9000", "");
    check_endpoint(" HTTPS://Example.COM/Path/ ", "https://example.com/Path", "/Path");
    check_endpoint("h", "http://h", "");
    static const char *const none[] = {"",           "http://",   "http:///x",    "http:/h",        "ftp://h",
                                       "http:/h://", "x:/h://",   "http://u:p@h", "http://h/a b",   "h?x=http://h",
                                       "http://h#a", "file:///h", "://",          "http:/h/x://y/z"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        check_endpoint(none[i], "", "");
}

static bool same(const char *a, const char *b)
{
    ncr_url_place x, y;
    ncr_url_place_of(a, &x);
    ncr_url_place_of(b, &y);
    return ncr_url_place_same(&x, &y);
}

static void another_port_or_scheme_is_another_place(void **state)
{
    (void)state;
    assert_true(same("http://a/x", "http://A:80/y"));
    assert_false(same("http://a/", "https://a/"));
    assert_false(same("http://a/", "http://a:81/"));
    assert_false(same("http://a/", "http://b/"));
}

static void check_resolve(const char *base, const char *location, const char *expected)
{
    bool lacks_memory;
    char *url = ncr_url_resolve(base, location, &lacks_memory);
    assert_false(lacks_memory);
    if (expected)
        assert_string_equal(url, expected);
    else
        assert_null(url);
    free(url);
}

static void locations_are_resolved_without_secrets(void **state)
{
    (void)state;
    check_resolve("https://a/b/c?q", "/d", "https://a/d");
    check_resolve("https://a/b/c?q", "d%2Fe", "https://a/b/d%2Fe");
    check_resolve("https://u:p@a/b", "/d", "https://a/d");
    check_resolve("https://a/b", "https://u:p@c/d#e", "https://c/d");
    check_resolve("https://a/b", "//c/d", "https://c/d");
    check_resolve("https://a/b", "https://c/x/../y//z", "https://c/x/../y//z");
}

static void no_proxy_names_hosts_and_domains(void **state)
{
    (void)state;
    assert_true(ncr_url_host_in_list("localhost", "localhost,127.0.0.1"));
    assert_true(ncr_url_host_in_list("127.0.0.1", "localhost, 127.0.0.1"));
    assert_true(ncr_url_host_in_list("a.example.com", ".example.com"));
    assert_true(ncr_url_host_in_list("a.example.com", "example.com"));
    assert_true(ncr_url_host_in_list("anything", "*"));
    assert_false(ncr_url_host_in_list("badexample.com", "example.com"));
    assert_false(ncr_url_host_in_list("example.com", ""));
    assert_false(ncr_url_host_in_list("com", "example.com"));
}

static void no_proxy_names_addresses(void **state)
{
    (void)state;
    assert_true(ncr_url_host_in_list("10.1.2.3", "a.b, 10.0.0.0/8"));
    assert_false(ncr_url_host_in_list("11.1.2.3", "10.0.0.0/8"));
    assert_true(ncr_url_host_in_list("192.168.5.130", "192.168.5.128/25"));
    assert_false(ncr_url_host_in_list("192.168.5.127", "192.168.5.128/25"));
    assert_true(ncr_url_host_in_list("[::1]", "0:0::1"));
    assert_true(ncr_url_host_in_list("[fe80::7]", "fe80::/10"));
    assert_false(ncr_url_host_in_list("10.0.0.1", "10.0.0.0/33"));
    assert_false(ncr_url_host_in_list("10.0.0.1", "10.0.0.0/x,::/0"));
    assert_true(ncr_url_host_in_list("10.0.0.1", "0.0.0.0/0"));
}

static void proxies_come_from_the_environment(void **state)
{
    (void)state;
    ncr_url_place plain, tls;
    ncr_url_place_of("http://h/", &plain);
    ncr_url_place_of("https://h/", &tls);
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    assert_null(ncr_url_proxy(&plain, NULL, NULL));
    setenv("HTTP_PROXY", "http://cgi", 1);
    assert_null(ncr_url_proxy(&plain, NULL, NULL));
    setenv("HTTPS_PROXY", "http://p1", 1);
    assert_string_equal(ncr_url_proxy(&tls, NULL, NULL), "http://p1");
    assert_null(ncr_url_proxy(&plain, NULL, NULL));
    setenv("all_proxy", "http://p2", 1);
    assert_string_equal(ncr_url_proxy(&plain, NULL, NULL), "http://p2");
    setenv("NO_PROXY", "h", 1);
    assert_null(ncr_url_proxy(&plain, NULL, NULL));
    assert_null(ncr_url_proxy(&tls, NULL, NULL));
    assert_null(ncr_url_proxy(&tls, "http://p3", "http://p4"));
    unsetenv("NO_PROXY");
    assert_string_equal(ncr_url_proxy(&plain, "http://p3", "http://p4"), "http://p3");
    assert_string_equal(ncr_url_proxy(&tls, "http://p3", "http://p4"), "http://p4");
    assert_string_equal(ncr_url_proxy(&tls, "http://p3", NULL), "http://p3");
    assert_null(ncr_url_proxy(&tls, "", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_have_default_ports_and_lower_case),
        cmocka_unit_test(an_endpoint_is_a_server_however_it_is_written),
        cmocka_unit_test(another_port_or_scheme_is_another_place),
        cmocka_unit_test(locations_are_resolved_without_secrets),
        cmocka_unit_test(no_proxy_names_hosts_and_domains),
        cmocka_unit_test(no_proxy_names_addresses),
        cmocka_unit_test(proxies_come_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
