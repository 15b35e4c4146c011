/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "support/http_server.h"
#include "vfs/vfs.h"

/* Listings of stores whose pages never end. */

#define JSON_TYPE "Content-Type: application/json\r\n"

/* What the server says to the nth question, "%1$u" for n and "%2$u" for n % 3. */
typedef struct pages {
    const char *format;
    unsigned most;    /* of such pages and the last one together */
    const char *last; /* without another one behind it */
    char body[512];
} pages;

static void answer_page(void *user, const test_request *request, test_answer *answer)
{
    pages *p = user;
    const char *format = request->index + 1 < p->most ? p->format : p->last;
    int length = snprintf(p->body, sizeof p->body, format, request->index, request->index % 3);
    *answer = (test_answer){.status = 200, .headers = JSON_TYPE, .body = p->body, .body_size = (size_t)length};
}

static bool count_entry(void *user, const nacre_object_info *info)
{
    (void)info;
    ++*(unsigned *)user;
    return true;
}

/* Lists gs://bkt/d/ of a server of such pages; how often it was asked, how many entries were told, and the error. */
static nacre_status list_pages(const char *format, unsigned most, unsigned *asked, unsigned *told, nacre_error *err)
{
    char endpoint[64];
    ncr_object *object;
    pages p = {.format = format, .most = most, .last = "{}"};
    test_server *server = test_server_start(answer_page, &p);
    assert_non_null(server);
    snprintf(endpoint, sizeof endpoint, "gs.endpoint=http://127.0.0.1:%u", test_server_port(server));
    ncr_call *call = test_call_new(endpoint, "gs.no_sign_request=yes", "timeout=60", NULL);
    assert_int_equal(ncr_vfs_resolve("gs://bkt/d/", NULL, call, &object, err), NACRE_OK);
    *told = 0;
    nacre_status status = ncr_vfs_list(object, true, call, count_entry, told, err);
    *asked = test_server_request_count(server);
    ncr_object_unref(object);
    ncr_call_unref(call);
    test_server_stop(server);
    return status;
}

#define ITEM(key) "{\"name\":\"" key "\",\"generation\":\"1\",\"size\":\"2\"}"

static void a_token_that_comes_again_is_an_error(void **state)
{
    (void)state;
    static const char *const formats[] = {
        "{\"items\":[" ITEM("d/k%1$u") "],\"nextPageToken\":\"same\"}",
        "{\"items\":[" ITEM("d/k%1$u") "],\"nextPageToken\":\"turn %2$u\"}",
        "{\"nextPageToken\":\"same\"}",
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        nacre_error err;
        unsigned asked, told;
        assert_int_equal(list_pages(formats[i], 1000, &asked, &told, &err), NACRE_ERROR_CORRUPT);
        assert_string_equal(err.message,
                            "gs://bkt/d/: the listing does not end: the store names a page as the next one "
                            "that was there already");
        assert_in_range(asked, 2, 10);
    }
}

static void a_page_that_comes_again_is_an_error(void **state)
{
    (void)state;
    nacre_error err;
    unsigned asked, told;
    assert_int_equal(
        list_pages("{\"items\":[" ITEM("d/k") "],\"nextPageToken\":\"new %1$u\"}", 1000, &asked, &told, &err),
        NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message, "gs://bkt/d/: the listing does not end: the store gives the same page again");
    assert_int_equal(asked, 2);
}

static void nothing_but_empty_pages_is_an_error(void **state)
{
    (void)state;
    nacre_error err;
    unsigned asked, told;
    assert_int_equal(list_pages("{\"nextPageToken\":\"new %1$u\"}", 5000, &asked, &told, &err), NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message,
                        "gs://bkt/d/: the listing does not end: the store gives empty pages, one after the other");
    assert_int_equal(asked, 1000);
}

static void empty_pages_among_others_are_none(void **state)
{
    (void)state;
    nacre_error err;
    unsigned asked, told;
    if (list_pages("{\"items\":[" ITEM("d/k%1$u") "],\"nextPageToken\":\"new %1$u\"}", 70, &asked, &told, &err) !=
        NACRE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(told, 69);
    assert_int_equal(list_pages("{\"nextPageToken\":\"new %1$u\"}", 900, &asked, &told, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(asked, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_comes_again_is_an_error),
        cmocka_unit_test(a_page_that_comes_again_is_an_error),
        cmocka_unit_test(nothing_but_empty_pages_is_an_error),
        cmocka_unit_test(empty_pages_among_others_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
