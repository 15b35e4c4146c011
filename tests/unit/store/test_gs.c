/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs_fixture.h"

#include "store/gs/gs.h"

static void begin_at(fixture *f, const step *steps, const char *token, const char *endpoint_format, bool anonymous)
{
    char url[80], endpoint[96];
    snprintf(url, sizeof url, endpoint_format, fixture_start(f, steps));
    snprintf(endpoint, sizeof endpoint, "gs.endpoint=%s", url);
    gs_open(f, test_call_new("http.retries=0", "limit.whole_read=12", endpoint, token, NULL), anonymous);
}

static void begin(fixture *f, const step *steps)
{
    begin_at(f, steps, NULL, "http://127.0.0.1:%u", false);
}

static void begin_with_token(fixture *f, const step *steps)
{
    begin_at(f, steps, "gs.access_token=secret", "http://127.0.0.1:%u", false);
}

#define MEDIA "GET " PATH "?alt=media"
#define RANGE "Content-Range: bytes 0-3/10\r\n"
#define IS(n) RANGE "X-Goog-Generation: " n "\r\n"
#define FACTS(n) \
    "{\"name\":\"d/a b.tif\",\"generation\":\"" n "\",\"size\":\"10\",\"updated\":\"2020-11-01T10:00:00.5Z\"}"
#define JSON "Content-Type: application/json\r\n"

static void an_anonymous_open_asks_for_metadata_beside_the_bytes(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {MEDIA, "Range: bytes=0-3", 206, IS("7"), "abcd"}, {METADATA, "!Authorization", 200, JSON, FACTS("7")}, {0}};
    begin(&f, steps);
    assert_string_equal(f.store->credentials, "anonymous");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 4);
    assert_memory_equal(f.buffer, "abcd", 4);
    assert_string_equal(f.get.facts.version.token, "generation=7");
    assert_true(f.get.facts.version.strong);
    assert_int_equal(f.get.facts.size, 10);
    assert_int_equal(f.get.facts.modified_ms, INT64_C(1604224800500));
    assert_int_equal(f.get.round, 3); /* both requests are of one round */
    end(&f);
}

static void stale_public_bytes_are_read_again_pinned(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
    } stale[] = {
        {206, IS("6"), "olds"},
        {404, NULL, "No such object"}, /* the cache remembers that there was none */
        {416, "Content-Range: bytes */0\r\nX-Goog-Generation: 6\r\n", "no"},
    };
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        const step steps[] = {{MEDIA, NULL, stale[i].status, stale[i].headers, stale[i].body},
                              {METADATA, NULL, 200, JSON, FACTS("7")},
                              {MEDIA "&generation=7", "Range: bytes=0-3", 206, IS("7"), "news"},
                              {0}};
        begin(&f, steps);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_memory_equal(f.buffer, "news", 4);
        assert_string_equal(f.get.facts.version.token, "generation=7");
        assert_int_equal(f.get.round, 4);
        end(&f);
    }
}

static void deleted_public_objects_are_not_found_though_a_cache_has_them(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, NULL, 206, IS("6"), "olds"}, {METADATA, NULL, 404, JSON, "{}"}, {0}};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(f.get.error.message, "gs://bkt/d/a b.tif: not found (404): the bucket 'bkt' has no object of "
                                             "this key; list it to see those there are");
    end(&f);
}

static void an_object_that_changes_between_the_two_is_read_from_the_beginning(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, NULL, 206, IS("6"), "abcd"},
                          {METADATA, NULL, 200, JSON, FACTS("7")},
                          {MEDIA "&generation=7", NULL, 404, NULL, "gone"},
                          {MEDIA, NULL, 206, IS("8"), "efgh"},
                          {METADATA, NULL, 200, JSON, FACTS("8")},
                          {0}};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_memory_equal(f.buffer, "efgh", 4);
    assert_string_equal(f.get.facts.version.token, "generation=8");
    assert_int_equal(f.get.round, 5);
    end(&f);
}

#define OVERWRITTEN                                                                        \
    {MEDIA, NULL, 206, IS("3"), "abcd"}, {METADATA, NULL, 200, JSON, FACTS("4")},          \
    {                                                                                      \
        MEDIA "&generation=4", NULL, 206, IS("5"), "abcd" /* the server ignores the pin */ \
    }

static void an_object_that_never_rests_is_given_up(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, NULL, 206, IS("1"), "abcd"},
                          {METADATA, NULL, 200, JSON, FACTS("2")},
                          {MEDIA "&generation=2", NULL, 404, NULL, "gone"},
                          OVERWRITTEN,
                          OVERWRITTEN,
                          OVERWRITTEN,
                          OVERWRITTEN,
                          OVERWRITTEN,
                          OVERWRITTEN,
                          OVERWRITTEN,
                          {0}};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_UNAVAILABLE);
    assert_non_null(strstr(f.get.error.message, "overwritten 8 times"));
    end(&f);
}

static void an_endpoint_of_the_users_may_be_private(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, NULL, 206, IS("7"), "abcd"}, {METADATA, NULL, 200, JSON, FACTS("7")}, {0}};
    begin(&f, steps);
    f.object->public_only = true;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void with_a_token_one_request_is_enough(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, "Authorization: Bearer secret", 206, IS("7"), "abcd"}, {0}};
    begin_with_token(&f, steps);
    assert_null(strstr(f.store->credentials, "secret"));
    assert_string_not_equal(f.store->credentials, "anonymous");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_string_equal(f.get.facts.version.token, "generation=7");
    end(&f);
}

static void who_pays_is_told(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA "&userProject=me", NULL, 206, IS("7"), "abcd"}, {0}};
    setenv("NACRE_GS_ACCESS_TOKEN", "t", 1);
    begin_at(&f, steps, "gs.billing_project=me", "http://127.0.0.1:%u", false);
    unsetenv("NACRE_GS_ACCESS_TOKEN");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void a_pinned_read_names_its_generation_and_compares(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        nacre_status expected;
        const char *message;
    } cases[] = {
        {206, IS("7"), NACRE_OK, NULL},
        {206, IS("8"), NACRE_ERROR_CHANGED, "opened as generation=7 and is now generation=8"},
        {206, RANGE, NACRE_ERROR_CHANGED, "does not say"},
        {206, RANGE "ETag: \"x\"\r\n", NACRE_ERROR_CHANGED, "does not say"},
        {404, NULL, NACRE_ERROR_CHANGED, "generation=7, which is no longer there"},
        {412, NULL, NACRE_ERROR_CHANGED, "opened as generation=7"},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        size_t k = i / 2;
        const step steps[] = {{MEDIA "&generation=7", "Range: bytes=0-3", cases[k].status, cases[k].headers, "abcd"},
                              {0}};
        if (i % 2)
            begin(&f, steps);
        else
            begin_with_token(&f, steps);
        f.get.match = NCR_MATCH_VERSION;
        f.get.version = &seven;
        assert_int_equal(run_get(&f.get), cases[k].expected);
        if (cases[k].message)
            assert_contains(f.get.error.message, cases[k].message);
        end(&f);
    }
}

static void a_proof_with_a_token_is_one_conditional_read(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA "&ifGenerationNotMatch=7", NULL, 304, NULL, NULL},
                          {MEDIA "&ifGenerationNotMatch=7", NULL, 206, IS("8"), "abcd"},
                          {MEDIA "&ifGenerationNotMatch=7", NULL, 206, IS("7"), "abcd"}, /* condition ignored */
                          {MEDIA "&ifGenerationNotMatch=7", NULL, 304, "X-Goog-Generation: 8\r\n", NULL},
                          {MEDIA, NULL, 206, IS("8"), "abcd"}, /* after a 304 that contradicts itself */
                          {0}};
    begin_with_token(&f, steps);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &seven;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_true(f.get.not_modified);
    assert_true(ncr_version_same(&f.get.facts.version, &seven));
    static const char *const tokens[] = {"generation=8", "generation=7", "generation=8"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_false(f.get.not_modified);
        assert_int_equal(f.get.got, 4);
        assert_string_equal(f.get.facts.version.token, tokens[i]);
    }
    end(&f);
}

static void an_anonymous_proof_asks_the_metadata(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"GET " PATH "?ifGenerationNotMatch=7&" FIELDS, NULL, 304, NULL, NULL},
                          {"GET " PATH "?ifGenerationNotMatch=7&" FIELDS, NULL, 200, JSON, FACTS("7")},
                          {"GET " PATH "?ifGenerationNotMatch=7&" FIELDS, NULL, 200, JSON, FACTS("8")},
                          {MEDIA "&generation=8", "Range: bytes=0-3", 206, IS("8"), "abcd"},
                          {"GET " PATH "?ifGenerationNotMatch=7&" FIELDS, NULL, 404, JSON, "{}"},
                          {0}};
    begin(&f, steps);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &seven;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_true(f.get.not_modified);
        assert_int_equal(f.get.round, 3);
    }
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    assert_int_equal(f.get.got, 4);
    assert_int_equal(f.get.round, 4);
    assert_string_equal(f.get.facts.version.token, "generation=8");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    end(&f);
}

static void empty_objects_are_described_by_their_metadata(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MEDIA, NULL, 416, NULL, "no"},
                          {METADATA, NULL, 200, JSON, "{\"generation\":\"7\",\"size\":\"0\",\"contentType\":\"a/b\"}"},
                          {MEDIA, NULL, 416, "Content-Range: bytes */0\r\nX-Goog-Generation: 7\r\n", "no"},
                          {MEDIA "&generation=7", NULL, 416, NULL, "no"},
                          {"GET " PATH "?generation=7&" FIELDS, NULL, 404, JSON, "{}"},
                          {0}};
    begin_with_token(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.facts.size, 0);
    assert_string_equal(f.get.facts.version.token, "generation=7");
    assert_string_equal(f.get.facts.content_type, "a/b");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(f.get.facts.size, 0);
    assert_string_equal(f.get.facts.version.token, "generation=7");
    assert_int_equal(f.get.round, 3);
    f.get.match = NCR_MATCH_VERSION;
    f.get.version = &seven;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED);
    end(&f);
}

static void whole_objects_are_checked_against_their_checksum(void **state)
{
    (void)state;
    fixture f;
    const char right[] = "X-Goog-Generation: 7\r\nX-Goog-Hash: crc32c=yZRlqg==\r\nX-Goog-Hash: md5=x\r\n";
    const char wrong[] = "X-Goog-Generation: 7\r\nX-Goog-Hash: md5=x,crc32c=AAAAAA==\r\n";
    const char coded[] = "X-Goog-Generation: 7\r\nX-Goog-Hash: crc32c=AAAAAA==\r\n"
                         "X-Goog-Stored-Content-Encoding: gzip\r\n";
    const step steps[] = {{MEDIA, "!Range", 200, right, "hello world"},
                          {MEDIA, "!Range", 200, wrong, "hello world"},
                          {MEDIA, "!Range", 200, coded, "hello world"},
                          {MEDIA, "Range: bytes=0-3", 206, IS("7") "X-Goog-Hash: crc32c=AAAAAA==\r\n", "abcd"},
                          {0}};
    begin_with_token(&f, steps);
    assert_text(f.object, f.call, "hello world");
    ncr_get whole = {.object = f.object, .call = f.call, .length = SIZE_MAX};
    assert_int_equal(run_get(&whole), NACRE_ERROR_CORRUPT);
    assert_contains(whole.error.message, "checksum crc32c=yZRlqg==, and the store says crc32c=AAAAAA==");
    assert_text(f.object, f.call, "hello world");
    assert_int_equal(run_get(&f.get), NACRE_OK); /* a part has none to compare with */
    assert_string_equal(f.get.facts.checksum, "crc32c=AAAAAA==");
    end(&f);
}

static void a_coding_is_the_objects_own_where_the_store_says_so(void **state)
{
    (void)state;
    fixture f;
    const char own[] = IS("7") "Content-Encoding: gzip\r\nX-Goog-Stored-Content-Encoding: gzip\r\n";
    const char others[] = IS("7") "Content-Encoding: gzip\r\nX-Goog-Stored-Content-Encoding: identity\r\n";
    const step steps[] = {{MEDIA, "Range: bytes=0-3", 206, own, "abcd"},
                          {MEDIA, "Range: bytes=0-3", 206, others, "abcd"},
                          {MEDIA, "Range: bytes=0-3", 206, IS("7") "Content-Encoding: gzip\r\n", "abcd"},
                          {0}};
    begin_with_token(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_get(&f.get), NACRE_ERROR_CORRUPT);
        assert_contains(f.get.error.message, "server sent a body encoded with gzip");
    }
    end(&f);
}

static void stat_reads_the_metadata(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {METADATA, NULL, 200, JSON, FACTS("7")},
        {METADATA, NULL, 404, JSON, "{\"error\":{\"message\":\"No such object: bkt/d/a b.tif\"}}"},
        {METADATA, NULL, 404, JSON, "{\"error\":{\"message\":\"The specified bucket does not exist.\"}}"},
        {METADATA, NULL, 200, JSON, "{\"generation\":\"7\"}"},
        {METADATA, NULL, 200, JSON, "<html>"},
        {METADATA, NULL, 200, JSON, "{\"generation\":\"x\",\"size\":\"1\"}"},
        {0}};
    begin(&f, steps);
    ncr_stat_op op = {.object = f.object, .call = f.call, .needed_round = 1};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_string_equal(op.facts.version.token, "generation=7");
    assert_int_equal(op.facts.size, 10);
    assert_int_equal(op.round, 2);
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(op.error.message, "gs://bkt/d/a b.tif: not found (404): the bucket 'bkt' has no object of this "
                                          "key; list it to see those there are");
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(op.error.message, "gs://bkt/d/a b.tif: not found (404): there is no bucket 'bkt'");
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_stat(&op), NACRE_ERROR_CORRUPT);
    end(&f);
}

static void denials_say_what_was_looked_for(void **state)
{
    (void)state;
    fixture f;
    static const step once[] = {{METADATA, NULL, 403, JSON, "{\"error\":{\"message\":\"no access\"}}"}, {0}};
    static const step expired[] = {{METADATA, NULL, 401, JSON, "{\"error\":{\"message\":\"expired\"}}"}, {0}};
    ncr_stat_op op = {0};
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");

    begin(&f, once);
    op = (ncr_stat_op){.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    assert_int_equal(op.error.http_status, 403);
    assert_string_equal(
        op.error.message,
        "gs://bkt/d/a b.tif: denied (403): no Google credentials found (looked in gs.hmac_access_id, "
        "GS_ACCESS_KEY_ID, gs.access_token, GOOGLE_OAUTH_ACCESS_TOKEN, CLOUDSDK_AUTH_ACCESS_TOKEN, gs.credentials, "
        "GOOGLE_APPLICATION_CREDENTIALS; "
        "for a configured endpoint neither gcloud's file nor the metadata server is used); for public data use "
        "--no-sign-request");
    end(&f);

    setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "secret", 1);
    begin(&f, expired);
    op = (ncr_stat_op){.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    assert_string_equal(op.error.message, "gs://bkt/d/a b.tif: denied (401): the access token from "
                                          "GOOGLE_OAUTH_ACCESS_TOKEN was refused: expired");
    end(&f);

    begin_at(&f, once, "gs.no_sign_request=yes", "http://127.0.0.1:%u", false);
    op = (ncr_stat_op){.object = f.object, .call = f.call};
    assert_string_equal(f.store->credentials, "anonymous");
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    assert_contains(op.error.message, "gs.no_sign_request says to ask without credentials");
    end(&f);

    begin_at(&f, once, NULL, "http://127.0.0.1:%u", true);
    op = (ncr_stat_op){.object = f.object, .call = f.call};
    assert_string_equal(f.store->credentials, "anonymous");
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    assert_contains(op.error.message, "what a document names in another place");
    end(&f);
    unsetenv("GOOGLE_OAUTH_ACCESS_TOKEN");
}

static void endpoints_are_taken_in_every_spelling(void **state)
{
    (void)state;
    static const char *const formats[] = {"127.0.0.1:%u", "http://127.0.0.1:%u/", "HTTP://127.0.0.1:%u//",
                                          "127.0.0.1:%u/storage/v1", "http://127.0.0.1:%u/storage/v1/"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        fixture f;
        const step steps[] = {{METADATA, NULL, 200, JSON, FACTS("7")}, {0}};
        begin_at(&f, steps, NULL, formats[i], false);
        ncr_stat_op op = {.object = f.object, .call = f.call};
        assert_int_equal(run_stat(&op), NACRE_OK);
        char id[64];
        snprintf(id, sizeof id, "gs:http://127.0.0.1:%u", test_server_port(f.script.server));
        assert_string_equal(f.store->id, id);
        end(&f);
    }
    ncr_call *call = test_call_new(NULL);
    ncr_store *store = open_store("gs", NULL, false, call);
    assert_string_equal(store->id, "gs:https://storage.googleapis.com");
    ncr_store_unref(store);
    ncr_call_unref(call);
}

static void a_page_is_listed_in_byte_order(void **state)
{
    (void)state;
#define LIST_FIELDS \
    "fields=nextPageToken%2Cprefixes%2Citems%28name%2Cgeneration%2Csize%2Cupdated%2CcontentType%2Ccrc32c%29"
#define ITEM(n) "{\"name\":\"" n "\",\"generation\":\"1\",\"size\":\"2\"}"
    fixture f;
    const step steps[] = {
        {"GET /storage/v1/b/bkt/o?prefix=d%2F&delimiter=%2F&maxResults=3&" LIST_FIELDS, NULL, 200, JSON,
         "{\"items\":[" ITEM("d/a.x") "," ITEM("d/b") "],\"prefixes\":[\"d/a/\"],\"nextPageToken\":\"p/2\"}"},
        {"GET /storage/v1/b/bkt/o?prefix=d%2F&delimiter=%2F&maxResults=3&pageToken=p%2F2&" LIST_FIELDS, NULL, 200, JSON,
         "{\"items\":[" ITEM("d/c") "]}"},
        {"GET /storage/v1/b/bkt/o?prefix=d%2F&" LIST_FIELDS, NULL, 200, JSON, "{}"},
        {"GET /storage/v1/b/bkt/o?prefix=d%2F&" LIST_FIELDS, NULL, 404, JSON,
         "{\"error\":{\"message\":\"The specified bucket does not exist.\"}}"},
        {"GET /storage/v1/b/bkt/o?prefix=d%2F&" LIST_FIELDS, NULL, 200, JSON, "{\"items\":[{\"name\":\"x\"}]}"},
        {0}};
    begin(&f, steps);
    ncr_object *prefix = ncr_object_new(f.store, "bkt", "d/", "gs://bkt/d/", false);
    char *keys = list_keys(prefix, f.call, false, 3);
    assert_string_equal(keys, "d/a.x d/a/ d/b d/c ");
    free(keys);
    keys = list_keys(prefix, f.call, true, 0);
    assert_string_equal(keys, "");
    free(keys);
    ncr_list_op op = {.object = prefix, .call = f.call, .recursive = true};
    assert_int_equal(run_list(&op), NACRE_ERROR_NOT_FOUND);
    assert_contains(op.error.message, "there is no bucket 'bkt'");
    assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
    assert_null(op.entries);
    ncr_object_unref(prefix);
    end(&f);
}

static void listings_that_make_no_sense_are_corrupt(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "[]",
        "null",
        "\"items\"",
        "<ListBucketResult></ListBucketResult>",
        "{\"items\":[" ITEM("d/a"),
        "{\"items\":[" ITEM("d/a") "],\"nextPageToken\":\"half",
        "{\"items\":[" ITEM("d/a") "]}{}",
        "{\"error\":{\"code\":500,\"message\":\"not now\"}}",
        "{\"items\":{\"name\":\"d/a\"}}",
        "{\"items\":\"d/a\"}",
        "{\"items\":[\"d/a\"]}",
        "{\"items\":[null]}",
        "{\"items\":[" ITEM("d/a") ",{}]}",
        "{\"items\":[{\"generation\":\"1\",\"size\":\"2\"}]}",
        "{\"items\":[{\"name\":7,\"generation\":\"1\",\"size\":\"2\"}]}",
        "{\"items\":[{\"name\":\"d/a\",\"size\":\"2\"}]}",
        "{\"items\":[{\"name\":\"d/a\",\"generation\":\"new\",\"size\":\"2\"}]}",
        "{\"items\":[{\"name\":\"d/a\",\"generation\":\"1\"}]}",
        "{\"items\":[{\"name\":\"d/a\",\"generation\":\"1\",\"size\":\"-2\"}]}",
        "{\"items\":[{\"name\":\"d/a\",\"generation\":\"1\",\"size\":\"99999999999999999999\"}]}",
        "{\"items\":[{\"name\":\"d/a\\u0000b\",\"generation\":\"1\",\"size\":\"2\"}]}",
        "{\"items\":[{\"name\":\"d/\xff\",\"generation\":\"1\",\"size\":\"2\"}]}",
        "{\"prefixes\":{\"d/a/\":1}}",
        "{\"prefixes\":[\"d/a/\",7]}",
        "{\"prefixes\":[\"\"]}",
        "{\"items\":[" ITEM("d/a") "],\"nextPageToken\":7}",
        "{\"items\":[" ITEM("d/a") "],\"nextPageToken\":[\"a\"]}",
    };
    enum { COUNT = sizeof bodies / sizeof bodies[0] };
    fixture f;
    step steps[COUNT + 1] = {0};
    for (int i = 0; i < COUNT; i++)
        steps[i] = (step){"GET /storage/v1/b/bkt/o?prefix=d%2Fa%20b.tif&" LIST_FIELDS, NULL, 200, JSON, bodies[i]};
    begin(&f, steps);
    for (int i = 0; i < COUNT; i++) {
        ncr_list_op op = {.object = f.object, .call = f.call, .recursive = true};
        if (run_list(&op) != NACRE_ERROR_CORRUPT)
            fail_msg("%s: %d", bodies[i], op.status);
        assert_contains(op.error.message, "gs://bkt/d/a b.tif: the store's answer is not understood: ");
        assert_int_equal(op.entry_count, 0);
        assert_null(op.next_page);
    }
    end(&f);
}

static void a_bucket_alone_is_no_object(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{0}};
    begin(&f, steps);
    ncr_object *bucket = ncr_object_new(f.store, "bkt", "", "gs://bkt", false);
    ncr_stat_op op = {.object = bucket, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(op.error.message, "gs://bkt: is a bucket, not an object");
    f.get.object = bucket;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(put_text(bucket, f.call, "x", NULL, NULL, NULL), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(remove_object(bucket, f.call, NULL, NULL), NACRE_ERROR_NOT_FOUND);
    ncr_object_unref(bucket);
    end(&f);
}

static void checksums_are_those_of_the_standard(void **state)
{
    (void)state;
    char text[NCR_CRC32C_TEXT];
    uint8_t bytes[32];
    assert_int_equal(ncr_crc32c(0, "123456789", 9), 0xe3069283); /* RFC 3720, B.4, and the catalogue's check value */
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(ncr_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ncr_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    assert_int_equal(ncr_crc32c(ncr_crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
    ncr_crc32c_text(0xc99465aa, text);
    assert_string_equal(text, "yZRlqg==");
    ncr_crc32c_text(0, text);
    assert_string_equal(text, "AAAAAA==");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_anonymous_open_asks_for_metadata_beside_the_bytes),
        cmocka_unit_test(stale_public_bytes_are_read_again_pinned),
        cmocka_unit_test(deleted_public_objects_are_not_found_though_a_cache_has_them),
        cmocka_unit_test(an_object_that_changes_between_the_two_is_read_from_the_beginning),
        cmocka_unit_test(an_object_that_never_rests_is_given_up),
        cmocka_unit_test(an_endpoint_of_the_users_may_be_private),
        cmocka_unit_test(with_a_token_one_request_is_enough),
        cmocka_unit_test(who_pays_is_told),
        cmocka_unit_test(a_pinned_read_names_its_generation_and_compares),
        cmocka_unit_test(a_proof_with_a_token_is_one_conditional_read),
        cmocka_unit_test(an_anonymous_proof_asks_the_metadata),
        cmocka_unit_test(empty_objects_are_described_by_their_metadata),
        cmocka_unit_test(whole_objects_are_checked_against_their_checksum),
        cmocka_unit_test(a_coding_is_the_objects_own_where_the_store_says_so),
        cmocka_unit_test(stat_reads_the_metadata),
        cmocka_unit_test(denials_say_what_was_looked_for),
        cmocka_unit_test(endpoints_are_taken_in_every_spelling),
        cmocka_unit_test(a_page_is_listed_in_byte_order),
        cmocka_unit_test(listings_that_make_no_sense_are_corrupt),
        cmocka_unit_test(a_bucket_alone_is_no_object),
        cmocka_unit_test(checksums_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
