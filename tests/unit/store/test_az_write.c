/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/script.h"

#include <pthread.h>

#include "store/az/az.h"

/* Changes of the object d/a b.tif in container "cont" of account "acct", on a server that does as its script says. */
static void begin_as(fixture *f, const step *steps, const char *retries, const char *credentials)
{
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", fixture_start(f, steps));
    ncr_call *call =
        test_call_new(retries, "az.account=acct", "az.metadata_endpoint=disabled", endpoint, credentials, NULL);
    fixture_open(f, call, "az", NULL, false);
    fixture_set_object(f, "cont", "d/a b.tif", "az://cont/d/a b.tif");
}

static void begin(fixture *f, const step *steps, const char *retries)
{
    begin_as(f, steps, retries, "az.access_token=Hush");
}

static const ncr_version seven = {.strong = true, .token = "etag=\"0x7\""};
static const ncr_condition absent = {.absent = true}, only_seven = {.version = &seven};

#define PATH     "/acct/cont/d/a%20b.tif"
#define PUT      "PUT " PATH
#define HEAD     "HEAD " PATH
#define DELETE   "DELETE " PATH
#define MD5      "XrY7u+Ae7tCTyyK7j1rNww=="
#define IS(n)    "ETag: \"0x" n "\"\r\nLast-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\n"
#define OURS(n)  "Content-Length: 11\r\nContent-MD5: " MD5 "\r\nx-ms-blob-type: BlockBlob\r\n" IS(n)
#define OTHER(n) "Content-Length: 9\r\nContent-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\nx-ms-blob-type: BlockBlob\r\n" IS(n)
#define FAILS(c) "x-ms-error-code: " c "\r\n"

static void a_put_sends_type_checksum_and_condition(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {
        {PUT, "Content-MD5: " MD5, 201, IS("8") "Content-MD5: " MD5 "\r\nx-ms-version-id: v8\r\n", "", "hello world"},
        {PUT, "If-None-Match: *", 201, IS("9"), ""},
        {PUT, "If-Match: \"0x7\"", 201, IS("10"), ""},
        {PUT, "x-ms-blob-type: BlockBlob", 201, IS("11"), ""},
        {PUT, "x-ms-blob-content-type: text/plain", 201, IS("12"), ""},
        {PUT, "Authorization: Bearer Hush", 201, IS("13") "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", ""},
        {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    assert_string_equal(p.facts.version.token, "etag=\"0x8\"");
    assert_string_equal(p.facts.version.version_id, "v8");
    assert_string_equal(p.facts.checksum, "md5=" MD5);
    assert_string_equal(p.facts.content_type, "text/plain");
    assert_int_equal(p.facts.size, 11);
    assert_int_equal(p.facts.modified_ms, INT64_C(1604224800000));
    assert_int_equal(put(&f, &absent, &p), NACRE_OK);
    assert_int_equal(put(&f, &only_seven, &p), NACRE_OK);
    assert_string_equal(p.facts.version.token, "etag=\"0x10\"");
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(put(&f, NULL, &p), NACRE_OK);
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_CORRUPT);
    assert_contains(f.err.message, "what the store has kept is not what was sent");
    end(&f);
}

static void conditions_that_do_not_hold_are_told_apart(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{PUT, "If-None-Match: *", 409, FAILS("BlobAlreadyExists"), ""},
                          {PUT, "If-None-Match: *", 412, FAILS("ConditionNotMet"), ""},
                          {PUT, "If-Match: \"0x7\"", 412, FAILS("ConditionNotMet"), ""},
                          {HEAD, NULL, 200, OTHER("8"), NULL},
                          {PUT, "If-Match: \"0x7\"", 412, FAILS("ConditionNotMet"), ""},
                          {HEAD, NULL, 404, FAILS("BlobNotFound"), NULL},
                          {PUT, "If-Match: \"0x7\"", 412, FAILS("LeaseIdMissing"), ""},
                          {PUT, "!If-Match", 409, FAILS("BlobImmutableDueToPolicy"), ""},
                          {0}};
    begin(&f, steps, "http.retries=0");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(put(&f, &absent, &p), NACRE_ERROR_EXISTS);
        assert_string_equal(f.err.message, "az://cont/d/a b.tif: exists already");
        assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    }
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "etag=\"0x7\" and is now etag=\"0x8\"");
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(put(&f, &only_seven, &p), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "LeaseIdMissing");
    assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_DENIED);
    assert_contains(f.err.message, "BlobImmutableDueToPolicy");
    assert_int_equal(p.outcome, NCR_OUTCOME_NOT_DONE);
    static const ncr_version foreign = {.strong = true, .token = "generation=7"};
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
    const step steps[] = {{PUT, NULL, 503, FAILS("ServerBusy"), ""}, {PUT, NULL, 0}, {0}};
    begin(&f, steps, "http.retries=5");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(put(&f, NULL, &p), NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
    }
    end(&f);
}

static void a_lost_answer_to_a_conditional_put_is_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        int code;
        nacre_status status;
        ncr_outcome outcome;
    } ends[] = {{OURS("8"), 200, NACRE_OK, NCR_OUTCOME_DONE},
                {OTHER("8"), 200, NACRE_ERROR_EXISTS, NCR_OUTCOME_UNKNOWN},
                {FAILS("BlobNotFound"), 404, NACRE_ERROR_EXISTS, NCR_OUTCOME_UNKNOWN}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        fixture f;
        ncr_put p;
        const step steps[] = {{PUT, "If-None-Match: *", 0},
                              {PUT, "If-None-Match: *", 409, FAILS("BlobAlreadyExists"), ""},
                              {HEAD, NULL, ends[i].code, ends[i].now, NULL},
                              {0}};
        begin(&f, steps, "http.retries=2");
        assert_int_equal(put(&f, &absent, &p), ends[i].status);
        assert_int_equal(p.outcome, ends[i].outcome);
        if (ends[i].status == NACRE_OK)
            assert_string_equal(p.facts.version.token, "etag=\"0x8\"");
        end(&f);
    }
}

static void deletes_are_conditional_and_take_snapshots_along(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{DELETE, "x-ms-delete-snapshots: include", 202, NULL, ""},
                          {DELETE, "If-Match: \"0x7\"", 202, NULL, ""},
                          {DELETE, "If-Match: \"0x7\"", 412, FAILS("ConditionNotMet"), ""},
                          {HEAD, NULL, 200, OTHER("8"), NULL},
                          {DELETE, "If-Match: \"0x7\"", 404, FAILS("BlobNotFound"), ""},
                          {DELETE, "!If-Match", 404, FAILS("BlobNotFound"), ""},
                          {0}};
    begin(&f, steps, "http.retries=0");
    assert_int_equal(remove_object(f.object, f.call, NULL, &f.err), NACRE_OK);
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_OK);
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "is now etag=\"0x8\"");
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(remove_object(f.object, f.call, NULL, &f.err), NACRE_ERROR_NOT_FOUND);
    end(&f);
}

static void a_delete_whose_answer_was_lost_is_done_or_unknown(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{DELETE, "If-Match: \"0x7\"", 0},
                          {DELETE, "If-Match: \"0x7\"", 404, FAILS("BlobNotFound"), ""},
                          {DELETE, "!If-Match", 0},
                          {0}};
    begin(&f, steps, "http.retries=2");
    assert_int_equal(remove_object(f.object, f.call, &seven, &f.err), NACRE_OK);
    ncr_delete op = {.object = f.object, .call = f.call};
    assert_int_equal(f.store->class->remove(&op, &f.err), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(op.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

/* --- Copies. --- */

#define TO "PUT /acct/cont/to.tif"

static nacre_status copy(fixture *f, const ncr_version *source, const ncr_condition *condition, ncr_copy *out)
{
    ncr_object *to = ncr_object_new(f->store, "cont", "to.tif", "az://cont/to.tif", false);
    *out = (ncr_copy){.source = f->object, .destination = to, .call = f->call, .source_version = source};
    if (condition)
        out->condition = *condition;
    assert_true(f->store->class->can_copy(f->object, to));
    nacre_status status = f->store->class->copy(out, &f->err);
    ncr_object_unref(to);
    return status;
}

static void a_copy_is_pinned_and_proves_that_it_may_read(void **state)
{
    (void)state;
    static const struct {
        const char *credentials, *header;
    } kinds[] = {{"az.access_token=Hush", "x-ms-copy-source-authorization: Bearer Hush"},
                 {"az.access_token=Hush", "x-ms-source-if-match: \"0x7\""},
                 {"az.access_token=Hush", "x-ms-requires-sync: true"},
                 {"az.access_token=Hush", "If-None-Match: *"},
                 {"az.access_key=U0VDUkVU", "!x-ms-copy-source-authorization"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fixture f;
        ncr_copy c;
        const step steps[] = {{HEAD, NULL, 200, OURS("7") "Content-Type: text/plain\r\n", NULL},
                              {TO, kinds[i].header, 202, IS("9") "x-ms-copy-status: success\r\n", ""},
                              {0}};
        begin_as(&f, steps, "http.retries=0", kinds[i].credentials);
        assert_int_equal(copy(&f, &seven, &absent, &c), NACRE_OK);
        assert_int_equal(c.outcome, NCR_OUTCOME_DONE);
        assert_string_equal(c.facts.version.token, "etag=\"0x9\"");
        assert_string_equal(c.facts.checksum, "md5=" MD5);
        assert_string_equal(c.facts.content_type, "text/plain");
        assert_int_equal(c.facts.size, 11);
        end(&f);
    }
}

static void a_copy_with_a_signature_in_the_url_repeats_it(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    char source[160];
    step steps[] = {{HEAD "?sv=1&sig=Hush", NULL, 200, OURS("7"), NULL},
                    {TO "?sv=1&sig=Hush", source, 202, IS("9"), ""},
                    {TO "?sv=1&sig=Hush", source, 404, FAILS("CannotVerifyCopySource"), ""},
                    {HEAD "?sv=1&sig=Hush", NULL, 200, OURS("7"), NULL},
                    {0}};
    begin_as(&f, steps, "http.retries=0", "az.sas_token=sv=1&sig=Hush");
    snprintf(source, sizeof source, "x-ms-copy-source: http://127.0.0.1:%u%s?sv=1&sig=Hush",
             test_server_port(f.script.server), PATH);
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_OK);
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_ERROR_NOT_FOUND);
    assert_null(strstr(f.err.message, "Hush"));
    end(&f);
}

static void copies_whose_conditions_do_not_hold_say_whose(void **state)
{
    (void)state;
    fixture f;
    ncr_copy c;
    const step steps[] = {{HEAD, NULL, 200, OURS("8"), NULL}, /* not the version that was meant */
                          {HEAD, NULL, 404, FAILS("BlobNotFound"), NULL},
                          {HEAD, NULL, 200, OURS("7"), NULL}, /* overwritten right after */
                          {TO, NULL, 412, FAILS("SourceConditionNotMet"), ""},
                          {HEAD, NULL, 200, OTHER("8"), NULL},
                          {HEAD, NULL, 200, OURS("7"), NULL}, /* the destination is there */
                          {TO, "If-None-Match: *", 409, FAILS("BlobAlreadyExists"), ""},
                          {HEAD, NULL, 200, OURS("7"), NULL},
                          {HEAD, NULL, 200, OURS("7"), NULL}, /* the answer was lost: it is there by us */
                          {TO, "If-None-Match: *", 0},
                          {TO, "If-None-Match: *", 409, FAILS("BlobAlreadyExists"), ""},
                          {"HEAD /acct/cont/to.tif", NULL, 200, OURS("9"), NULL},
                          {HEAD, NULL, 200, OURS("7"), NULL}, /* in the background after all */
                          {TO, NULL, 202, IS("9") "x-ms-copy-status: pending\r\n", ""},
                          {0}};
    begin(&f, steps, "http.retries=2");
    assert_int_equal(copy(&f, &seven, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "az://cont/d/a b.tif: changed");
    assert_int_equal(copy(&f, &seven, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "no longer there");
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "az://cont/d/a b.tif: changed: it was opened as etag=\"0x7\" and is now");
    assert_int_equal(copy(&f, NULL, &absent, &c), NACRE_ERROR_EXISTS);
    assert_contains(f.err.message, "az://cont/to.tif: exists");
    assert_int_equal(copy(&f, NULL, &absent, &c), NACRE_OK);
    assert_string_equal(c.facts.version.token, "etag=\"0x9\"");
    assert_int_equal(copy(&f, NULL, NULL, &c), NACRE_ERROR_IO);
    assert_int_equal(c.outcome, NCR_OUTCOME_UNKNOWN);
    end(&f);
}

/* --- Uploads: parts have random names, so this server takes all. --- */

typedef struct blocks {
    pthread_mutex_t lock;
    unsigned parts, lists;
    char names[8][80];
    char list[2048], type[32], md5[32], match[32], ranges[256], meta[32];
    int part_status, list_status[4];
    const char *list_headers[4], *now;
} blocks;

static void take_part(blocks *b, const test_request *request, test_answer *answer)
{
    char range[64];
    const char *name = strstr(request->target, "blockid=") + strlen("blockid=");
    snprintf(b->names[b->parts++ % 8], sizeof b->names[0], "%s", name);
    if (test_request_header(request, "x-ms-source-range", range, sizeof range))
        snprintf(b->ranges + strlen(b->ranges), sizeof b->ranges - strlen(b->ranges), "%s ", range);
    answer->status = b->part_status ? b->part_status : 201;
    answer->headers = b->part_status == 400 ? FAILS("InvalidBlobOrBlock") : FAILS("ConditionNotMet");
}

static void take_list(blocks *b, const test_request *request, test_answer *answer)
{
    snprintf(b->list, sizeof b->list, "%.*s", (int)request->body_size, (const char *)request->body);
    test_request_header(request, "x-ms-blob-content-type", b->type, sizeof b->type);
    test_request_header(request, "x-ms-blob-content-md5", b->md5, sizeof b->md5);
    test_request_header(request, "x-ms-meta-a", b->meta, sizeof b->meta);
    if (!test_request_header(request, "If-None-Match", b->match, sizeof b->match))
        test_request_header(request, "If-Match", b->match, sizeof b->match);
    answer->status = b->list_status[b->lists % 4];
    answer->headers = b->list_headers[b->lists++ % 4];
}

static void answer_blocks(void *user, const test_request *request, test_answer *answer)
{
    blocks *b = user;
    pthread_mutex_lock(&b->lock);
    if (strstr(request->target, "comp=blocklist"))
        take_list(b, request, answer);
    else if (strstr(request->target, "comp=block&"))
        take_part(b, request, answer);
    else
        *answer = (test_answer){.status = b->now ? 200 : 404, .headers = b->now};
    pthread_mutex_unlock(&b->lock);
}

static void begin_blocks(fixture *f, blocks *b)
{
    char endpoint[96];
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&b->lock, NULL);
    f->script.server = test_server_start(answer_blocks, b);
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", test_server_port(f->script.server));
    ncr_call *call = test_call_new("http.retries=3", "az.account=acct", "az.access_key=U0VDUkVU", endpoint, NULL);
    fixture_open(f, call, "az", NULL, false);
    fixture_set_object(f, "cont", "d/a b.tif", "az://cont/d/a b.tif");
}

typedef struct part {
    ncr_upload *upload;
    unsigned number;
    const char *text;
    nacre_status status;
} part;

static void *send_part(void *user)
{
    part *p = user;
    p->status = p->upload->object->store->class->upload_part(p->upload, p->number, p->text, strlen(p->text), NULL);
    return NULL;
}

/* Sends three parts, the last first where they are at once. */
static ncr_upload *upload_parts(fixture *f, const ncr_condition *condition, bool at_once)
{
    ncr_upload *upload;
    pthread_t threads[3];
    if (f->store->class->upload_begin(f->object, f->call, condition, "image/tiff", &upload, &f->err) != NACRE_OK)
        fail_msg("%s", f->err.message);
    part parts[] = {{upload, 1, "hello", 0}, {upload, 2, " wor", 0}, {upload, 3, "ld", 0}};
    for (int i = 2; i >= 0 && at_once; i--)
        assert_int_equal(pthread_create(&threads[i], NULL, send_part, &parts[i]), 0);
    for (int i = 0; i < 3; i++) {
        if (at_once)
            pthread_join(threads[i], NULL);
        else
            send_part(&parts[i]);
        assert_int_equal(parts[i].status, NACRE_OK);
    }
    return upload;
}

static void an_upload_is_its_parts_in_their_order(void **state)
{
    (void)state;
    blocks b = {.list_status = {201, 201}, .list_headers = {IS("8"), IS("9")}};
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    char first[2048];
    begin_blocks(&f, &b);
    assert_int_equal(f.store->class->upload_finish(upload_parts(&f, &absent, true), &outcome, &facts, &f.err),
                     NACRE_OK);
    assert_int_equal(outcome, NCR_OUTCOME_DONE);
    assert_int_equal(b.parts, 3);
    assert_string_equal(b.match, "*");
    assert_string_equal(b.type, "image/tiff");
    assert_string_equal(b.md5, MD5);
    assert_string_equal(facts.checksum, "md5=" MD5);
    assert_string_equal(facts.version.token, "etag=\"0x8\"");
    assert_int_equal(facts.size, 11);
    snprintf(first, sizeof first, "%s", b.list);
    assert_int_equal(f.store->class->upload_finish(upload_parts(&f, &only_seven, false), &outcome, &facts, &f.err),
                     NACRE_OK);
    assert_string_equal(b.match, "\"0x7\"");
    assert_int_equal(b.parts, 6);
    assert_int_equal(strlen(b.list), strlen(first)); /* the store wants them equally long */
    const char *mine = strstr(first, "<Latest>"), *other = strstr(b.list, "<Latest>");
    assert_int_not_equal(strncmp(mine, other, 24), 0); /* and no two uploads may mix */
    assert_null(strstr(mine + 1, "<Latest></Latest>"));
    end(&f);
    pthread_mutex_destroy(&b.lock);
}

static void a_list_of_parts_is_sent_again_when_its_answer_is_lost(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *now;
        nacre_status result;
        ncr_outcome outcome;
    } ends[] = {
        {201, IS("8"), NULL, NACRE_OK, NCR_OUTCOME_DONE},
        {409, FAILS("BlobAlreadyExists"), OURS("8"), NACRE_OK, NCR_OUTCOME_DONE},
        {409, FAILS("BlobAlreadyExists"), OTHER("8"), NACRE_ERROR_EXISTS, NCR_OUTCOME_UNKNOWN},
        {400, FAILS("InvalidBlockList"), OURS("8"), NACRE_OK, NCR_OUTCOME_DONE},
        {400, FAILS("InvalidBlockList"), OTHER("8"), NACRE_ERROR_CHANGED, NCR_OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        blocks b = {.list_status = {0, ends[i].status}, .list_headers = {NULL, ends[i].headers}, .now = ends[i].now};
        fixture f;
        ncr_outcome outcome;
        ncr_object_facts facts;
        begin_blocks(&f, &b);
        assert_int_equal(f.store->class->upload_finish(upload_parts(&f, &absent, false), &outcome, &facts, &f.err),
                         ends[i].result);
        assert_int_equal(outcome, ends[i].outcome);
        assert_int_equal(b.lists, 2);
        if (ends[i].result == NACRE_OK)
            assert_string_equal(facts.version.token, "etag=\"0x8\"");
        end(&f);
        pthread_mutex_destroy(&b.lock);
    }
}

static void an_upload_that_another_one_overtook_is_changed(void **state)
{
    (void)state;
    blocks b = {.list_status = {400}, .list_headers = {FAILS("InvalidBlockList")}};
    fixture f;
    ncr_outcome outcome;
    ncr_object_facts facts;
    begin_blocks(&f, &b);
    assert_int_equal(f.store->class->upload_finish(upload_parts(&f, NULL, false), &outcome, &facts, &f.err),
                     NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "another program wrote the object meanwhile");
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
    pthread_mutex_destroy(&b.lock);
}

static void an_upload_that_is_given_up_sends_no_list(void **state)
{
    (void)state;
    blocks b = {.part_status = 400};
    fixture f;
    ncr_upload *upload;
    begin_blocks(&f, &b);
    assert_int_equal(f.store->class->upload_begin(f.object, f.call, NULL, NULL, &upload, &f.err), NACRE_OK);
    assert_int_equal(f.store->class->upload_part(upload, 1, "hello", 5, &f.err), NACRE_ERROR_IO);
    assert_contains(f.err.message, "parts that another program left");
    f.store->class->upload_abort(upload);
    f.store->class->upload_abort(NULL);
    assert_int_equal(b.lists, 0);
    end(&f);
    pthread_mutex_destroy(&b.lock);
}

static void a_large_copy_is_made_of_parts(void **state)
{
    (void)state;
    blocks b = {.list_status = {201}, .list_headers = {IS("9")}};
    b.now = "Content-Length: 419430400\r\nContent-MD5: " MD5 "\r\nContent-Type: image/tiff\r\nx-ms-meta-a: b c\r\n"
            "x-ms-blob-type: BlockBlob\r\n" IS("7");
    fixture f;
    ncr_copy c;
    begin_blocks(&f, &b);
    assert_int_equal(copy(&f, &seven, &absent, &c), NACRE_OK);
    assert_int_equal(c.outcome, NCR_OUTCOME_DONE);
    assert_int_equal(b.parts, 4);
    assert_string_equal(b.ranges, "bytes=0-104857599 bytes=104857600-209715199 bytes=209715200-314572799 "
                                  "bytes=314572800-419430399 ");
    assert_string_equal(b.match, "*");
    assert_string_equal(b.md5, MD5);
    assert_string_equal(b.type, "image/tiff");
    assert_string_equal(b.meta, "b c");
    assert_int_equal(c.facts.size, 419430400);
    assert_string_equal(c.facts.checksum, "md5=" MD5);
    b.part_status = 412;
    assert_int_equal(copy(&f, &seven, NULL, &c), NACRE_ERROR_CHANGED);
    assert_contains(f.err.message, "az://cont/d/a b.tif: changed: it was opened as etag=\"0x7\"");
    end(&f);
    pthread_mutex_destroy(&b.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_sends_type_checksum_and_condition),
        cmocka_unit_test(conditions_that_do_not_hold_are_told_apart),
        cmocka_unit_test(a_put_without_condition_is_sent_once),
        cmocka_unit_test(a_lost_answer_to_a_conditional_put_is_found_out),
        cmocka_unit_test(deletes_are_conditional_and_take_snapshots_along),
        cmocka_unit_test(a_delete_whose_answer_was_lost_is_done_or_unknown),
        cmocka_unit_test(a_copy_is_pinned_and_proves_that_it_may_read),
        cmocka_unit_test(a_copy_with_a_signature_in_the_url_repeats_it),
        cmocka_unit_test(copies_whose_conditions_do_not_hold_say_whose),
        cmocka_unit_test(an_upload_is_its_parts_in_their_order),
        cmocka_unit_test(a_list_of_parts_is_sent_again_when_its_answer_is_lost),
        cmocka_unit_test(an_upload_that_another_one_overtook_is_changed),
        cmocka_unit_test(an_upload_that_is_given_up_sends_no_list),
        cmocka_unit_test(a_large_copy_is_made_of_parts),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
