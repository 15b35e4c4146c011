/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/spoiled.h"

/* Bodies that are cut short or are not what was asked for: the right bytes, or one clear error, come of it. */

/* --- Bodies cut short. --- */

static void cut_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
}

static void a_cut_body_is_resumed_under_its_etag(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 0, "if-match", NULL);
    check_header(&f, 1, "range", "bytes=78000-150999");
    check_header(&f, 1, "if-match", "\"v1\"");
    assert_int_equal(call->counters.bytes_received, PART); /* nothing twice */
    ncr_call_unref(call);
    end(&f);
}

static void a_cut_whole_body_is_resumed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200); /* as the first answer said */
    assert_false(request->response.is_range);
    assert_int_equal(request->response.whole.size, SIZE);
    assert_int_equal(request->response.total, SIZE);
    assert_int_equal(request->response.content_length, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    check_header(&f, 1, "range", "bytes=77000-");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void the_callers_precondition_is_kept_on_resuming(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_first);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k?generation=5", 0, 0);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    check_header(&f, 1, "if-match", NULL);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static size_t cut_at;

static void cut_there(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index % 2 == 0) {
        answer->cut_body_after1 = cut_at + 1;
        answer->reset = cut_at % 3 == 0;
    }
}

static void a_body_cut_at_any_byte_is_right(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_there);
    f.object.size = 60;
    ncr_call *call = test_call_new(NULL);
    for (cut_at = 0; cut_at < 60; cut_at++) {
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 60);
        nacre_error error;
        if (ncr_http_perform(request, &error) != NACRE_OK)
            fail_msg("cut at %zu: %s", cut_at, error.message);
        assert_int_equal(request->response.received, 60);
        assert_memory_equal(request->sink.data, f.bytes, 60);
        test_get_free(request);
    }
    ncr_call_unref(call);
    end(&f);
}

static void cut_always(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    answer->cut_body_after1 = 101;
}

static void a_body_that_is_always_cut_ends(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_always);
    ncr_call *call = test_call_new("http.retries=3", NULL);
    nacre_error error = fail_range(&f, call, 0, 1000);
    assert_string_equal(error.message, "NAME: connection broken off after 400 of 1000 bytes (4 attempts)");
    ncr_call_unref(call);
    end(&f);
}

static void cut_each_after_much(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request, (void)object;
    answer->cut_body_after1 = (64 << 10) + 1;
}

static void progress_forgives_cuts(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_each_after_much);
    ncr_call *call = test_call_new("http.retries=1", NULL);
    check_range(&f, call, f.bytes);
    assert_int_equal(call->counters.retries, 2);
    ncr_call_unref(call);
    end(&f);
}

static uint8_t *other_bytes;

static void replace_after_cut(const test_request *request, test_answer *answer, test_object *object)
{
    if (request->index)
        return;
    answer->cut_body_after1 = 77001;
    object->data = other_bytes;
    object->etag = "\"v2\"";
}

static void an_object_replaced_in_between_is_read_anew(void **state)
{
    (void)state;
    fixture f;
    other_bytes = test_bytes(SIZE, 2);
    begin(&f, replace_after_cut);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, other_bytes);
    assert_int_equal(test_server_request_count(f.server), 3); /* cut, 412, the whole range */
    check_header(&f, 2, "if-match", NULL);
    check_header(&f, 2, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
    free(other_bytes);
}

/* Like fake servers that take no notice of preconditions. */
static void replace_and_ignore_precondition(const test_request *request, test_answer *answer, test_object *object)
{
    replace_after_cut(request, answer, object);
    if (request->index == 1) {
        static char headers[128];
        snprintf(headers, sizeof headers, "ETag: \"v2\"\r\nContent-Range: bytes 78000-150999/%d\r\n", SIZE);
        *answer = (test_answer){.status = 206, .headers = headers, .body = other_bytes + 78000, .body_size = 73000};
    }
}

static void a_changed_etag_on_resuming_is_never_mixed(void **state)
{
    (void)state;
    fixture f;
    other_bytes = test_bytes(SIZE, 2);
    begin(&f, replace_and_ignore_precondition);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, other_bytes);
    assert_int_equal(test_server_request_count(f.server), 3);
    ncr_call_unref(call);
    end(&f);
    free(other_bytes);
}

static void cut_without_etag(const test_request *request, test_answer *answer, test_object *object)
{
    object->etag = NULL;
    if (request->index == 0) {
        answer->headers = strstr(answer->headers, "Content-Range");
        answer->cut_body_after1 = 77001;
    }
}

static void without_validator_nothing_is_joined(void **state)
{
    (void)state;
    fixture f;
    begin(&f, cut_without_etag);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 1, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
}

static void grow_total(const test_request *request, test_answer *answer, test_object *object)
{
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
    if (request->index == 1) {
        static char headers[128];
        snprintf(headers, sizeof headers, "ETag: \"v1\"\r\nContent-Range: bytes 78000-150999/%d\r\n", SIZE + 1);
        *answer = (test_answer){.status = 206, .headers = headers, .body = object->data + 78000, .body_size = 73000};
    }
}

static void another_total_on_resuming_is_never_mixed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, grow_total);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 2, "range", "bytes=1000-150999");
    ncr_call_unref(call);
    end(&f);
}

static void vanish_after_cut(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index == 0)
        answer->cut_body_after1 = 77001;
    else
        *answer = (test_answer){.status = 404};
}

static void an_object_gone_in_between_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, vanish_after_cut);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", OFFSET, PART);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 404);
    assert_int_equal(request->response.received, 0);
    check_header(&f, 2, "range", "bytes=1000-150999");
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

/* --- Answers that are wrong. --- */

static const char *range_headers;
static size_t range_size;

static void answer_wrong_range(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 206, .headers = range_headers, .body = object->data, .body_size = range_size};
}

static void check_wrong_range(const char *headers, size_t size)
{
    fixture f;
    range_headers = headers;
    range_size = size;
    begin(&f, answer_wrong_range);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 1000, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "server sent another range"));
    assert_int_equal(test_server_request_count(f.server), 1);
    ncr_call_unref(call);
    end(&f);
}

static void another_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1001-1100/200000\r\n", 100);
    check_wrong_range("Content-Range: bytes 0-99/200000\r\n", 100);
    check_wrong_range("", 100);
}

static void a_longer_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1000-1100/200000\r\n", 101);
    check_wrong_range("Content-Range: bytes 1000-1099/200000\r\n", 101);
}

static void a_shorter_range_is_refused(void **state)
{
    (void)state;
    check_wrong_range("Content-Range: bytes 1000-1050/200000\r\n", 51);
    check_wrong_range("Content-Range: bytes 1000-1099/200000\r\n", 51);
}

static void chunk_too_much(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 206,
                            .headers = "ETag: \"v1\"\r\nContent-Range: bytes 1000-1099/200000\r\n",
                            .body = object->data + 1000,
                            .body_size = 200,
                            .is_chunked = true};
}

static void more_bytes_than_the_range_are_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f, chunk_too_much);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 1000, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    ncr_call_unref(call);
    end(&f);
}

static void chunk_too_little(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    answer->is_chunked = true;
    if (request->index == 0)
        answer->body_size = 500;
}

static void say_too_little_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)object;
    if (request->index != 0)
        return;
    answer->claimed_size = answer->body_size - 20;
    answer->drip_size = 1; /* so that the last byte that counts is the last of its packet */
    answer->drip_ms = 1;
}

/* The rest of a body that is longer than its Content-Length is not the answer to the next request. */
static void what_is_left_of_an_answer_is_no_answer(void **state)
{
    (void)state;
    fixture f;
    begin(&f, say_too_little_first);
    f.object.size = 60;
    ncr_call *call = test_call_new("http.connections=1", NULL);
    for (int i = 0; i < 4; i++) {
        ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
        nacre_error error;
        if (ncr_http_perform(request, &error) != NACRE_OK)
            fail_msg("%d: %s", i, error.message);
        assert_int_equal(request->response.status, 200);
        assert_int_equal(request->response.whole.size, i ? 60 : 40); /* no protocol can tell the first one */
        assert_memory_equal(request->response.whole.data, f.bytes, request->response.whole.size);
        test_get_free(request);
    }
    ncr_call_unref(call);
    end(&f);
}

static void fewer_bytes_than_the_range_are_resumed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, chunk_too_little);
    ncr_call *call = test_call_new(NULL);
    check_range(&f, call, f.bytes);
    check_header(&f, 1, "range", "bytes=1500-150999");
    ncr_call_unref(call);
    end(&f);
}

static void ignore_range(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 200, .body = object->data, .body_size = SIZE};
}

static void a_whole_body_instead_of_a_range_is_told(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ignore_range);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 100);
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.status, 200);
    assert_false(request->response.is_range);
    assert_int_equal(request->response.received, 0);
    assert_int_equal(request->response.total, SIZE);
    assert_memory_equal(request->response.whole.data, f.bytes, SIZE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void a_whole_body_over_the_limit_is_broken_off(void **state)
{
    (void)state;
    fixture f;
    begin(&f, ignore_range);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 100);
    request->sink.whole_limit = SIZE - 1;
    nacre_error error;
    assert_int_equal(ncr_http_perform(request, &error), NACRE_ERROR_TOO_LARGE);
    assert_non_null(strstr(error.message, "limit.whole_read"));
    assert_int_equal(call->counters.bytes_received, 0); /* by its Content-Length */
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void stream_without_length(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    *answer = (test_answer){.status = 200, .body = object->data, .body_size = SIZE, .no_length = true};
}

static void a_body_of_unknown_length_is_limited_too(void **state)
{
    (void)state;
    fixture f;
    begin(&f, stream_without_length);
    ncr_call *call = test_call_new(NULL);
    ncr_http_request *request = test_get_new(call, f.port, "/k", 0, 0);
    request->sink.whole_limit = SIZE;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_OK);
    assert_int_equal(request->response.whole.size, SIZE);
    request->sink.whole_limit = SIZE - 1;
    assert_int_equal(ncr_http_perform(request, NULL), NACRE_ERROR_TOO_LARGE);
    test_get_free(request);
    ncr_call_unref(call);
    end(&f);
}

static void encode(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    object->headers = "Content-Encoding: gzip\r\n";
    test_object_answer(object, request, answer);
}

static void an_encoded_body_is_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f, encode);
    ncr_call *call = test_call_new(NULL);
    nacre_error error = fail_range(&f, call, 0, 100);
    assert_int_equal(error.status, NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "gzip"));
    ncr_call_unref(call);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_body_is_resumed_under_its_etag),
        cmocka_unit_test(a_cut_whole_body_is_resumed),
        cmocka_unit_test(the_callers_precondition_is_kept_on_resuming),
        cmocka_unit_test(a_body_cut_at_any_byte_is_right),
        cmocka_unit_test(a_body_that_is_always_cut_ends),
        cmocka_unit_test(progress_forgives_cuts),
        cmocka_unit_test(an_object_replaced_in_between_is_read_anew),
        cmocka_unit_test(a_changed_etag_on_resuming_is_never_mixed),
        cmocka_unit_test(without_validator_nothing_is_joined),
        cmocka_unit_test(another_total_on_resuming_is_never_mixed),
        cmocka_unit_test(an_object_gone_in_between_is_told),
        cmocka_unit_test(another_range_is_refused),
        cmocka_unit_test(a_longer_range_is_refused),
        cmocka_unit_test(a_shorter_range_is_refused),
        cmocka_unit_test(more_bytes_than_the_range_are_refused),
        cmocka_unit_test(what_is_left_of_an_answer_is_no_answer),
        cmocka_unit_test(fewer_bytes_than_the_range_are_resumed),
        cmocka_unit_test(a_whole_body_instead_of_a_range_is_told),
        cmocka_unit_test(a_whole_body_over_the_limit_is_broken_off),
        cmocka_unit_test(a_body_of_unknown_length_is_limited_too),
        cmocka_unit_test(an_encoded_body_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
