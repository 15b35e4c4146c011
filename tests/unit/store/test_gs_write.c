/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/gs_fixture.h"

#include "store/gs/gs.h"

/* Changes of the object. */

static void begin(fixture *f, const step *steps, const char *retries)
{
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "gs.endpoint=http://127.0.0.1:%u", fixture_start(f, steps));
    gs_open(f, test_call_new(retries, endpoint, "gs.access_token=secret", NULL), false);
}

static const ncr_condition absent = {.absent = true}, only_seven = {.version = &seven};

#define POST      "POST /upload/storage/v1/b/bkt/o?uploadType=multipart"
#define OURS(n)   "{\"generation\":\"" n "\",\"size\":\"11\",\"crc32c\":\"yZRlqg==\",\"contentType\":\"text/plain\"}"
#define THEIRS(n) "{\"generation\":\"" n "\",\"size\":\"9\",\"crc32c\":\"4waSgw==\"}"

static void a_put_sends_metadata_checksum_and_bytes(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{POST, "Authorization: Bearer secret", 200, NULL, OURS("8"),
                           "{\"name\":\"d/a b.tif\",\"contentType\":\"text/plain\",\"crc32c\":\"yZRlqg==\"}\r\n--"},
                          {POST "&ifGenerationMatch=0", NULL, 200, NULL, OURS("9"),
                           "\r\nContent-Type: text/plain\r\n\r\nhello world\r\n--"},
                          {POST "&ifGenerationMatch=7", NULL, 200, NULL, OURS("10")},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "generation=8");
    assert_int_equal(p.facts.size, 11);
    assert_string_equal(p.facts.content_type, "text/plain");
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_OK);
    assert_string_equal(p.facts.version.token, "generation=10");
    end(&f);
}

static void conditions_that_do_not_hold_are_told_apart(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{POST "&ifGenerationMatch=0", NULL, 412, NULL, "{}"},
                          {POST "&ifGenerationMatch=7", NULL, 412, NULL, "{}"},
                          {METADATA, NULL, 200, NULL, THEIRS("8")},
                          {POST "&ifGenerationMatch=7", NULL, 412, NULL, "{}"},
                          {METADATA, NULL, 404, NULL, "{}"},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_string_equal(f.err.message, "gs://bkt/d/a b.tif: exists already");
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "generation=7 and is now generation=8");
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    static const ncr_version foreign = {.strong = true, .token = "etag=\"a\""};
    ncr_condition other = {.version = &foreign};
    assert_int_equal(put(&f, &other, &p), NACRE_ERROR_INVALID);
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void a_put_without_condition_is_sent_once(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{POST, NULL, 503, NULL, "{}"}, {POST, NULL, 0}, {0}};
    begin(&f, steps, "http.retries=5");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

static void a_lost_answer_to_a_conditional_put_is_found_out(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        /* The first attempt took effect, and its answer was lost: what stands in the way is our own. */
        {POST "&ifGenerationMatch=0", NULL, 503, NULL, "{}"},
        {POST "&ifGenerationMatch=0", NULL, 412, NULL, "{}"},
        {METADATA, NULL, 200, NULL, OURS("8")},
        /* It is another's. */
        {POST "&ifGenerationMatch=0", NULL, 503, NULL, "{}"},
        {POST "&ifGenerationMatch=0", NULL, 412, NULL, "{}"},
        {METADATA, NULL, 200, NULL, THEIRS("9")},
        {0}};
    begin(&f, steps, "http.retries=5");
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "generation=8");
    assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
    assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

static void what_the_store_kept_is_compared(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{POST, NULL, 200, NULL, THEIRS("8")},
                          {POST, NULL, 200, NULL, "{\"generation\":\"8\",\"size\":\"11\"}"},
                          {POST, NULL, 200, NULL, "no json"},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_CORRUPT);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_int_equal(put(&f, NULL, &p), NACRE_OK); /* no checksum to compare with */
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_CORRUPT);
    end(&f);
}

static void denied_and_missing_buckets_are_said_clearly(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{POST, NULL, 404, NULL, "{\"error\":{\"message\":\"The specified bucket does not exist.\"}}"},
                          {POST, NULL, 403, NULL, "{\"error\":{\"message\":\"read only\"}}"},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_NOT_FOUND);
    assert_contains(f.err.message, "there is no bucket 'bkt'");
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_DENIED);
    assert_string_equal(f.err.message, "gs://bkt/d/a b.tif: denied (403), or missing: the credentials from "
                                       "gs.access_token do not allow it: read only");
    end(&f);
}

static void names_must_be_utf8(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{0}};
    begin(&f, steps, "http.retries=0");
    ncr_object *odd = ncr_object_new(f.store, "bkt", "a\xff", "gs://bkt/a\xff", false);
    ncr_upload *upload;
    assert_int_equal(put_text(odd, f.call, "x", NULL, NULL, &f.err), NACRE_ERROR_INVALID);
    assert_int_equal(f.store->class->upload_begin(odd, f.call, NULL, NULL, &upload, &f.err), NACRE_ERROR_INVALID);
    ncr_object_unref(odd);
    end(&f);
}

static void deletes_are_conditional(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"DELETE " PATH, NULL, 204},
                          {"DELETE " PATH, NULL, 404, NULL, "{}"},
                          {"DELETE " PATH "?ifGenerationMatch=7", NULL, 204},
                          {"DELETE " PATH "?ifGenerationMatch=7", NULL, 404, NULL, "{}"},
                          {"DELETE " PATH "?ifGenerationMatch=7", NULL, 412, NULL, "{}"},
                          {METADATA, NULL, 200, NULL, THEIRS("8")},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(remove_object(f.object, f.call, NULL, &f.err), NACRE_OK);
    assert_int_equal(remove_object(f.object, f.call, NULL, &f.err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_OK);
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_ERROR_CHANGED);
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "generation=8");
    end(&f);
}

static void a_delete_whose_answer_was_lost_is_done_or_unknown(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"DELETE " PATH "?ifGenerationMatch=7", NULL, 503, NULL, "{}"},
                          {"DELETE " PATH "?ifGenerationMatch=7", NULL, 404, NULL, "{}"},
                          {"DELETE " PATH, NULL, 503, NULL, "{}"},
                          {0}};
    begin(&f, steps, "http.retries=3");
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_OK);
    ncr_delete op = {.object = f.object, .call = f.call};
    assert_int_equal(f.store->class->remove(&op, &f.err), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(op.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

static void a_copy_goes_on_until_the_store_is_done(void **state)
{
    (void)state;
    fixture f;
#define REWRITE "POST " PATH "/rewriteTo/b/other/o/e%2Ff?ifSourceGenerationMatch=7"
    const step steps[] = {
        {REWRITE, NULL, 200, NULL, "{\"done\":false,\"rewriteToken\":\"t/1\"}"},
        {REWRITE "&rewriteToken=t%2F1", NULL, 200, NULL, "{\"done\":true,\"resource\":" OURS("9") "}"},
        {REWRITE, NULL, 412, NULL, "{}"}, /* the source is another */
        {METADATA, NULL, 200, NULL, THEIRS("8")},
        {REWRITE "&ifGenerationMatch=0", NULL, 412, NULL, "{}"}, /* the destination is there */
        {METADATA, NULL, 200, NULL, THEIRS("7")},
        {REWRITE, NULL, 404, NULL, "{}"},
        {METADATA, NULL, 404, NULL, "{}"},
        {REWRITE, NULL, 200, NULL, "{\"done\":false}"},
        {0}};
    begin(&f, steps, "http.retries=0");
    ncr_object *to = ncr_object_new(f.store, "other", "e/f", "gs://other/e/f", false);
    ncr_copy copy = {.source = f.object, .destination = to, .call = f.call, .source_version = &seven};
    const ncr_store_class *c = f.store->class;
    assert_true(c->can_copy(f.object, to));
    assert_int_equal(c->copy(&copy, &f.err), NACRE_OK);
    assert_int_equal(copy.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(copy.facts.version.token, "generation=9");
    assert_int_equal(c->copy(&copy, &f.err), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "gs://bkt/d/a b.tif: changed");
    copy.condition.absent = true;
    assert_int_equal(c->copy(&copy, &f.err), NACRE_ERROR_EXISTS);
    assert_string_equal(f.err.message, "gs://other/e/f: exists already");
    assert_int_equal(copy.outcome, NCR_OUTCOME_NOT_DONE);
    copy.condition.absent = false;
    assert_int_equal(c->copy(&copy, &f.err), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(c->copy(&copy, &f.err), NACRE_ERROR_CORRUPT);
    ncr_object_unref(to);
    end(&f);
}

static void a_refused_copy_names_whom_it_is_about(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{REWRITE, NULL, 404, NULL, "{}"},
                          {METADATA, NULL, 200, NULL, THEIRS("7")},
                          {REWRITE, NULL, 403, NULL, "{}"},
                          {METADATA, NULL, 200, NULL, THEIRS("7")},
                          {REWRITE, NULL, 403, NULL, "{}"},
                          {METADATA, NULL, 403, NULL, "{}"},
                          {0}};
    begin(&f, steps, "http.retries=0");
    ncr_object *to = ncr_object_new(f.store, "other", "e/f", "gs://other/e/f", false);
    ncr_copy copy = {.source = f.object, .destination = to, .call = f.call, .source_version = &seven};
    assert_int_equal(f.store->class->copy(&copy, &f.err), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(f.err.message, "gs://other/e/f: not found (404): there is no bucket 'other'");
    assert_int_equal(f.store->class->copy(&copy, &f.err), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "gs://other/e/f: denied");
    assert_int_equal(f.store->class->copy(&copy, &f.err), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "gs://bkt/d/a b.tif: denied");
    ncr_object_unref(to);
    end(&f);
}

/* --- Uploads. --- */

#define BEGIN   "POST /upload/storage/v1/b/bkt/o?uploadType=resumable&name=d%2Fa%20b.tif"
#define SESSION "Location: http://elsewhere:99/session?id=1\r\n"
#define PUT     "PUT /session?id=1"
#define GRAIN   262144

static const char *grain_of_zeros(void)
{
    static char zeros[2 * GRAIN];
    return zeros;
}

static void an_upload_sends_parts_and_then_the_size(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {
        {BEGIN "&ifGenerationMatch=0", "Authorization: Bearer secret", 200, SESSION, NULL,
         "{\"name\":\"d/a b.tif\",\"contentType\":\"a/b\"}"},
        {PUT, "Content-Range: bytes 0-262143/*", 308, "Range: bytes=0-262143\r\n"},
        {PUT, "Content-Range: bytes 262144-262148/262149", 200, NULL, "{\"generation\":\"8\",\"size\":\"262149\"}",
         "hello"},
        /* nothing over: the size comes alone */
        {BEGIN, NULL, 200, SESSION},
        {PUT, "!Authorization", 308, "Range: bytes=0-262143\r\n"},
        {PUT, "Content-Range: bytes */262144", 200, NULL, "{\"generation\":\"9\",\"size\":\"262144\"}"},
        /* nothing at all */
        {BEGIN, NULL, 200, SESSION},
        {PUT, "X-Goog-Hash: crc32c=AAAAAA==", 200, NULL,
         "{\"generation\":\"10\",\"size\":\"0\",\"crc32c\":\"AAAAAA==\"}"},
        {0}};
    begin(&f, steps, "http.retries=0");
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, &absent, "a/b", &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, grain_of_zeros(), GRAIN, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hel", 3, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "lo", 2, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_string_equal(facts.version.token, "generation=8");
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, grain_of_zeros(), GRAIN, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_OK);
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_OK);
    assert_string_equal(facts.version.token, "generation=10");
    end(&f);
}

static void an_upload_goes_on_from_where_the_store_is(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {
        {BEGIN, NULL, 200, SESSION},
        {PUT, "Content-Range: bytes 0-524287/*", 503, NULL, "{}"},
        {PUT, "Content-Range: bytes */*", 308, "Range: bytes=0-262143\r\n"},
        {PUT, "Content-Range: bytes 262144-524287/*", 0}, /* the connection breaks, and all was taken */
        {PUT, "Content-Range: bytes */*", 308, "Range: bytes=0-524287\r\n"},
        {PUT, "Content-Range: bytes 524288-524292/524293", 0},
        {PUT, "Content-Range: bytes */524293", 308, "Range: bytes=0-524287\r\n"},
        {PUT, "Content-Range: bytes 524288-524292/524293", 500, NULL, "{}"},
        {PUT, "Content-Range: bytes */524293", 200, NULL, "{\"generation\":\"8\",\"size\":\"524293\"}"},
        {0}};
    begin(&f, steps, "http.retries=0");
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, grain_of_zeros(), 2 * GRAIN, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hello", 5, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(facts.size, 524293);
    end(&f);
}

static void an_upload_that_cannot_go_on_is_unknown(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {{BEGIN, NULL, 200, SESSION},
                          {PUT, "Content-Range: bytes 0-4/5", 0},
                          {PUT, "Content-Range: bytes */5", 503, NULL, "{}"},
                          {"DELETE /session?id=1", NULL, 499},
                          {BEGIN, NULL, 200, SESSION},
                          {PUT, "Content-Range: bytes 0-262143/*", 503, NULL, "{}"},
                          {PUT, "Content-Range: bytes */*", 404, NULL, "gone"},
                          {"DELETE /session?id=1", NULL, 404},
                          {0}};
    begin(&f, steps, "http.retries=0");
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hello", 5, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(outcome, NCR_OUTCOME_UNKNOWN);
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_not_equal(c->upload_part(upload, 1, grain_of_zeros(), GRAIN, &f.err), NACRE_OK);
    c->upload_abort(upload);
    end(&f);
}

/* Else the bytes that were sent stay with the store, and are paid for, for a week. */
static void an_upload_whose_call_was_cancelled_is_given_up_at_the_store(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    const step steps[] = {{BEGIN, NULL, 200, SESSION}, {"DELETE /session?id=1", NULL, 499}, {0}};
    nacre_cancel *cancel = nacre_cancel_new();
    begin(&f, steps, "http.retries=0");
    f.call->cancel = cancel; /* the call releases it */
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    nacre_cancel_trigger(cancel);
    assert_int_equal(c->upload_part(upload, 1, grain_of_zeros(), GRAIN, &f.err), NACRE_ERROR_CANCELLED);
    c->upload_abort(upload);
    end(&f);
}

static void an_upload_keeps_its_condition(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {{BEGIN "&ifGenerationMatch=0", NULL, 412, NULL, "{}"}, /* seen at the beginning */
                          {BEGIN "&ifGenerationMatch=0", NULL, 200, SESSION},
                          {PUT, "Content-Range: bytes 0-4/5", 412, NULL, "{}"}, /* or at the end */
                          {"DELETE /session?id=1", NULL, 499},
                          {0}};
    begin(&f, steps, "http.retries=0");
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, &absent, NULL, &upload, &f.err), NACRE_ERROR_EXISTS);
    assert_null(upload);
    assert_int_equal(c->upload_begin(f.object, f.call, &absent, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hello", 5, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_ERROR_EXISTS);
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void an_upload_that_was_kept_wrong_is_removed(void **state)
{
    (void)state;
    fixture f;
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    const step steps[] = {
        {BEGIN, NULL, 200, SESSION},
        {PUT, "Content-Range: bytes 0-4/5", 200, NULL, "{\"generation\":\"8\",\"size\":\"5\",\"crc32c\":\"AAAAAA==\"}"},
        {"DELETE " PATH "?ifGenerationMatch=8", NULL, 204},
        {0}};
    begin(&f, steps, "http.retries=0");
    const ncr_store_class *c = f.store->class;
    assert_int_equal(c->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "hello", 5, &f.err), NACRE_OK);
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &f.err), NACRE_ERROR_CORRUPT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_sends_metadata_checksum_and_bytes),
        cmocka_unit_test(conditions_that_do_not_hold_are_told_apart),
        cmocka_unit_test(a_put_without_condition_is_sent_once),
        cmocka_unit_test(a_lost_answer_to_a_conditional_put_is_found_out),
        cmocka_unit_test(what_the_store_kept_is_compared),
        cmocka_unit_test(denied_and_missing_buckets_are_said_clearly),
        cmocka_unit_test(names_must_be_utf8),
        cmocka_unit_test(deletes_are_conditional),
        cmocka_unit_test(a_delete_whose_answer_was_lost_is_done_or_unknown),
        cmocka_unit_test(a_copy_goes_on_until_the_store_is_done),
        cmocka_unit_test(a_refused_copy_names_whom_it_is_about),
        cmocka_unit_test(an_upload_sends_parts_and_then_the_size),
        cmocka_unit_test(an_upload_goes_on_from_where_the_store_is),
        cmocka_unit_test(an_upload_that_cannot_go_on_is_unknown),
        cmocka_unit_test(an_upload_whose_call_was_cancelled_is_given_up_at_the_store),
        cmocka_unit_test(an_upload_keeps_its_condition),
        cmocka_unit_test(an_upload_that_was_kept_wrong_is_removed),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
