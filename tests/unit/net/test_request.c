/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/http.h"
#include "support/call.h"

static void the_three_forms_of_dates_are_read(void **state)
{
    (void)state;
    assert_int_equal(ncr_http_date_ms("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777000);
    assert_int_equal(ncr_http_date_ms("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777000);
    assert_int_equal(ncr_http_date_ms("Sun Nov  6 08:49:37 1994"), 784111777000);
    assert_int_equal(ncr_http_date_ms("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
}

static void nonsense_is_no_date(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "yesterday",
                                        "1994",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 GMT+1",
                                        "Sun, 06 Nox 1994 08:49:37 GMT",
                                        "Sun, 40 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 25:49:37 GMT",
                                        "Sun, 06 Nov 1994 -1:49:37 GMT",
                                        "Sun, 06 Nov 1900 08:49:37 GMT",
                                        NULL};
    for (const char *const *text = texts; *text; text++)
        if (ncr_http_date_ms(*text) != -1)
            fail_msg("'%s' was taken", *text);
}

static void header_values_cannot_smuggle_lines(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = ncr_http_request_new("GET", "http://h/", "NAME", call);
    assert_true(ncr_http_request_header(request, "X-A", "b"));
    assert_false(ncr_http_request_header(request, "X-A", "b\r\nX-C: d"));
    assert_false(ncr_http_request_header(request, "X-A", "b\nX-C: d"));
    assert_false(ncr_http_request_header(request, "X-A\r\n", "b"));
    assert_false(ncr_http_request_header(request, "X-A: b", "c"));
    ncr_http_request_free(request);
    ncr_call_unref(call);
}

static void statuses_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int http;
        nacre_status status;
    } rows[] = {
        {404, NACRE_ERROR_NOT_FOUND},   {410, NACRE_ERROR_NOT_FOUND},   {401, NACRE_ERROR_DENIED},
        {403, NACRE_ERROR_DENIED},      {412, NACRE_ERROR_CHANGED},     {416, NACRE_ERROR_IO},
        {400, NACRE_ERROR_IO},          {408, NACRE_ERROR_UNAVAILABLE}, {429, NACRE_ERROR_UNAVAILABLE},
        {500, NACRE_ERROR_UNAVAILABLE}, {503, NACRE_ERROR_UNAVAILABLE}, {501, NACRE_ERROR_UNAVAILABLE},
    };
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = ncr_http_request_new("GET", "http://h/", "gs://b/k", call);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nacre_error error;
        request->response.status = rows[i].http;
        assert_int_equal(ncr_http_status_error(request, "why\nnot", &error), rows[i].status);
        assert_int_equal(error.status, rows[i].status);
        assert_int_equal(error.http_status, rows[i].http);
        assert_memory_equal(error.message, "gs://b/k: ", 10);
        assert_non_null(strstr(error.message, ": why not"));
    }
    ncr_http_request_free(request);
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_of_dates_are_read),
        cmocka_unit_test(nonsense_is_no_date),
        cmocka_unit_test(header_values_cannot_smuggle_lines),
        cmocka_unit_test(statuses_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
