/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/s3_fixture.h"

#include <pthread.h>

#include "store/s3/s3.h"

/* Changes of the object. */

static void begin(fixture *f, const step *steps, const char *retries)
{
    s3_open(f, steps, false, retries, NULL);
}

static const ncr_version seven = {.strong = true, .token = "etag=\"seven\""};
static const ncr_version foreign = {.strong = true, .token = "generation=7"};
static const ncr_condition absent = {.absent = true}, only_seven = {.version = &seven},
                           only_foreign = {.version = &foreign};

/* --- Puts. --- */

static void a_put_sends_bytes_type_and_their_signed_hash(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    char value[1024];
    const char *hash = "x-amz-content-sha256: b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    const step steps[] = {{"PUT " TARGET, hash, 200, "ETag: " OURS "\r\nx-amz-version-id: v8\r\n", NULL, "hello world"},
                          {"PUT " TARGET, "If-None-Match: *", 200, "ETag: " OURS "\r\n", NULL},
                          {"PUT " TARGET, "If-Match: \"seven\"", 200, "ETag: " OURS "\r\n", NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "etag=" OURS);
    assert_string_equal(p.facts.version.version_id, "v8");
    assert_int_equal(p.facts.size, 11);
    assert_string_equal(p.facts.content_type, "text/plain");
    const test_request *request = test_server_request(f.script.server, 0);
    assert_true(test_request_header(request, "Content-Type", value, sizeof value));
    assert_string_equal(value, "text/plain");
    assert_false(test_request_header(request, "If-None-Match", value, sizeof value));
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_true(test_request_header(test_server_request(f.script.server, 1), "Authorization", value, sizeof value));
    assert_contains(value, "SignedHeaders=content-type;host;if-none-match;x-amz-content-sha256;x-amz-date,");
    assert_int_equal(put(&f, &only_seven, &p), NACRE_OK);
    end(&f);
}

static void a_type_that_breaks_the_line_is_not_sent(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"PUT " TARGET, "Content-Type: application/octet-stream", 200, "ETag: " OURS "\r\n", NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_put p = {.object = f.object, .call = f.call, .content_type = "text/plain\r\nx-amz-acl: public-read"};
    p.data = "hello world";
    p.size = 11;
    if (f.store->class->put(&p, &f.err) != NACRE_OK)
        fail_msg("%s", f.err.message);
    end(&f);
}

static void bytes_that_are_not_signed_are_proven_by_their_md5(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        {"PUT " TARGET, "Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==", 200, "ETag: " OURS "\r\n", NULL, "hello world"}, {0}};
    s3_open(&f, steps, true, "http.retries=0", NULL);
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    end(&f);
}

static void bytes_that_were_kept_otherwise_are_an_error(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        {"PUT " TARGET, NULL, 200, "ETag: " THEIRS "\r\n", NULL},
        {"PUT " TARGET, NULL, 200, "ETag: " THEIRS "\r\nx-amz-server-side-encryption: aws:kms\r\n", NULL},
        {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_CORRUPT);
    assert_contains(f.err.message, "what the store has kept is not what was sent");
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    end(&f);
}

static void conditions_that_do_not_hold_are_told_apart(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{"PUT " TARGET, NULL, 412, NULL, ERROR("PreconditionFailed")},
                          {"PUT " TARGET, NULL, 412, NULL, ERROR("PreconditionFailed")},
                          {"HEAD " TARGET, NULL, 200, IS("\"eight\"", "9"), NULL},
                          {"PUT " TARGET, NULL, 412, NULL, ERROR("PreconditionFailed")},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {"PUT " TARGET, NULL, 404, NULL, ERROR("NoSuchKey")},
                          {"PUT " TARGET, NULL, 404, NULL, ERROR("NoSuchBucket")},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_string_equal(f.err.message, "s3://bkt/d/a b.tif: exists already");
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "etag=\"seven\" and is now etag=\"eight\"");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
        assert_contains(f.err.message, "no longer there");
        assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    }
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(put(&f, &only_foreign, &p), NACRE_ERROR_INVALID);
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void a_put_without_condition_is_sent_once_unless_the_store_says_it_did_nothing(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{"PUT " TARGET, NULL, 500, NULL, ERROR("InternalError")},
                          {"PUT " TARGET, NULL, 0},
                          {"PUT " TARGET, NULL, 503, NULL, ERROR("SlowDown")},
                          {"PUT " TARGET, NULL, 200, "ETag: " OURS "\r\n", NULL},
                          {0}};
    begin(&f, steps, "http.retries=5");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    end(&f);
}

static void a_lost_answer_to_a_conditional_put_is_found_out(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        /* The first attempt took effect, and its answer was lost: what stands in the way is our own. */
        {"PUT " TARGET, NULL, 503, NULL, NULL},
        {"PUT " TARGET, NULL, 412, NULL, NULL},
        {"HEAD " TARGET, NULL, 200, IS(OURS, "11"), NULL},
        /* It is another's. */
        {"PUT " TARGET, NULL, 503, NULL, NULL},
        {"PUT " TARGET, NULL, 412, NULL, NULL},
        {"HEAD " TARGET, NULL, 200, IS(THEIRS, "11"), NULL},
        /* Two at the same moment: the store says so, and it is tried again. */
        {"PUT " TARGET, NULL, 409, NULL, ERROR("ConditionalRequestConflict")},
        {"PUT " TARGET, NULL, 200, "ETag: " OURS "\r\n", NULL},
        /* So after a lost answer: ours stands in the way, or another's. */
        {"PUT " TARGET, NULL, 503, NULL, NULL},
        {"PUT " TARGET, NULL, 409, NULL, ERROR("ConditionalRequestConflict")},
        {"PUT " TARGET, NULL, 412, NULL, NULL},
        {"HEAD " TARGET, NULL, 200, IS(OURS, "11"), NULL},
        {"PUT " TARGET, NULL, 503, NULL, NULL},
        {"PUT " TARGET, NULL, 409, NULL, ERROR("ConditionalRequestConflict")},
        {"PUT " TARGET, NULL, 412, NULL, NULL},
        {"HEAD " TARGET, NULL, 200, IS(THEIRS, "11"), NULL},
        {0}};
    begin(&f, steps, "http.retries=5");
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "etag=" OURS);
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

/* --- Removing. --- */

static nacre_status remove_it(fixture *f, const ncr_version *version, ncr_outcome *outcome)
{
    ncr_delete op = {.object = f->object, .call = f->call, .condition = {.version = version}};
    nacre_status status = f->store->class->remove(&op, &f->err);
    *outcome = op.outcome;
    return status;
}

static void removing_looks_first_and_sends_the_version(void **state)
{
    (void)state;
    fixture f;
    ncr_outcome outcome;
    const char *is_seven = IS("\"seven\"", "9");
    const step steps[] = {{"HEAD " TARGET, NULL, 200, is_seven, NULL},
                          {"DELETE " TARGET, "!If-Match", 204, NULL, NULL},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {"HEAD " TARGET, NULL, 200, is_seven, NULL},
                          {"DELETE " TARGET, "If-Match: \"seven\"", 204, NULL, NULL},
                          {"HEAD " TARGET, NULL, 200, IS("\"eight\"", "9"), NULL},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          /* Changed between the look and the request. */
                          {"HEAD " TARGET, NULL, 200, is_seven, NULL},
                          {"DELETE " TARGET, "If-Match: \"seven\"", 412, NULL, NULL},
                          {"HEAD " TARGET, NULL, 200, IS("\"eight\"", "9"), NULL},
                          /* A server that knows no condition here. */
                          {"HEAD " TARGET, NULL, 200, is_seven, NULL},
                          {"DELETE " TARGET, "If-Match: \"seven\"", 501, NULL, ERROR("NotImplemented")},
                          {"DELETE " TARGET, "!If-Match", 204, NULL, NULL},
                          /* Who may not look may remove all the same. */
                          {"HEAD " TARGET, NULL, 403, NULL, NULL},
                          {"DELETE " TARGET, NULL, 204, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(remove_it(&f, NULL, &outcome), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(remove_it(&f, NULL, &outcome), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(remove_it(&f, &seven, &outcome), NACRE_OK);
    assert_int_equal(remove_it(&f, &seven, &outcome), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "is now etag=\"eight\"");
    assert_int_equal(remove_it(&f, &seven, &outcome), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(remove_it(&f, &seven, &outcome), NACRE_ERROR_CHANGED);
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(remove_it(&f, &seven, &outcome), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(remove_it(&f, NULL, &outcome), NACRE_OK);
    assert_int_equal(remove_it(&f, &foreign, &outcome), NACRE_ERROR_INVALID);
    end(&f);
}

/* --- Copies. --- */

static nacre_status copy(fixture *f, const ncr_version *version, const ncr_condition *condition, ncr_copy *out)
{
    ncr_object *to = ncr_object_new(f->store, "bkt", "to", "s3://bkt/to", false);
    *out = (ncr_copy){.source = f->object, .destination = to, .call = f->call, .source_version = version};
    if (condition)
        out->condition = *condition;
    nacre_status status = f->store->class->copy(out, &f->err);
    ncr_object_unref(to);
    return status;
}

#define COPIED(etag) "<CopyObjectResult><ETag>" etag "</ETag></CopyObjectResult>"

static const ncr_version ours = {.strong = true, .token = "etag=" OURS};
static const ncr_version ours_kept = {.strong = true, .token = "etag=" OURS, .version_id = "v1"};

static void a_copy_names_its_source_and_its_version(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    char value[256];
    const step steps[] = {{"PUT /bkt/to", "x-amz-copy-source: /bkt/d/a%20b.tif", 200, "x-amz-version-id: v9\r\n",
                           COPIED("&quot;5eb63bbbe01eeed093cb22bb8f5acdc3&quot;")},
                          {"PUT /bkt/to", "!x-amz-copy-source-if-match", 200, NULL, COPIED(THEIRS)},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_OK);
    assert_int_equal(c.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(c.facts.version.token, "etag=" OURS);
    assert_string_equal(c.facts.version.version_id, "v9");
    const test_request *request = test_server_request(f.script.server, 0);
    assert_true(test_request_header(request, "x-amz-copy-source-if-match", value, sizeof value));
    assert_string_equal(value, OURS);
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_OK);
    end(&f);
}

static void a_copy_of_another_version_is_taken_back(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const step steps[] = {/* A server that ignores the condition: the bytes that came are others. */
                          {"PUT /bkt/to", NULL, 200, NULL, COPIED(THEIRS)},
                          {"HEAD /bkt/to", NULL, 200, IS(THEIRS, "9"), NULL},
                          {"DELETE /bkt/to", "If-Match: " THEIRS, 204, NULL, NULL},
                          {"PUT /bkt/to", NULL, 200, "x-amz-copy-source-version-id: v2\r\n", COPIED(OURS)},
                          {"HEAD /bkt/to", NULL, 200, IS(OURS, "9"), NULL},
                          {"DELETE /bkt/to", NULL, 204, NULL, NULL},
                          {"PUT /bkt/to", NULL, 200, "x-amz-copy-source-version-id: v1\r\n", COPIED("\"x-2\"")},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "s3://bkt/d/a b.tif: changed");
    assert_int_equal(copy(&f, &ours_kept, NULL, &c), NACRE_ERROR_CHANGED);
    assert_int_equal(copy(&f, &ours_kept, NULL, &c), NACRE_OK);
    end(&f);
}

static void errors_of_a_copy_are_told_apart(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const step steps[] = {/* In the body of a success. */
                          {"PUT /bkt/to", NULL, 200, NULL, "  \n<Error><Code>InternalError</Code></Error>"},
                          {"PUT /bkt/to", NULL, 200, NULL, "not XML"},
                          {"PUT /bkt/to", NULL, 412, NULL, NULL},
                          {"HEAD " TARGET, NULL, 200, IS(THEIRS, "9"), NULL},
                          {"PUT /bkt/to", NULL, 412, NULL, NULL},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {"PUT /bkt/to", NULL, 404, NULL, ERROR("NoSuchKey")},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {"PUT /bkt/to", NULL, 404, NULL, ERROR("NoSuchKey")},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(c.outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_IO);
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "is now etag=" THEIRS);
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_CHANGED);
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(c.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void a_refused_copy_names_whom_it_is_about(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const char *const there = IS(OURS, "11");
    const step steps[] = {{"PUT /bkt/to", NULL, 404, NULL, ERROR("NoSuchBucket")},
                          {"HEAD " TARGET, NULL, 200, there, NULL},
                          {"PUT /bkt/to", NULL, 403, NULL, ERROR("AccessDenied")},
                          {"HEAD " TARGET, NULL, 200, there, NULL},
                          {"PUT /bkt/to", NULL, 403, NULL, ERROR("AccessDenied")},
                          {"HEAD " TARGET, NULL, 403, NULL, NULL},
                          {"PUT /bkt/to", NULL, 403, NULL, ERROR("InvalidAccessKeyId")},
                          {"HEAD " TARGET, NULL, 403, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(f.err.message, "s3://bkt/to: not found (404): there is no bucket 'bkt'");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "s3://bkt/to: ");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "s3://bkt/d/a b.tif: ");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "were refused");
    end(&f);
}

#define BEGUN    "<InitiateMultipartUploadResult><UploadId>up/1</UploadId></InitiateMultipartUploadResult>"
#define COMPLETE "<CompleteMultipartUploadResult><ETag>\"whole-2\"</ETag></CompleteMultipartUploadResult>"

static void conditions_on_the_destination_are_looked_at_and_sent(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const step steps[] = {
        {"HEAD /bkt/to", NULL, 200, IS(THEIRS, "9"), NULL},
        {"HEAD /bkt/to", NULL, 404, NULL, NULL},
        {"PUT /bkt/to", "If-None-Match: *", 200, NULL, COPIED(OURS)},
        {"HEAD /bkt/to", NULL, 200, IS("\"eight\"", "9"), NULL},
        {"HEAD /bkt/to", NULL, 404, NULL, NULL},
        /* A store that knows conditions only at the end of uploads. */
        {"HEAD /bkt/to", NULL, 404, NULL, NULL},
        {"PUT /bkt/to", "If-None-Match: *", 501, NULL, ERROR("NotImplemented")},
        {"HEAD " TARGET, NULL, 200, IS(OURS, "700000000") "x-amz-meta-who: me\r\nContent-Type: image/tiff\r\n", NULL},
        {"POST /bkt/to?uploads=", "x-amz-meta-who: me", 200, NULL, BEGUN},
        {"PUT /bkt/to?partNumber=1&uploadId=up%2F1", "x-amz-copy-source-range: bytes=0-536870911", 200, NULL,
         "<CopyPartResult><ETag>\"p1\"</ETag></CopyPartResult>"},
        {"PUT /bkt/to?partNumber=2&uploadId=up%2F1", "x-amz-copy-source-range: bytes=536870912-699999999", 200, NULL,
         "<CopyPartResult><ETag>\"p2\"</ETag></CopyPartResult>"},
        {"POST /bkt/to?uploadId=up%2F1", "If-None-Match: *", 200, NULL, COMPLETE,
         "<Part><PartNumber>2</PartNumber><ETag>\"p2\"</ETag></Part>"},
        {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, &absent, &c), NACRE_ERROR_EXISTS);
    assert_int_equal(copy(&f, &ours, &absent, &c), NACRE_OK);
    assert_int_equal(copy(&f, &ours, &only_seven, &c), NACRE_ERROR_CHANGED);
    assert_int_equal(copy(&f, &ours, &only_seven, &c), NACRE_ERROR_CHANGED);
    assert_int_equal(copy(&f, &ours, &absent, &c), NACRE_OK);
    assert_int_equal(c.facts.size, 700000000);
    assert_string_equal(c.facts.version.token, "etag=\"whole-2\"");
    end(&f);
}

static void what_is_too_large_for_one_request_is_copied_in_parts(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const char *too_large = "<Error><Code>InvalidRequest</Code><Message>The specified copy source is larger than the "
                            "maximum allowable size for a copy source: 5368709120</Message></Error>";
    const step steps[] = {{"PUT /bkt/to", NULL, 400, NULL, too_large},
                          {"HEAD " TARGET, NULL, 200, IS(OURS, "600000000"), NULL},
                          {"POST /bkt/to?uploads=", NULL, 200, NULL, BEGUN},
                          {"PUT /bkt/to?partNumber=1&uploadId=up%2F1", "x-amz-copy-source-if-match: " OURS, 200, NULL,
                           "<CopyPartResult><ETag>\"p1\"</ETag></CopyPartResult>"},
                          /* Replaced in the middle. */
                          {"PUT /bkt/to?partNumber=2&uploadId=up%2F1", NULL, 412, NULL, ERROR("PreconditionFailed")},
                          {"DELETE /bkt/to?uploadId=up%2F1", NULL, 204, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(copy(&f, &ours, NULL, &c), NACRE_ERROR_CHANGED);
    assert_int_equal(c.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

/* --- Uploads. --- */

static ncr_upload *begin_upload(fixture *f, const ncr_condition *condition)
{
    ncr_upload *upload;
    if (f->store->class->upload_begin(f->object, f->call, condition, "image/tiff", &upload, &f->err) != NACRE_OK)
        fail_msg("%s", f->err.message);
    return upload;
}

static nacre_status finish(fixture *f, ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts)
{
    return f->store->class->upload_finish(upload, outcome, facts, &f->err);
}

#define PART(n) "PUT " TARGET "?partNumber=" n "&uploadId=up%2F1"
#define END     "POST " TARGET "?uploadId=up%2F1"
#define ABORT   "DELETE " TARGET "?uploadId=up%2F1"
#define M1      "\"0cc175b9c0f1b6a831c399e269772661\""   /* the MD5 of "a" */
#define M2      "\"92eb5ffee6ae2fec3ad71c777531578f\""   /* of "b" */
#define WHOLE   "\"96e024ba2074fe77e8e965ba43a704be-2\"" /* of both hashes */

static void parts_are_listed_by_number_and_sent_again_after_faults(void **state)
{
    (void)state;
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {{"POST " TARGET "?uploads=", "Content-Type: image/tiff", 200, NULL, BEGUN},
                          {PART("2"), NULL, 500, NULL, NULL},
                          {PART("2"), NULL, 200, "ETag: " M2 "\r\n", NULL, "b"},
                          {PART("1"), NULL, 200, "ETag: " M1 "\r\n", NULL, "a"},
                          {END, "If-None-Match: *", 200, "x-amz-version-id: v3\r\n", "\n \n" COMPLETE,
                           "<Part><PartNumber>1</PartNumber><ETag>" M1
                           "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" M2
                           "</ETag></Part></CompleteMultipartUpload>"},
                          {0}};
    begin(&f, steps, "http.retries=3");
    ncr_upload *upload = begin_upload(&f, &absent);
    assert_int_equal(f.store->class->upload_part(upload, 2, "b", 1, &f.err), NACRE_OK);
    assert_int_equal(f.store->class->upload_part(upload, 1, "a", 1, &f.err), NACRE_OK);
    assert_int_equal(finish(&f, upload, &outcome, &facts), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(facts.size, 2);
    assert_string_equal(facts.version.token, "etag=\"whole-2\"");
    assert_string_equal(facts.version.version_id, "v3");
    end(&f);
}

#define C1     "wdBDMA==" /* the CRC32C of "a" */
#define C2     "0oCwxA==" /* of "b" */
#define KNOWS  "x-amz-checksum-algorithm: CRC32C\r\n"
#define SAYS   "x-amz-checksum-crc32c: "
#define ASKED  "POST " TARGET "?uploads=", "x-amz-checksum-algorithm: CRC32C"
#define LISTED "<Part><PartNumber>1</PartNumber><ETag>\"1\"</ETag><ChecksumCRC32C>" C1 "</ChecksumCRC32C></Part>"

static void parts_have_checksums_where_the_store_knows_them(void **state)
{
    (void)state;
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    char value[64];
    const step steps[] = {{ASKED, 200, KNOWS, BEGUN},
                          {PART("1"), SAYS C1, 200, "ETag: \"1\"\r\n" SAYS C1 "\r\n", NULL, "a"},
                          {END, NULL, 200, NULL, COMPLETE, LISTED},
                          {0}};
    s3_open(&f, steps, true, "http.retries=0", NULL);
    ncr_upload *upload = begin_upload(&f, NULL);
    assert_true(test_request_header(test_server_request(f.script.server, 0), "x-amz-checksum-type", value, 64));
    assert_string_equal(value, "FULL_OBJECT"); /* so that whole reads can be held against it */
    assert_int_equal(f.store->class->upload_part(upload, 1, "a", 1, &f.err), NACRE_OK);
    assert_false(test_request_header(test_server_request(f.script.server, 1), "Content-MD5", value, sizeof value));
    assert_int_equal(finish(&f, upload, &outcome, &facts), NACRE_OK);
    end(&f);
}

static void a_part_that_was_kept_otherwise_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        nacre_status expected;
        const char *what;
    } cases[] = {
        {"ETag: " M1 "\r\n" SAYS C1 "\r\n", NACRE_OK, ""},
        {"ETag: " M1 "\r\n" SAYS C2 "\r\n", NACRE_ERROR_CORRUPT, "CRC32C differs"},
        /* Without a checksum in the answer the ETag says it, where it is an MD5. */
        {"ETag: " M1 "\r\n", NACRE_OK, ""},
        {"ETag: " M2 "\r\n", NACRE_ERROR_CORRUPT, "MD5 differs"},
        {"ETag: " M2 "\r\nx-amz-server-side-encryption: aws:kms\r\n", NACRE_OK, ""},
        {"ETag: \"1\"\r\n", NACRE_OK, ""},
        {NULL, NACRE_ERROR_CORRUPT, "has no ETag"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        const step steps[] = {{ASKED, 200, KNOWS, BEGUN},
                              {PART("1"), SAYS C1, 200, cases[i].answer, NULL, "a"},
                              {ABORT, NULL, 204, NULL, NULL},
                              {0}};
        begin(&f, steps, "http.retries=0");
        ncr_upload *upload = begin_upload(&f, NULL);
        nacre_status status = f.store->class->upload_part(upload, 1, "a", 1, &f.err);
        if (status != cases[i].expected || (status != NACRE_OK && !strstr(f.err.message, cases[i].what)))
            fail_msg("%zu: status %d: %s", i, status, f.err.message);
        f.store->class->upload_abort(upload);
        end(&f);
    }
}

static void a_store_that_refuses_checksums_gets_none(void **state)
{
    (void)state;
    static const int refusals[] = {400, 501};
    const char *md5 = "Content-MD5: DMF1ucDxtqgxw5niaXcmYQ==";
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        fixture f;
        const step steps[] = {{ASKED, refusals[i], NULL, ERROR("NotImplemented")},
                              {"POST " TARGET "?uploads=", "!x-amz-checksum-algorithm", 200, NULL, BEGUN},
                              {PART("1"), md5, 200, "ETag: " M1 "\r\n", NULL, "a"},
                              {ABORT, NULL, 204, NULL, NULL},
                              /* It is not asked again. */
                              {"POST " TARGET "?uploads=", "!x-amz-checksum-type", 200, NULL, BEGUN},
                              {ABORT, NULL, 204, NULL, NULL},
                              {0}};
        s3_open(&f, steps, true, "http.retries=0", NULL);
        ncr_upload *upload = begin_upload(&f, NULL);
        assert_int_equal(f.store->class->upload_part(upload, 1, "a", 1, &f.err), NACRE_OK);
        f.store->class->upload_abort(upload);
        f.store->class->upload_abort(begin_upload(&f, NULL));
        end(&f);
    }
}

static void what_an_upload_is_refused_for_is_told(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    const step steps[] = {
        {ASKED, 400, NULL, ERROR("InvalidBucketState")},
        {"POST " TARGET "?uploads=", "!x-amz-checksum-algorithm", 400, NULL, ERROR("InvalidBucketState")},
        {ASKED, 403, NULL, ERROR("AccessDenied")},
        {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(f.store->class->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_ERROR_IO);
    assert_contains(f.err.message, "InvalidBucketState");
    assert_int_equal(f.store->class->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_ERROR_DENIED);
    end(&f);
}

static void the_end_of_an_upload_says_what_came_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        step answers[5]; /* to the end of the upload, and what follows from it */
        nacre_status expected;
        ncr_outcome outcome;
    } cases[] = {
        {"the condition does not hold",
         {{END, NULL, 412, NULL, ERROR("PreconditionFailed")}, {ABORT, NULL, 204}},
         NACRE_ERROR_EXISTS,
         NCR_OUTCOME_NOT_DONE},
        {"the condition does not hold, said under 200",
         {{END, NULL, 200, NULL, ERROR("PreconditionFailed")}, {ABORT, NULL, 204}},
         NACRE_ERROR_EXISTS,
         NCR_OUTCOME_NOT_DONE},
        {"a failure under 200, then success",
         {{END, NULL, 200, NULL, "\n" ERROR("InternalError")}, {END, NULL, 200, NULL, COMPLETE}},
         NACRE_OK,
         NCR_OUTCOME_DONE},
        {"a failure under 200, and the upload is gone: it is ours",
         {{END, NULL, 200, NULL, ERROR("InternalError")},
          {END, NULL, 404, NULL, ERROR("NoSuchUpload")},
          {"HEAD " TARGET, NULL, 200, IS(WHOLE, "2"), NULL}},
         NACRE_OK,
         NCR_OUTCOME_DONE},
        {"the answer is lost, and what is there is another's",
         {{END, NULL, 503, NULL, NULL}, {"HEAD " TARGET, NULL, 200, IS(THEIRS, "2"), NULL}, {ABORT, NULL, 204}},
         NACRE_ERROR_UNAVAILABLE,
         NCR_OUTCOME_UNKNOWN},
        {"the answer is lost, and what is there is ours",
         {{END, NULL, 503, NULL, NULL}, {"HEAD " TARGET, NULL, 200, IS(WHOLE, "2"), NULL}},
         NACRE_OK,
         NCR_OUTCOME_DONE},
        {"the parts are refused",
         {{END, NULL, 400, NULL, ERROR("InvalidPart")}, {ABORT, NULL, 204}},
         NACRE_ERROR_IO,
         NCR_OUTCOME_NOT_DONE},
        {"the upload was lost",
         {{END, NULL, 404, NULL, ERROR("NoSuchUpload")}, {ABORT, NULL, 404}},
         NACRE_ERROR_IO,
         NCR_OUTCOME_NOT_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        ncr_outcome outcome;
        ncr_object_facts facts;
        step steps[9] = {{"POST " TARGET "?uploads=", NULL, 200, NULL, BEGUN},
                         {PART("1"), NULL, 200, "ETag: " M1 "\r\n", NULL},
                         {PART("2"), NULL, 200, "ETag: " M2 "\r\n", NULL}};
        memcpy(steps + 3, cases[i].answers, sizeof cases[i].answers);
        /* One attempt each, so that the script is what is sent. */
        begin(&f, steps, "http.retries=0");
        ncr_upload *upload = begin_upload(&f, &absent);
        assert_int_equal(f.store->class->upload_part(upload, 1, "a", 1, &f.err), NACRE_OK);
        assert_int_equal(f.store->class->upload_part(upload, 2, "b", 1, &f.err), NACRE_OK);
        nacre_status status = finish(&f, upload, &outcome, &facts);
        if (status != cases[i].expected || outcome != cases[i].outcome)
            fail_msg("%s: status %d, outcome %d: %s", cases[i].what, status, (int)outcome, f.err.message);
        end(&f);
    }
}

static void an_upload_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"POST " TARGET "?uploads=", NULL, 200, NULL, BEGUN},
                          {PART("1"), NULL, 403, NULL, ERROR("AccessDenied")},
                          {PART("3"), NULL, 200, NULL, NULL}, /* without an ETag */
                          {ABORT, NULL, 204, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_upload *upload = begin_upload(&f, NULL);
    assert_int_equal(f.store->class->upload_part(upload, 1, "a", 1, &f.err), NACRE_ERROR_DENIED);
    assert_int_equal(f.store->class->upload_part(upload, 3, "a", 1, &f.err), NACRE_ERROR_CORRUPT);
    assert_int_equal(f.store->class->upload_part(upload, 10001, "a", 1, &f.err), NACRE_ERROR_TOO_LARGE);
    assert_int_equal(f.store->class->upload_part(upload, 0, "a", 1, &f.err), NACRE_ERROR_TOO_LARGE);
    f.store->class->upload_abort(upload);
    f.store->class->upload_abort(NULL);
    end(&f);
}

static void a_missing_part_is_found_before_the_end(void **state)
{
    (void)state;
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {{"POST " TARGET "?uploads=", NULL, 200, NULL, BEGUN},
                          {PART("2"), NULL, 200, "ETag: " M2 "\r\n", NULL},
                          {ABORT, NULL, 204, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_upload *upload = begin_upload(&f, NULL);
    assert_int_equal(f.store->class->upload_part(upload, 2, "b", 1, &f.err), NACRE_OK);
    assert_int_equal(finish(&f, upload, &outcome, &facts), NACRE_ERROR_INVALID);
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void an_upload_of_nothing_is_a_put(void **state)
{
    (void)state;
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {{"POST " TARGET "?uploads=", NULL, 200, NULL, BEGUN},
                          {"PUT " TARGET, NULL, 200, "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n", NULL},
                          {ABORT, NULL, 204, NULL, NULL},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_upload *upload = begin_upload(&f, NULL);
    assert_int_equal(finish(&f, upload, &outcome, &facts), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(facts.size, 0);
    end(&f);
}

/* --- Parts of several threads. --- */

typedef struct sender {
    fixture *f;
    ncr_upload *upload;
    unsigned number;
    nacre_status status;
} sender;

static void *send_part(void *user)
{
    sender *s = user;
    s->status = s->f->store->class->upload_part(s->upload, s->number, "x", 1, NULL);
    return NULL;
}

static void parts_may_be_sent_by_several_threads(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    pthread_t threads[COUNT];
    sender senders[COUNT];
    const step steps[] = {{"POST " TARGET "?uploads=", NULL, 200, NULL, BEGUN},
                          {PART("1"), NULL, 200, "ETag: \"1\"\r\n", NULL},
                          {PART("2"), NULL, 200, "ETag: \"2\"\r\n", NULL},
                          {PART("3"), NULL, 200, "ETag: \"3\"\r\n", NULL},
                          {PART("4"), NULL, 200, "ETag: \"4\"\r\n", NULL},
                          {END, NULL, 200, NULL, COMPLETE,
                           "<Part><PartNumber>3</PartNumber><ETag>\"3\"</ETag></Part><Part><PartNumber>4</PartNumber>"
                           "<ETag>\"4\"</ETag></Part></CompleteMultipartUpload>"},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_upload *upload = begin_upload(&f, NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        senders[i] = (sender){.f = &f, .upload = upload, .number = COUNT - i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_part, &senders[i]), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(senders[i].status, NACRE_OK);
    }
    assert_int_equal(finish(&f, upload, &outcome, &facts), NACRE_OK);
    assert_int_equal(facts.size, COUNT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_sends_bytes_type_and_their_signed_hash),
        cmocka_unit_test(a_type_that_breaks_the_line_is_not_sent),
        cmocka_unit_test(bytes_that_are_not_signed_are_proven_by_their_md5),
        cmocka_unit_test(bytes_that_were_kept_otherwise_are_an_error),
        cmocka_unit_test(conditions_that_do_not_hold_are_told_apart),
        cmocka_unit_test(a_put_without_condition_is_sent_once_unless_the_store_says_it_did_nothing),
        cmocka_unit_test(a_lost_answer_to_a_conditional_put_is_found_out),
        cmocka_unit_test(removing_looks_first_and_sends_the_version),
        cmocka_unit_test(a_copy_names_its_source_and_its_version),
        cmocka_unit_test(a_copy_of_another_version_is_taken_back),
        cmocka_unit_test(errors_of_a_copy_are_told_apart),
        cmocka_unit_test(a_refused_copy_names_whom_it_is_about),
        cmocka_unit_test(conditions_on_the_destination_are_looked_at_and_sent),
        cmocka_unit_test(what_is_too_large_for_one_request_is_copied_in_parts),
        cmocka_unit_test(parts_are_listed_by_number_and_sent_again_after_faults),
        cmocka_unit_test(parts_have_checksums_where_the_store_knows_them),
        cmocka_unit_test(a_part_that_was_kept_otherwise_is_an_error),
        cmocka_unit_test(a_store_that_refuses_checksums_gets_none),
        cmocka_unit_test(what_an_upload_is_refused_for_is_told),
        cmocka_unit_test(the_end_of_an_upload_says_what_came_of_it),
        cmocka_unit_test(an_upload_that_is_given_up_leaves_nothing),
        cmocka_unit_test(a_missing_part_is_found_before_the_end),
        cmocka_unit_test(an_upload_of_nothing_is_a_put),
        cmocka_unit_test(parts_may_be_sent_by_several_threads),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
