/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/script.h"

/* One object at /d/x on a server that does as its script says. */
static void begin(fixture *f, const step *steps)
{
    char location[64];
    snprintf(location, sizeof location, "http://127.0.0.1:%u", fixture_start(f, steps));
    fixture_open(f, test_call_new("http.retries=0", "limit.whole_read=12", NULL), "http", location, false);
    fixture_set_object(f, "", "/d/x?q=%20", "http://host/d/x");
}

static const ncr_version etag_a = {.strong = true, .token = "etag=\"a\""};
static const ncr_version weak_a = {.token = "etag=W/\"a\""};
static const ncr_version sunday = {.strong = true, .token = "modified=Sun, 01 Nov 2020 10:00:00 GMT"};

#define LINE     "GET /d/x?q=%20"
#define HEAD     "HEAD /d/x?q=%20"
#define RANGE    "Content-Range: bytes 0-3/10\r\n"
#define MODIFIED "Last-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\n"
#define OLD      MODIFIED "Date: Sun, 01 Nov 2020 10:00:01 GMT\r\n"
#define YOUNG    MODIFIED "Date: Sun, 01 Nov 2020 10:00:00 GMT\r\n"

static void the_version_is_the_strongest_validator(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *token;
        bool strong;
    } cases[] = {
        {RANGE "ETag: \"a\"\r\n" OLD, "etag=\"a\"", true},
        {RANGE "ETag: W/\"a\"\r\n" OLD, "modified=Sun, 01 Nov 2020 10:00:00 GMT", true},
        {RANGE "ETag: W/\"a\"\r\n" YOUNG, "etag=W/\"a\"", false},
        {RANGE "ETag: unquoted\r\n", "etag=unquoted", false},
        {RANGE OLD, "modified=Sun, 01 Nov 2020 10:00:00 GMT", true},
        {RANGE YOUNG, "modified=Sun, 01 Nov 2020 10:00:00 GMT", false},
        {RANGE MODIFIED, "modified=Sun, 01 Nov 2020 10:00:00 GMT", false}, /* no Date: its age is unknown */
        {RANGE "Last-Modified: yesterday\r\n", "", false},
        {RANGE, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        const step steps[] = {{LINE, "Range: bytes=0-3", 206, cases[i].headers, "abcd"}, {0}};
        begin(&f, steps);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_string_equal(f.get.facts.version.token, cases[i].token);
        assert_int_equal(f.get.facts.version.strong, cases[i].strong);
        assert_int_equal(f.get.facts.size, 10);
        assert_int_equal(f.get.got, 4);
        assert_int_equal(f.get.round, 3);
        assert_memory_equal(f.buffer, "abcd", 4);
        end(&f);
    }
}

static void a_pin_is_sent_as_precondition_and_compared(void **state)
{
    (void)state;
    static const struct {
        const ncr_version *pin;
        const char *sent, *headers;
        nacre_status status;
        const char *message;
    } cases[] = {
        {&etag_a, "If-Match: \"a\"", RANGE "ETag: \"a\"\r\n", NACRE_OK, NULL},
        {&etag_a, "If-Match: \"a\"", RANGE "ETag: \"b\"\r\n", NACRE_ERROR_CHANGED, "etag=\"a\" and is now etag=\"b\""},
        {&etag_a, "If-Match: \"a\"", RANGE "ETag: W/\"a\"\r\n", NACRE_ERROR_CHANGED, "etag=W/\"a\""},
        {&etag_a, "If-Match: \"a\"", RANGE, NACRE_ERROR_CHANGED, "does not say"},
        {&etag_a, "If-Match: \"a\"", RANGE OLD, NACRE_ERROR_CHANGED, "is now modified="},
        {&etag_a, "!Cache-Control", RANGE "ETag: \"a\"\r\n", NACRE_OK, NULL},
        {&weak_a, "!If-Match", RANGE "ETag: W/\"a\"\r\n" OLD, NACRE_OK, NULL},
        {&weak_a, "!If-Match", RANGE "ETag: W/\"b\"\r\n" OLD, NACRE_ERROR_CHANGED, "W/\"b\""},
        {&sunday, "If-Unmodified-Since: Sun, 01 Nov 2020 10:00:00 GMT", RANGE "ETag: \"z\"\r\n" OLD, NACRE_OK, NULL},
        {&sunday, "!If-Match", RANGE "Last-Modified: Sun, 01 Nov 2020 10:00:07 GMT\r\n", NACRE_ERROR_CHANGED,
         "10:00:07"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        const step steps[] = {{LINE, cases[i].sent, 206, cases[i].headers, "abcd"}, {0}};
        begin(&f, steps);
        f.get.match = NCR_MATCH_VERSION;
        f.get.version = cases[i].pin;
        assert_int_equal(run_get(&f.get), cases[i].status);
        if (cases[i].message)
            assert_contains(f.get.error.message, cases[i].message);
        end(&f);
    }
}

static void refused_pins_are_changed(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *message;
    } cases[] = {
        {412, "ETag: \"b\"\r\n", "http://host/d/x: changed: it was opened as etag=\"a\" and is now etag=\"b\""},
        {412, NULL, "does not say"},
        {404, NULL, "no longer there"},
        {410, NULL, "no longer there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        const step steps[] = {{LINE, NULL, cases[i].status, cases[i].headers, "no"}, {0}};
        begin(&f, steps);
        f.get.match = NCR_MATCH_VERSION;
        f.get.version = &etag_a;
        assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED);
        assert_contains(f.get.error.message, cases[i].message);
        end(&f);
    }
}

static void a_proof_is_a_conditional_get_past_caches(void **state)
{
    (void)state;
    static const struct {
        const ncr_version *old;
        const char *sent;
    } cases[] = {{&etag_a, "If-None-Match: \"a\""}, {&sunday, "If-Modified-Since: Sun, 01 Nov 2020 10:00:00 GMT"}};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        const step steps[] = {{LINE, cases[i].sent, 304, NULL, NULL},
                              {LINE, "Cache-Control: no-cache", 206, RANGE "ETag: \"b\"\r\n", "abcd"},
                              {0}};
        begin(&f, steps);
        f.get.match = NCR_MATCH_MODIFIED;
        f.get.version = cases[i].old;
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_true(f.get.not_modified);
        assert_int_equal(f.get.got, 0);
        assert_true(ncr_version_same(&f.get.facts.version, cases[i].old));
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_false(f.get.not_modified);
        assert_int_equal(f.get.got, 4);
        assert_string_equal(f.get.facts.version.token, "etag=\"b\"");
        end(&f);
    }
}

static void a_weak_version_is_never_proven_by_304(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "!If-None-Match", 206, RANGE "ETag: W/\"a\"\r\n", "abcd"}, {0}};
    begin(&f, steps);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &weak_a;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    end(&f);
}

static void a_304_that_names_another_version_is_not_believed(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "If-None-Match: \"a\"", 304, "ETag: \"b\"\r\n", NULL},
                          {LINE, "!If-None-Match", 206, RANGE "ETag: \"b\"\r\n", "abcd"},
                          {0}};
    begin(&f, steps);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &etag_a;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    assert_string_equal(f.get.facts.version.token, "etag=\"b\"");
    assert_int_equal(f.get.round, 4);
    end(&f);
}

static void a_server_without_ranges_gives_the_whole(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "Range: bytes=2-5", 200, "ETag: \"a\"\r\n", "0123456789"},
                          {LINE, "Range: bytes=2-5", 200, "ETag: \"a\"\r\n", "0123456789abc"},
                          {0}};
    begin(&f, steps);
    f.get.offset = 2;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.whole_size, 10);
    assert_memory_equal(f.get.whole, "0123456789", 10);
    free(f.get.whole);
    f.get.whole = NULL;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_TOO_LARGE);
    assert_contains(f.get.error.message, "limit.whole_read");
    end(&f);
}

static void the_whole_is_asked_for_without_range(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {LINE, "!Range", 200, "ETag: \"a\"\r\n", "0123456789"}, {LINE, "!Range", 200, "ETag: \"e\"\r\n", ""}, {0}};
    begin(&f, steps);
    assert_text(f.object, f.call, "0123456789");
    assert_text(f.object, f.call, "");
    end(&f);
}

static void beyond_the_end_there_is_nothing(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {LINE, "Range: bytes=10-13", 416, "ETag: \"a\"\r\nContent-Range: bytes */10\r\n", "no"},
        {LINE, "Range: bytes=0-3", 416, "ETag: \"e\"\r\nContent-Range: bytes */0\r\n", "no"},
        {LINE, "Range: bytes=8-11", 416, "Content-Range: bytes */4\r\n", "no"}, /* without validator: asked by HEAD */
        {HEAD, "!Range", 200, "ETag: \"h\"\r\n", "0123"},
        {LINE, "Range: bytes=3-6", 416, "ETag: \"a\"\r\nContent-Range: bytes */10\r\n", "no"},
        {0}};
    begin(&f, steps);
    f.get.offset = 10;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.facts.size, 10);
    f.get.offset = 0;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.facts.size, 0);
    assert_string_equal(f.get.facts.version.token, "etag=\"e\"");
    f.get.offset = 8;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.facts.size, 4);
    assert_int_equal(f.get.round, 4);
    assert_string_equal(f.get.facts.version.token, "etag=\"h\"");
    f.get.offset = 3;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_IO);
    end(&f);
}

static void a_pinned_read_beyond_the_end_compares_too(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "If-Match: \"a\"", 416, "ETag: \"b\"\r\nContent-Range: bytes */2\r\n", "no"},
                          {LINE, "If-Match: \"a\"", 416, "Content-Range: bytes */2\r\n", "no"},
                          {HEAD, NULL, 200, "ETag: \"c\"\r\n", "01"},
                          {0}};
    begin(&f, steps);
    f.get.offset = 4;
    f.get.match = NCR_MATCH_VERSION;
    f.get.version = &etag_a;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED);
    assert_contains(f.get.error.message, "is now etag=\"b\"");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED);
    assert_contains(f.get.error.message, "is now etag=\"c\"");
    end(&f);
}

static void the_end_of_the_object_cuts_a_range(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "Range: bytes=8-11", 206, "ETag: \"a\"\r\nContent-Range: bytes 8-9/10\r\n", "89"},
                          {LINE, "Range: bytes=8-11", 206, "ETag: \"a\"\r\nContent-Range: bytes 8-9/20\r\n", "89"},
                          {LINE, "Range: bytes=8-11", 206, "ETag: \"a\"\r\nContent-Range: bytes 6-9/20\r\n", "6789"},
                          {LINE, "Range: bytes=8-11", 206, "ETag: \"a\"\r\nContent-Range: bytes 8-11/*\r\n", "8901"},
                          {LINE, "Range: bytes=8-8", 206, "ETag: \"a\"\r\nContent-Range: bytes 8-8/20\r\n", "8"},
                          {0}};
    begin(&f, steps);
    f.get.offset = 8;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 2);
    assert_memory_equal(f.buffer, "89", 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_get(&f.get), NACRE_ERROR_CORRUPT);
        assert_contains(f.get.error.message, "http://host/d/x: ");
    }
    f.get.length = 0; /* no bytes: facts only */
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.facts.size, 20);
    end(&f);
}

static void stat_asks_by_head(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {HEAD, "Cache-Control: no-cache", 200, "ETag: \"a\"\r\nContent-Type: image/tiff\r\n" OLD, "0123456789"},
        {HEAD, NULL, 404, NULL, NULL},
        {0}};
    begin(&f, steps);
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_int_equal(op.facts.size, 10);
    assert_string_equal(op.facts.version.token, "etag=\"a\"");
    assert_string_equal(op.facts.content_type, "image/tiff");
    assert_int_equal(op.facts.modified_ms, INT64_C(1604224800000));
    assert_int_equal(op.round, 1);
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_contains(op.error.message, "http://host/d/x: not found (404)");
    end(&f);
}

static void stat_reads_a_byte_where_head_is_refused(void **state)
{
    (void)state;
    static const int refusals[] = {403, 405, 501};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        const step steps[] = {{HEAD, NULL, refusals[i], NULL, NULL},
                              {LINE, "Range: bytes=0-0", 206, "ETag: \"a\"\r\nContent-Range: bytes 0-0/10\r\n", "0"},
                              {HEAD, NULL, refusals[i], NULL, NULL},
                              {LINE, "Range: bytes=0-0", 200, "ETag: \"b\"\r\n", "0123"},
                              {HEAD, NULL, refusals[i], NULL, NULL},
                              {LINE, "Range: bytes=0-0", 416, "ETag: \"c\"\r\nContent-Range: bytes */0\r\n", ""},
                              {HEAD, NULL, refusals[i], NULL, NULL},
                              {LINE, "Range: bytes=0-0", 403, NULL, "no"},
                              {0}};
        begin(&f, steps);
        static const uint64_t sizes[] = {10, 4, 0};
        static const char *const tokens[] = {"etag=\"a\"", "etag=\"b\"", "etag=\"c\""};
        for (int k = 0; k < 3; k++) {
            ncr_stat_op op = {.object = f.object, .call = f.call};
            assert_int_equal(run_stat(&op), NACRE_OK);
            assert_int_equal(op.facts.size, sizes[k]);
            assert_string_equal(op.facts.version.token, tokens[k]);
            assert_int_equal(op.round, 2);
        }
        ncr_stat_op op = {.object = f.object, .call = f.call};
        assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
        end(&f);
    }
}

static void redirects_are_followed(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, NULL, 302, "Location: /other\r\n", NULL},
                          {"GET /other", "Range: bytes=0-3", 206, RANGE "ETag: \"a\"\r\n", "abcd"},
                          {0}};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_memory_equal(f.buffer, "abcd", 4);
    end(&f);
}

static void http_is_not_listed_nor_written(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{0}};
    begin(&f, steps);
    ncr_list_op op = {.object = f.object, .call = f.call};
    nacre_error err;
    ncr_upload *upload;
    assert_int_equal(run_list(&op), NACRE_ERROR_UNSUPPORTED);
    assert_string_equal(op.error.message, "http://host/d/x: HTTP has no listings");
    assert_int_equal(put_text(f.object, f.call, "x", NULL, NULL, &err), NACRE_ERROR_UNSUPPORTED);
    assert_string_equal(err.message, "http://host/d/x: HTTP servers are only read, not written");
    assert_int_equal(remove_object(f.object, f.call, NULL, &err), NACRE_ERROR_UNSUPPORTED);
    assert_int_equal(f.store->class->upload_begin(f.object, f.call, NULL, NULL, &upload, &err),
                     NACRE_ERROR_UNSUPPORTED);
    assert_null(upload);
    end(&f);
}

static void private_addresses_are_refused_to_documents(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{0}};
    begin(&f, steps);
    f.object->public_only = true;
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_get(&f.get), NACRE_ERROR_REFUSED);
    assert_int_equal(run_stat(&op), NACRE_ERROR_REFUSED);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_the_strongest_validator),
        cmocka_unit_test(a_pin_is_sent_as_precondition_and_compared),
        cmocka_unit_test(refused_pins_are_changed),
        cmocka_unit_test(a_proof_is_a_conditional_get_past_caches),
        cmocka_unit_test(a_weak_version_is_never_proven_by_304),
        cmocka_unit_test(a_304_that_names_another_version_is_not_believed),
        cmocka_unit_test(a_server_without_ranges_gives_the_whole),
        cmocka_unit_test(the_whole_is_asked_for_without_range),
        cmocka_unit_test(beyond_the_end_there_is_nothing),
        cmocka_unit_test(a_pinned_read_beyond_the_end_compares_too),
        cmocka_unit_test(the_end_of_the_object_cuts_a_range),
        cmocka_unit_test(stat_asks_by_head),
        cmocka_unit_test(stat_reads_a_byte_where_head_is_refused),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(http_is_not_listed_nor_written),
        cmocka_unit_test(private_addresses_are_refused_to_documents),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
