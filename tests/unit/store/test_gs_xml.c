/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs_fixture.h"

#include "store/gs/gs.h"

/* Google's XML interface, which HMAC keys sign. */

#define KEYS  "gs.hmac_access_id=GOOG1EXAMPLE", "gs.hmac_secret=secret"
#define AT    "/bkt/d/a%20b.tif"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void begin(fixture *f, const step *steps, const char *more)
{
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "gs.endpoint=http://127.0.0.1:%u", fixture_start(f, steps));
    gs_open(f, test_call_new(endpoint, KEYS, more ? more : "http.retries=0", NULL), false);
}

#define RANGE    "Content-Range: bytes 0-3/10\r\n"
#define IS(n)    "x-goog-generation: " n "\r\nx-goog-hash: md5=x\r\nx-goog-hash: crc32c=yZRlqg==\r\n"
#define FACTS(n) IS(n) "x-goog-stored-content-length: 11\r\nLast-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\n"

/* --- Reading. --- */

static void a_read_is_one_request_of_the_xml_interface(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {"GET " AT, "x-goog-content-sha256: " EMPTY, 206, RANGE IS("7"), "abcd"},
        {"GET " AT "?generation=7", "x-goog-user-project: payer", 206, RANGE IS("7"), "abcd"},
        {"GET " AT "?generation=7", NULL, 206, RANGE IS("8"), "efgh"},
        {"GET " AT "?generation=7", NULL, 404, NULL, "<Error><Code>NoSuchKey</Code><Message>No</Message></Error>"},
        {0}};
    begin(&f, steps, "gs.billing_project=payer");
    assert_string_equal(f.store->class->name, "gs");
    assert_int_equal(strncmp(f.store->id, "gs:http://127.0.0.1:", 20), 0);
    assert_int_equal(strncmp(f.store->credentials, "hmac:", 5), 0);
    assert_null(strstr(f.store->credentials, "secret"));
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_memory_equal(f.buffer, "abcd", 4);
    assert_true(f.get.facts.version.strong);
    assert_string_equal(f.get.facts.version.token, "generation=7");
    assert_string_equal(f.get.facts.checksum, "crc32c=yZRlqg==");
    f.get.match = NCR_MATCH_VERSION;
    f.get.version = &seven;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED); /* other bytes than were asked for */
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED); /* gone */
    end(&f);
}

static void a_proof_looks_at_the_generation(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"HEAD " AT, NULL, 200, FACTS("7"), NULL},
                          {"HEAD " AT, NULL, 200, FACTS("9"), NULL},
                          {"GET " AT "?generation=9", "Range: bytes=0-3", 206, RANGE IS("9"), "news"},
                          {0}};
    begin(&f, steps, NULL);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &seven;
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_true(f.get.not_modified);
    assert_int_equal(f.get.round, 3);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    assert_string_equal(f.get.facts.version.token, "generation=9");
    assert_memory_equal(f.buffer, "news", 4);
    end(&f);
}

static void facts_are_in_the_headers(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"HEAD " AT, NULL, 200, FACTS("7") "Content-Type: image/tiff\r\n", NULL},
                          {"HEAD " AT, NULL, 200, "x-goog-stored-content-length: 11\r\n", NULL},
                          {"HEAD " AT, NULL, 200, "x-goog-generation: 7\r\nx-goog-stored-content-length: 1x\r\n", NULL},
                          {"HEAD " AT, NULL, 404, NULL, NULL},
                          {"HEAD " AT, NULL, 403, NULL, NULL},
                          {0}};
    begin(&f, steps, NULL);
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_int_equal(op.facts.size, 11);
    assert_string_equal(op.facts.version.token, "generation=7");
    assert_string_equal(op.facts.checksum, "crc32c=yZRlqg==");
    assert_string_equal(op.facts.content_type, "image/tiff");
    assert_int_equal(op.facts.modified_ms, INT64_C(1604224800000));
    assert_int_equal(run_stat(&op), NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(op.error.message, "no generation"));
    assert_int_equal(run_stat(&op), NACRE_ERROR_CORRUPT);
    assert_non_null(strstr(op.error.message, "no size"));
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    end(&f);
}

static void whole_objects_are_checked(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {"GET " AT, "!Range", 200, IS("7"), "hello world"}, {"GET " AT, "!Range", 200, IS("7"), "hello weird"}, {0}};
    begin(&f, steps, NULL);
    ncr_get get = {.object = f.object, .call = f.call, .length = SIZE_MAX};
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_int_equal(get.whole_size, 11);
    free(get.whole);
    get = (ncr_get){.object = f.object, .call = f.call, .length = SIZE_MAX};
    assert_int_equal(run_get(&get), NACRE_ERROR_CORRUPT);
    end(&f);
}

#define LIST "GET /bkt?list-type=2&prefix=d%2Fa%20b.tif"

static void listings_tell_generations(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {LIST "&delimiter=%2F&max-keys=2", NULL, 200, NULL,
         "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>"
         "<Contents><Key>d/a b.tif+&amp;</Key><Generation>7</Generation><ETag>\"x\"</ETag><Size>4</Size></Contents>"
         "<Contents><Key>d/a b.tif</Key><ETag>\"x\"</ETag><Size>5</Size></Contents>"
         "<CommonPrefixes><Prefix>d/a b.tif/</Prefix></CommonPrefixes></ListBucketResult>"},
        {LIST "&continuation-token=t%2B%2F%3D", NULL, 404, NULL,
         "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>"},
        {0}};
    begin(&f, steps, NULL);
    ncr_list_op op = {.object = f.object, .call = f.call, .max_entries = 2};
    assert_int_equal(run_list(&op), NACRE_OK);
    assert_int_equal(op.entry_count, 3);
    assert_string_equal(op.entries[2].key, "d/a b.tif/");
    assert_true(op.entries[2].is_prefix);
    assert_string_equal(op.entries[1].key, "d/a b.tif+&");
    assert_string_equal(op.entries[1].facts.version.token, "generation=7");
    assert_string_equal(op.entries[0].facts.version.token, ""); /* an ETag is no version here */
    assert_string_equal(op.next_page, "t+/=");
    ncr_list_op next = {.object = f.object, .call = f.call, .recursive = true, .page = op.next_page};
    assert_int_equal(run_list(&next), NACRE_ERROR_NOT_FOUND);
    assert_non_null(strstr(next.error.message, "there is no bucket 'bkt'"));
    ncr_list_op_clear(&op);
    end(&f);
}

/* --- Changing. --- */

static const ncr_condition absent = {.absent = true}, only_seven = {.version = &seven};

static void a_put_sends_its_checksum_and_condition(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        {"PUT " AT, "x-goog-hash: crc32c=yZRlqg==", 200, FACTS("8"), NULL, "hello world"},
        {"PUT " AT, "x-goog-if-generation-match: 0", 200, FACTS("9"), NULL},
        {"PUT " AT, "x-goog-if-generation-match: 7", 200, "x-goog-generation: 10\r\n", NULL},
        {"PUT " AT, "x-goog-content-sha256: b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", 200,
         "x-goog-generation: 11\r\nx-goog-hash: crc32c=4waSgw==\r\n", NULL},
        {"PUT " AT, "x-goog-if-generation-match: 0", 412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"},
        {0}};
    begin(&f, steps, NULL);
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "generation=8");
    assert_string_equal(p.facts.content_type, "text/plain");
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_OK);
    assert_int_equal(p.facts.size, 11);
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_CORRUPT);
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void a_put_whose_answer_was_lost_is_known_again(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{"PUT " AT, NULL, 0, NULL, NULL},
                          {"PUT " AT, NULL, 412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"},
                          {"HEAD " AT, NULL, 200, FACTS("8"), NULL},
                          {0}};
    begin(&f, steps, "http.retries=1");
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "generation=8");
    end(&f);
}

static void a_delete_has_its_condition_in_a_header(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"DELETE " AT, "x-goog-if-generation-match: 7", 204, NULL, NULL},
                          {"DELETE " AT, "x-goog-if-generation-match: 7", 412, NULL, NULL},
                          {"HEAD " AT, NULL, 200, FACTS("9"), NULL},
                          {0}};
    begin(&f, steps, NULL);
    ncr_delete op = {.object = f.object, .call = f.call, .condition = only_seven};
    assert_int_equal(f.store->class->remove(&op, &f.err), NACRE_OK);
    assert_int_equal(op.outcome, NCR_OUTCOME_DONE);
    assert_int_equal(f.store->class->remove(&op, &f.err), NACRE_ERROR_CHANGED);
    assert_non_null(strstr(f.err.message, "is now generation=9"));
    end(&f);
}

static void a_copy_names_its_sources_generation(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"PUT /bkt/to", "x-goog-copy-source-if-generation-match: 7", 200, IS("12"),
                           "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>"},
                          {"PUT /bkt/to", "x-goog-copy-source: /bkt/d/a%20b.tif", 200, NULL,
                           "<Error><Code>InternalError</Code><Message>late</Message></Error>"},
                          {"PUT /bkt/to", "x-goog-if-generation-match: 0", 412, NULL, NULL},
                          {"HEAD " AT, NULL, 200, FACTS("8"), NULL},
                          {0}};
    begin(&f, steps, NULL);
    ncr_object *to = ncr_object_sibling(f.object, "to");
    ncr_copy op = {.source = f.object, .destination = to, .call = f.call, .source_version = &seven};
    assert_int_equal(f.store->class->copy(&op, &f.err), NACRE_OK);
    assert_string_equal(op.facts.version.token, "generation=12");
    op.source_version = NULL;
    assert_int_equal(f.store->class->copy(&op, &f.err), NACRE_ERROR_IO);
    assert_int_equal(op.outcome, NCR_OUTCOME_UNKNOWN);
    op.source_version = &seven;
    op.condition.absent = true;
    assert_int_equal(f.store->class->copy(&op, &f.err), NACRE_ERROR_CHANGED); /* it was the source's version */
    assert_non_null(strstr(f.err.message, "gs://bkt/d/a b.tif: changed"));
    ncr_object_unref(to);
    end(&f);
}

static void an_upload_is_resumable_and_takes_conditions(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    char location[96];
    step steps[] = {{"POST " AT, "x-goog-if-generation-match: 7", 201, location, NULL},
                    {"PUT " AT "?upload_id=u", "!Authorization", 503, NULL, NULL},
                    {"PUT " AT "?upload_id=u", "Content-Range: bytes */11", 308, "Range: bytes=0-4\r\n", NULL},
                    {"PUT " AT "?upload_id=u", "Content-Range: bytes 5-10/11", 200, FACTS("8"), NULL, " world"},
                    {"POST " AT, "x-goog-resumable: start", 201, location, NULL},
                    {"DELETE " AT "?upload_id=u", NULL, 499, NULL, NULL},
                    {0}};
    begin(&f, steps, NULL);
    snprintf(location, sizeof location, "Location: http://elsewhere%s?upload_id=u\r\n", AT);
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, &only_seven, "a/b", &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hello world", 11, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_string_equal(facts.version.token, "generation=8");
    assert_int_equal(facts.size, 11);
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    c->upload_abort(upload);
    end(&f);
}

/* --- Who asks. --- */

static void refusals_say_what_the_store_says_and_no_secret(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {"GET " AT, NULL, 403, NULL,
         "<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message>"
         "<StringToSign>sekrit</StringToSign></Error>"},
        {"GET " AT, NULL, 403, NULL, "<Error><Code>AccessDenied</Code><Message>Access denied.</Message></Error>"},
        {0}};
    begin(&f, steps, NULL);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_string_equal(f.get.error.message, "gs://bkt/d/a b.tif: denied (403): the HMAC key from gs.hmac_access_id "
                                             "was refused: SignatureDoesNotMatch: no match");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_string_equal(f.get.error.message, "gs://bkt/d/a b.tif: denied (403), or missing: the credentials from "
                                             "gs.hmac_access_id do not allow it: AccessDenied: Access denied.");
    end(&f);
}

static void a_wrong_clock_is_corrected(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"GET " AT, NULL, 403, "Date: Fri, 01 Feb 2019 09:00:00 GMT\r\n",
                           "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
                          {"GET " AT, NULL, 206, RANGE IS("7"), "abcd"},
                          {0}};
    begin(&f, steps, NULL);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void kind_of_credentials(const char *expected, const char *a, const char *b, const char *c)
{
    ncr_store *store;
    nacre_error err;
    ncr_call *call = test_call_new("gs.endpoint=http://h", a ? a : "http.retries=0", b ? b : "http.retries=0",
                                   c ? c : "http.retries=0", NULL);
    nacre_status status = ncr_store_open("gs", NULL, false, call->config, &store, &err);
    if (status == NACRE_OK)
        assert_memory_equal(store->credentials, expected, strlen(expected));
    else
        assert_non_null(strstr(err.message, expected));
    ncr_store_unref(store);
    ncr_call_unref(call);
}

static void the_order_is_gdals(void **state)
{
    (void)state;
    kind_of_credentials("hmac:", "gs.hmac_access_id=i", "gs.hmac_secret=s", "gs.access_token=t");
    kind_of_credentials("anonymous", "gs.hmac_access_id=i", "gs.hmac_secret=s", "gs.no_sign_request=yes");
    kind_of_credentials("gs.hmac_secret (GS_SECRET_ACCESS_KEY) that", "gs.hmac_access_id=i", NULL, NULL);
    kind_of_credentials("gs.hmac_access_id that belongs", "gs.hmac_secret=s", NULL, NULL);
    setenv("GS_ACCESS_KEY_ID", "i", 1);
    setenv("GS_SECRET_ACCESS_KEY", "s", 1);
    setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "t", 1);
    kind_of_credentials("hmac:", NULL, NULL, NULL);
    kind_of_credentials("token:", "gs.access_token=t", NULL, NULL); /* the program's own before the environment's */
    unsetenv("GS_ACCESS_KEY_ID");
    unsetenv("GS_SECRET_ACCESS_KEY");
    unsetenv("GOOGLE_OAUTH_ACCESS_TOKEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_one_request_of_the_xml_interface),
        cmocka_unit_test(a_proof_looks_at_the_generation),
        cmocka_unit_test(facts_are_in_the_headers),
        cmocka_unit_test(whole_objects_are_checked),
        cmocka_unit_test(listings_tell_generations),
        cmocka_unit_test(a_put_sends_its_checksum_and_condition),
        cmocka_unit_test(a_put_whose_answer_was_lost_is_known_again),
        cmocka_unit_test(a_delete_has_its_condition_in_a_header),
        cmocka_unit_test(a_copy_names_its_sources_generation),
        cmocka_unit_test(an_upload_is_resumable_and_takes_conditions),
        cmocka_unit_test(refusals_say_what_the_store_says_and_no_secret),
        cmocka_unit_test(a_wrong_clock_is_corrected),
        cmocka_unit_test(the_order_is_gdals),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
