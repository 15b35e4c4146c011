/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <arpa/inet.h>
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/spoiled.h"

/* Names, and the addresses they lead to: an internet of this test's own, in which the system's calls of this program
 * know names that nobody else knows, and two public addresses are this machine. Nothing leaves it. */

/* --- The internet. --- */

#define PUBLIC "93.184.216.34" /* is 127.0.0.1 when it is connected */
#define DEAD   "93.184.216.35" /* nobody listens there */

static struct {
    const char *name;
    const char *first, *later; /* what name servers say: addresses with a space between; later NULL: the same */
    int asked;
} names[] = {
    {"public.test", PUBLIC, NULL, 0},
    {"dead.test", DEAD, NULL, 0},
    {"loopback.test", "127.0.0.1", NULL, 0},
    {"loopback6.test", "::1", NULL, 0},
    {"mapped.test", "::ffff:127.0.0.1", NULL, 0},
    {"nat64.test", "64:ff9b::7f00:1", NULL, 0},
    {"zero.test", "0.0.0.0", NULL, 0},
    {"zero6.test", "::", NULL, 0},
    {"private.test", "10.0.0.1 192.168.0.1 172.16.0.1", NULL, 0},
    {"link.test", "fe80::1", NULL, 0},
    {"unique.test", "fd00::1", NULL, 0},
    {"metadata.google.internal", "169.254.169.254", NULL, 0},
    {"instance-data.ec2.internal", "169.254.169.254 fd00:ec2::254", NULL, 0},
    {"mixed.test", "127.0.0.1 " PUBLIC, NULL, 0},
    {"flips.test", DEAD, "127.0.0.1", 0},
    {"returns.test", "127.0.0.1", PUBLIC, 0},
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int connects;                     /* guarded by lock, as the rest */
static char private_connects[128];       /* the first private address that was connected without need */
static bool is_public_descriptor[65536]; /* connected to PUBLIC */

static struct addrinfo *new_address(const char *text, const char *port)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(info + 1);
    struct sockaddr_in *v4 = (struct sockaddr_in *)(info + 1);
    in_port_t number = port ? htons((in_port_t)strtoul(port, NULL, 10)) : 0;
    info->ai_addr = (struct sockaddr *)v6;
    info->ai_socktype = SOCK_STREAM;
    info->ai_protocol = IPPROTO_TCP;
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        info->ai_family = v6->sin6_family = AF_INET6;
        info->ai_addrlen = sizeof *v6;
        v6->sin6_port = number;
    } else {
        assert(inet_pton(AF_INET, text, &v4->sin_addr) == 1);
        info->ai_family = v4->sin_family = AF_INET;
        info->ai_addrlen = sizeof *v4;
        v4->sin_port = number;
    }
    return info;
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict out)
{
    (void)hints;
    char list[128] = "";
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i].name, name) == 0)
            snprintf(list, sizeof list, "%s", names[i].asked++ && names[i].later ? names[i].later : names[i].first);
    pthread_mutex_unlock(&lock);
    struct in_addr spelled; /* as the system's reads "127.1" */
    if (!list[0] && inet_aton(name, &spelled))
        inet_ntop(AF_INET, &spelled, list, sizeof list);
    if (!list[0])
        return EAI_NONAME;
    struct addrinfo **last = out;
    char *rest = list;
    for (char *text; (text = strsep(&rest, " ")); last = &(*last)->ai_next)
        *last = new_address(text, service);
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

static bool is_public_here(const struct sockaddr_in *address)
{
    struct in_addr public_one, dead;
    inet_pton(AF_INET, PUBLIC, &public_one);
    inet_pton(AF_INET, DEAD, &dead);
    return address->sin_family == AF_INET &&
           (address->sin_addr.s_addr == public_one.s_addr || address->sin_addr.s_addr == dead.s_addr);
}

/* Another type than the header's, whose argument is a transparent union in GNU's dialect. */
typedef int connect_function(int fd, const struct sockaddr *address, socklen_t size);

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    connect_function *real = (connect_function *)dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in to;
    memset(&to, 0, sizeof to);
    memcpy(&to, address, size < sizeof to ? size : sizeof to);
    if (to.sin_family != AF_INET && to.sin_family != AF_INET6)
        return real(fd, address, size);
    bool is_public = is_public_here(&to);
    pthread_mutex_lock(&lock);
    connects++;
    is_public_descriptor[fd] = is_public;
    if (!is_public && to.sin_family == AF_INET)
        inet_ntop(AF_INET, &to.sin_addr, private_connects, sizeof private_connects);
    if (!is_public && to.sin_family == AF_INET6)
        snprintf(private_connects, sizeof private_connects, "IPv6");
    pthread_mutex_unlock(&lock);
    if (!is_public)
        return real(fd, address, size);
    char text[INET_ADDRSTRLEN];
    if (strcmp(inet_ntop(AF_INET, &to.sin_addr, text, sizeof text), DEAD) == 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return real(fd, (struct sockaddr *)&to, sizeof to);
}

typedef int getpeername_function(int fd, struct sockaddr *address, socklen_t *size);

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
    getpeername_function *real = (getpeername_function *)dlsym(RTLD_NEXT, "getpeername");
    int result = real(fd, address, size);
    pthread_mutex_lock(&lock);
    bool is_public = is_public_descriptor[fd];
    pthread_mutex_unlock(&lock);
    if (result == 0 && is_public && address->sa_family == AF_INET)
        inet_pton(AF_INET, PUBLIC, &((struct sockaddr_in *)address)->sin_addr);
    return result;
}

/* --- Requests. --- */

static char redirect[256]; /* where "/to" leads */

static void lead_away(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    static char line[300];
    answer->close = true; /* each request has its own connection */
    if (strcmp(request->target, "/to") != 0)
        return;
    snprintf(line, sizeof line, "Location: %s\r\nConnection: close\r\n", redirect);
    *answer = (test_answer){.status = 302, .headers = line, .close = true};
}

static void begin_names(fixture *f)
{
    begin(f, lead_away);
    private_connects[0] = '\0';
    connects = 0;
}

/* Asks a host for "/k" or, where it redirects, "/to"; the error's message stays until the next call. */
static nacre_status ask(fixture *f, const char *host, const char *target, bool public_only, const char *key,
                        nacre_error *err)
{
    char url[300];
    snprintf(url, sizeof url, "http://%s:%u%s", host, f->port, target);
    ncr_call *call = test_call_new(key ? key : "http.retries=0", NULL);
    ncr_http_request *request = ncr_http_request_new("GET", url, "NAME", call);
    request->sink.whole_limit = SIZE;
    request->public_only = public_only;
    request->follow = true;
    nacre_status status = ncr_http_perform(request, err);
    if (status == NACRE_OK)
        assert_memory_equal(request->response.whole.data, f->bytes, SIZE);
    ncr_http_request_free(request);
    ncr_call_unref(call);
    return status;
}

static void a_public_name_is_asked(void **state)
{
    (void)state;
    fixture f;
    begin_names(&f);
    assert_int_equal(ask(&f, "public.test", "/k", true, NULL, NULL), NACRE_OK);
    assert_int_equal(ask(&f, "PUBLIC.test", "/k", false, NULL, NULL), NACRE_OK);
    assert_string_equal(private_connects, "");
    end(&f);
}

static void names_with_private_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"loopback.test",
                                        "loopback6.test",
                                        "mapped.test",
                                        "nat64.test",
                                        "zero.test",
                                        "zero6.test",
                                        "private.test",
                                        "link.test",
                                        "unique.test",
                                        "metadata.google.internal",
                                        "METADATA.google.internal",
                                        "instance-data.ec2.internal"};
    fixture f;
    begin_names(&f);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        nacre_error err;
        if (ask(&f, hosts[i], "/k", true, NULL, &err) != NACRE_ERROR_REFUSED)
            fail_msg("%s: %s", hosts[i], err.message);
        assert_non_null(strstr(err.message, "which a document must not name; see the key sources"));
    }
    assert_int_equal(connects, 0);
    end(&f);
}

static void every_spelling_of_a_private_address_is_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1",
                                        "127.1",
                                        "0177.0.0.1",
                                        "0x7f.0.0.1",
                                        "0x7f000001",
                                        "2130706433",
                                        "017700000001",
                                        "0.0.0.0",
                                        "0",
                                        "[::]",
                                        "[::1]",
                                        "[0:0:0:0:0:0:0:1]",
                                        "[::127.0.0.1]",
                                        "[::ffff:7f00:1]",
                                        "[::ffff:127.0.0.1]",
                                        "[64:ff9b::127.0.0.1]",
                                        "[fe80::1]",
                                        "[fe80::1%25lo]",
                                        "[fd00:ec2::254]",
                                        "169.254.169.254",
                                        "0xa9fea9fe",
                                        "2852039166",
                                        "localhost",
                                        "LOCALHOST",
                                        "localhost.",
                                        "a.localhost",
                                        "10.0.0.1",
                                        "192.168.1.1",
                                        "100.64.0.1",
                                        "224.0.0.1",
                                        "255.255.255.255"};
    fixture f;
    begin_names(&f);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        nacre_error err = {0};
        if (ask(&f, hosts[i], "/k", true, NULL, &err) != NACRE_ERROR_REFUSED)
            fail_msg("%s: %s", hosts[i], err.message);
    }
    assert_int_equal(connects, 0);
    end(&f);
}

static void of_several_addresses_only_public_ones_are_connected(void **state)
{
    (void)state;
    fixture f;
    begin_names(&f);
    assert_int_equal(ask(&f, "mixed.test", "/k", true, NULL, NULL), NACRE_OK);
    assert_string_equal(private_connects, "");
    end(&f);
}

/* The name leads to a public address when it is looked up first, and to this machine when that cannot be connected. */
static void an_answer_that_changes_gains_nothing(void **state)
{
    (void)state;
    fixture f;
    nacre_error err;
    begin_names(&f);
    assert_int_equal(ask(&f, "flips.test", "/k", true, "http.retries=3", &err), NACRE_ERROR_REFUSED);
    assert_string_equal(private_connects, "");
    assert_int_equal(connects, 1);
    /* The other way about: what the user asked for here does not become what a document may. */
    assert_int_equal(ask(&f, "returns.test", "/k", false, NULL, &err), NACRE_OK);
    assert_string_equal(private_connects, "127.0.0.1");
    assert_int_equal(ask(&f, "returns.test", "/k", true, NULL, &err), NACRE_ERROR_REFUSED);
    assert_int_equal(test_server_request_count(f.server), 1);
    end(&f);
}

static void a_server_outside_redirects_to_nobody_inside(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1",
                                        "localhost",
                                        "[::1]",
                                        "loopback.test",
                                        "0x7f.1",
                                        "metadata.google.internal",
                                        "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1"};
    fixture f;
    begin_names(&f);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        for (int public_only = 0; public_only < 2; public_only++) {
            nacre_error err;
            snprintf(redirect, sizeof redirect, "HTTP://%s:%u/k", hosts[i], f.port);
            nacre_status status = ask(&f, "public.test", "/to", public_only, NULL, &err);
            if (i < 6 ? status != NACRE_ERROR_REFUSED : status == NACRE_OK)
                fail_msg("%s: %s", hosts[i], err.message);
            if (i < 6 && !public_only)
                assert_non_null(strstr(err.message, "which a redirect from outside must not name"));
        }
    }
    assert_string_equal(private_connects, "");
    end(&f);
}

static void other_redirects_are_followed(void **state)
{
    (void)state;
    fixture f;
    nacre_error err;
    begin_names(&f);
    snprintf(redirect, sizeof redirect, "http://public.test:%u/k", f.port);
    assert_int_equal(ask(&f, "public.test", "/to", true, NULL, &err), NACRE_OK);
    assert_int_equal(ask(&f, "loopback.test", "/to", false, NULL, &err), NACRE_OK);
    snprintf(redirect, sizeof redirect, "http://127.0.0.1:%u/k", f.port);
    assert_int_equal(ask(&f, "loopback.test", "/to", false, NULL, &err), NACRE_OK);
    assert_int_equal(ask(&f, "public.test", "/to", false, "sources=any", &err), NACRE_OK);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_name_is_asked),
        cmocka_unit_test(names_with_private_addresses_are_refused),
        cmocka_unit_test(every_spelling_of_a_private_address_is_refused),
        cmocka_unit_test(of_several_addresses_only_public_ones_are_connected),
        cmocka_unit_test(an_answer_that_changes_gains_nothing),
        cmocka_unit_test(a_server_outside_redirects_to_nobody_inside),
        cmocka_unit_test(other_redirects_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
