/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/s3_fixture.h"

#include "base/clock.h"
#include "store/crc64nvme.h"
#include "store/s3/s3.h"

/* Reads of the object "d/a b.tif" in bucket "bkt", on a server that does as its script says. */

#define KEYS "s3.access_key_id=AKIDEXAMPLE", "s3.secret_access_key=secret"

static void begin(fixture *f, const step *steps, const char *more)
{
    s3_open(f, steps, false, "http.retries=0", more);
}

#define ETAG "\"9a0364b9e99bb480dd25e1f0284c8555\"" /* the MD5 of "content" */

static const ncr_version pinned = {.strong = true, .token = "etag=" ETAG};
static const ncr_version kept = {.strong = true, .token = "etag=" ETAG, .version_id = "v1"};

static nacre_status read_four(fixture *f, ncr_get *get, uint8_t buffer[4], ncr_match match, const ncr_version *version)
{
    *get = (ncr_get){.object = f->object, .call = f->call, .length = 4, .buffer = buffer};
    get->match = match;
    get->version = version;
    return run_get(get);
}

static void a_range_is_asked_for_and_signed(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {{"GET " TARGET, "Range: bytes=0-3", 206,
                           "ETag: " ETAG "\r\nContent-Range: bytes 0-3/7\r\nx-amz-version-id: v1\r\n"
                           "Content-Type: image/tiff\r\nLast-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\n",
                           "cont"},
                          {0}};
    begin(&f, steps, NULL);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_int_equal(get.got, 4);
    assert_memory_equal(buffer, "cont", 4);
    assert_int_equal(get.facts.size, 7);
    assert_string_equal(get.facts.version.token, "etag=" ETAG);
    assert_true(get.facts.version.strong);
    assert_string_equal(get.facts.version.version_id, "v1");
    assert_string_equal(get.facts.content_type, "image/tiff");
    assert_int_equal(get.facts.modified_ms, 1604224800000);
    assert_string_equal(get.facts.checksum, "md5=mgNkuembtIDdJeHwKEyFVQ==");
    char value[1024];
    const test_request *request = test_server_request(f.script.server, 0);
    assert_true(test_request_header(request, "Authorization", value, sizeof value));
    assert_contains(value, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/");
    assert_contains(value, "/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date");
    assert_false(test_request_header(request, "x-amz-request-payer", value, sizeof value));
    assert_false(test_request_header(request, "If-Match", value, sizeof value));
    end(&f);
}

static void whole_reads_are_held_against_their_checksum(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {"GET " TARGET, "x-amz-checksum-mode: ENABLED", 200, "ETag: " ETAG "\r\n", "content"},
        {"GET " TARGET, NULL, 200, "ETag: " ETAG "\r\n", "CONTENT"},
        {"GET " TARGET, NULL, 200, "ETag: \"abc-2\"\r\nx-amz-checksum-crc32c: yZRlqg==\r\n", "hello world"},
        {"GET " TARGET, NULL, 200, "ETag: \"abc-2\"\r\nx-amz-checksum-crc32c: yZRlqg==\r\n", "hello World"},
        {"GET " TARGET, NULL, 200, "ETag: \"abc-2\"\r\nx-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n", "123456789"},
        {"GET " TARGET, NULL, 200, "ETag: \"abc-2\"\r\nx-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n", "123456780"},
        /* ETags that are no MD5: of a key of the user's, of several parts. */
        {"GET " TARGET, NULL, 200, "ETag: " ETAG "\r\nx-amz-server-side-encryption: aws:kms\r\n", "CONTENT"},
        {"GET " TARGET, NULL, 200, "ETag: \"9a0364b9e99bb480dd25e1f0284c8555-2\"\r\n", "CONTENT"},
        {"GET " TARGET, NULL, 200, "ETag: \"a\"\r\nx-amz-checksum-crc32c: yZRlqg==-3\r\n", "CONTENT"},
        {0}};
    const nacre_status expected[] = {NACRE_OK, NACRE_ERROR_CORRUPT, NACRE_OK, NACRE_ERROR_CORRUPT,
                                     NACRE_OK, NACRE_ERROR_CORRUPT, NACRE_OK, NACRE_OK,
                                     NACRE_OK};
    begin(&f, steps, NULL);
    for (int i = 0; i < 9; i++) {
        ncr_get get = {.object = f.object, .call = f.call, .length = SIZE_MAX};
        assert_int_equal(run_get(&get), expected[i]);
        if (expected[i] == NACRE_ERROR_CORRUPT)
            assert_contains(get.error.message, "s3://bkt/d/a b.tif: the bytes that came have the checksum");
        free(get.whole);
    }
    end(&f);
}

static void the_checksum_of_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    assert_true(ncr_crc64nvme(0, "123456789", 9) == 0xae8b14860a799888); /* the check value of CRC-64/NVME */
    uint8_t *data = test_bytes(1000, 1);
    uint64_t whole = ncr_crc64nvme(0, data, 1000);
    for (size_t cut = 0; cut <= 1000; cut += 37)
        assert_true(ncr_crc64nvme(ncr_crc64nvme(0, data, cut), data + cut, 1000 - cut) == whole);
    free(data);
}

static void a_pinned_read_sends_its_version_and_compares_the_answer(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {
        {"GET " TARGET, "If-Match: " ETAG, 206, "ETag: " ETAG "\r\nContent-Range: bytes 0-3/7\r\n", "cont"},
        {"GET " TARGET, "If-Match: " ETAG, 412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"},
        {"GET " TARGET, NULL, 206, "ETag: \"other\"\r\nContent-Range: bytes 0-3/7\r\n", "CONT"},
        {"GET " TARGET, NULL, 206, "Content-Range: bytes 0-3/7\r\n", "CONT"},
        {"GET " TARGET, NULL, 404, NULL, "<Error><Code>NoSuchKey</Code></Error>"},
        {0}};
    begin(&f, steps, NULL);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_VERSION, &pinned), NACRE_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_VERSION, &pinned), NACRE_ERROR_CHANGED);
    end(&f);
}

static void a_replaced_version_is_read_by_its_id_where_the_bucket_keeps_it(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const char *good = "ETag: " ETAG "\r\nContent-Range: bytes 0-3/7\r\nx-amz-version-id: v1\r\n";
    const step steps[] = {
        {"GET " TARGET, "If-Match: " ETAG, 412, NULL, NULL},
        {"GET " TARGET "?versionId=v1", "!If-Match", 206, good, "cont"},
        {"GET " TARGET, NULL, 404, "x-amz-delete-marker: true\r\n", NULL},
        {"GET " TARGET "?versionId=v1", NULL, 206, good, "cont"},
        /* A server that ignores the condition. */
        {"GET " TARGET, NULL, 206, "ETag: \"new\"\r\nContent-Range: bytes 0-3/7\r\n", "CONT"},
        {"GET " TARGET "?versionId=v1", NULL, 206, good, "cont"},
        /* Not for us, not there any more, and not what it was. */
        {"GET " TARGET, NULL, 412, NULL, NULL},
        {"GET " TARGET "?versionId=v1", NULL, 403, NULL, "<Error><Code>AccessDenied</Code></Error>"},
        {"GET " TARGET, NULL, 412, NULL, NULL},
        {"GET " TARGET "?versionId=v1", NULL, 404, NULL, "<Error><Code>NoSuchVersion</Code></Error>"},
        {"GET " TARGET, NULL, 412, NULL, NULL},
        {"GET " TARGET "?versionId=v1", NULL, 206, "ETag: \"new\"\r\nContent-Range: bytes 0-3/7\r\n", "CONT"},
        {0}};
    begin(&f, steps, NULL);
    for (int i = 0; i < 6; i++) {
        nacre_status expected = i < 3 ? NACRE_OK : NACRE_ERROR_CHANGED;
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_VERSION, &kept), expected);
        if (expected == NACRE_OK)
            assert_memory_equal(buffer, "cont", 4);
    }
    end(&f);
}

static void a_proof_is_believed_only_when_it_does_not_contradict_itself(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {
        {"GET " TARGET, "If-None-Match: " ETAG, 304, "ETag: " ETAG "\r\n", NULL},
        {"GET " TARGET, "If-None-Match: " ETAG, 304, NULL, NULL},
        {"GET " TARGET, "If-None-Match: " ETAG, 304, "ETag: \"other\"\r\n", NULL},
        {"GET " TARGET, "!If-None-Match", 206, "ETag: \"other\"\r\nContent-Range: bytes 0-3/9\r\n", "CONT"},
        {"GET " TARGET, "If-None-Match: " ETAG, 206, "ETag: \"new\"\r\nContent-Range: bytes 0-3/9\r\n", "CONT"},
        {0}};
    begin(&f, steps, NULL);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_MODIFIED, &kept), NACRE_OK);
        assert_int_equal(get.not_modified, i < 2);
        if (i < 2)
            assert_string_equal(get.facts.version.version_id, "v1");
    }
    assert_string_equal(get.facts.version.token, "etag=\"new\"");
    end(&f);
}

static void weak_and_missing_etags_prove_nothing(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const ncr_version weak = {.token = "etag=W/\"a\""};
    const step steps[] = {{"GET " TARGET, "!If-Match", 206, "ETag: W/\"a\"\r\nContent-Range: bytes 0-3/7\r\n", "cont"},
                          {"GET " TARGET, "!If-None-Match", 206, "Content-Range: bytes 0-3/7\r\n", "cont"},
                          {"GET " TARGET, NULL, 206, "ETag: bare\r\nContent-Range: bytes 0-3/7\r\n", "cont"},
                          {0}};
    begin(&f, steps, NULL);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_VERSION, &weak), NACRE_OK);
    assert_false(get.facts.version.strong);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_MODIFIED, &weak), NACRE_OK);
    assert_string_equal(get.facts.version.token, "");
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_string_equal(get.facts.version.token, "etag=\"bare\""); /* as servers that leave the quotes out mean it */
    end(&f);
}

static void a_range_beyond_the_end_is_empty(void **state)
{
    (void)state;
    fixture f;
    uint8_t buffer[4];
    const char *head = "ETag: " ETAG "\r\nContent-Length: 7\r\n";
    const step steps[] = {{"GET " TARGET, "Range: bytes=7-10", 416, NULL, "<Error><Code>InvalidRange</Code></Error>"},
                          {"HEAD " TARGET, NULL, 200, head, NULL},
                          {"GET " TARGET, "Range: bytes=2-5", 416, NULL, NULL},
                          {"HEAD " TARGET, NULL, 200, head, NULL},
                          {0}};
    begin(&f, steps, NULL);
    ncr_get get = {.object = f.object, .call = f.call, .offset = 7, .length = 4, .buffer = buffer};
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_int_equal(get.got, 0);
    assert_int_equal(get.facts.size, 7);
    get = (ncr_get){.object = f.object, .call = f.call, .offset = 2, .length = 4, .buffer = buffer};
    assert_int_equal(run_get(&get), NACRE_ERROR_IO);
    end(&f);
}

#define PART  "Content-Range: bytes 0-3/7\r\n"
#define CODED "Content-Encoding: gzip\r\n"

/* S3 does not pack anything: it repeats what the object was given. Somebody on the way may. */
static void a_coding_is_the_objects_own_where_its_head_says_so(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {{"GET " TARGET, NULL, 206, "ETag: " ETAG "\r\n" PART CODED, "cont"},
                          {"HEAD " TARGET, NULL, 200, "ETag: " ETAG "\r\n" CODED, NULL},
                          {"GET " TARGET, NULL, 206, "ETag: " ETAG "\r\n" PART CODED, "cont"},
                          /* HEAD tells of none, or of what somebody has packed */
                          {"GET " TARGET, NULL, 206, "ETag: " ETAG "\r\n" PART CODED, "cont"},
                          {"HEAD " TARGET, NULL, 200, "ETag: " ETAG "\r\n", NULL},
                          {"GET " TARGET, NULL, 206, "ETag: " ETAG "\r\n" PART CODED, "cont"},
                          {"HEAD " TARGET, NULL, 200, "ETag: W/" ETAG "\r\n" CODED, NULL},
                          {"GET " TARGET, NULL, 206, "ETag: " ETAG "\r\n" PART CODED, "cont"},
                          {"HEAD " TARGET, NULL, 403, NULL, NULL},
                          {0}};
    begin(&f, steps, NULL);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_VERSION, &pinned), NACRE_OK);
    assert_memory_equal(buffer, "cont", 4);
    assert_int_equal(get.round, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_ERROR_CORRUPT);
        assert_contains(get.error.message, "s3://bkt/d/a b.tif: server sent a body encoded with gzip");
    }
    end(&f);
}

static void stat_reads_headers_and_says_missing_or_denied(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"HEAD " TARGET, NULL, 200, "ETag: " ETAG "\r\nContent-Length: 7\r\n", NULL},
                          {"HEAD " TARGET, NULL, 404, NULL, NULL},
                          {"HEAD " TARGET, NULL, 403, NULL, NULL},
                          {0}};
    begin(&f, steps, NULL);
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_int_equal(op.facts.size, 7);
    assert_string_equal(op.facts.version.token, "etag=" ETAG);
    assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
    assert_contains(op.error.message, "s3://bkt/d/a b.tif: missing or denied (403)");
    assert_contains(op.error.message, "asked with the credentials from s3.access_key_id");
    end(&f);
}

static void refusals_are_told_by_their_codes(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        nacre_status expected;
        const char *says;
    } cases[] = {
        {404, "<Error><Code>NoSuchBucket</Code></Error>", NACRE_ERROR_NOT_FOUND, "there is no bucket 'bkt'"},
        {404, "<Error><Code>NoSuchKey</Code></Error>", NACRE_ERROR_NOT_FOUND, "has no object of this key"},
        {403, "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>", NACRE_ERROR_DENIED,
         "missing or denied (403): S3 does not tell which of the two to those who may not list the bucket; asked with "
         "the credentials from s3.access_key_id: AccessDenied: No."},
        {403,
         "<Error><Code>SignatureDoesNotMatch</Code><Message>Differs.</Message><StringToSign>hidden</StringToSign>"
         "<SignatureProvided>hidden</SignatureProvided></Error>",
         NACRE_ERROR_DENIED, "the credentials from s3.access_key_id were refused: SignatureDoesNotMatch: Differs."},
        {403, "<Error><Code>InvalidObjectState</Code></Error>", NACRE_ERROR_UNSUPPORTED, "is archived"},
        {503, "<Error><Code>SlowDown</Code></Error>", NACRE_ERROR_UNAVAILABLE, "SlowDown"},
        {400, "<Error><Code>InvalidArgument</Code><Message>What?</Message></Error>", NACRE_ERROR_IO,
         "(400): InvalidArgument: What?"},
        {301, "<Error><Code>PermanentRedirect</Code></Error>", NACRE_ERROR_IO, "set s3.region"},
        {500, "no XML at all", NACRE_ERROR_UNAVAILABLE, "the server failed (500)"},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    fixture f;
    step steps[COUNT + 1] = {0};
    for (int i = 0; i < COUNT; i++)
        steps[i] = (step){"GET " TARGET, NULL, cases[i].status, NULL, cases[i].body};
    begin(&f, steps, NULL);
    for (int i = 0; i < COUNT; i++) {
        ncr_get get;
        uint8_t buffer[4];
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), cases[i].expected);
        assert_contains(get.error.message, cases[i].says);
        assert_null(strstr(get.error.message, "hidden"));
        assert_int_equal(get.error.http_status, cases[i].status);
    }
    end(&f);
}

static void who_is_anonymous_signs_nothing(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {
        {"GET " TARGET, "!Authorization", 206, "ETag: \"a\"\r\nContent-Range: bytes 0-3/7\r\n", "cont"},
        {"GET " TARGET, "!x-amz-date", 403, NULL, "<Error><Code>AccessDenied</Code></Error>"},
        {0}};
    begin(&f, steps, "s3.no_sign_request=yes");
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_ERROR_DENIED);
    assert_contains(get.error.message, "asked without credentials, as s3.no_sign_request says");
    assert_string_equal(f.store->credentials, "anonymous");
    end(&f);
}

static void who_pays_says_so_in_a_signed_header(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    char value[1024];
    const step steps[] = {
        {"GET " TARGET, "x-amz-request-payer: requester", 206, "ETag: \"a\"\r\nContent-Range: bytes 0-3/7\r\n", "cont"},
        {0}};
    begin(&f, steps, "s3.requester_pays=requester");
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_true(test_request_header(test_server_request(f.script.server, 0), "Authorization", value, sizeof value));
    assert_contains(value, ";x-amz-request-payer,");
    end(&f);
}

/* --- Regions and clocks. --- */

static void the_region_of_a_bucket_is_found_out_once(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    char value[1024];
    const char *good = "ETag: \"a\"\r\nContent-Range: bytes 0-3/7\r\n";
    const step steps[] = {
        {"GET " TARGET, NULL, 400, NULL,
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>"},
        {"GET " TARGET, NULL, 206, good, "cont"},
        {"GET " TARGET, NULL, 206, good, "cont"},
        {"GET " TARGET, NULL, 301, "x-amz-bucket-region: eu-north-1\r\n", NULL},
        {"GET " TARGET, NULL, 206, good, "cont"},
        {"GET " TARGET, NULL, 307, "Location: https://bkt.s3-eu-south-1.amazonaws.com/d/a%20b.tif\r\n", NULL},
        {"GET " TARGET, NULL, 206, good, "cont"},
        {"HEAD " TARGET, NULL, 400, "x-amz-bucket-region: ap-south-1\r\n", NULL},
        {"HEAD " TARGET, NULL, 200, "ETag: \"a\"\r\nContent-Length: 7\r\n", NULL},
        {0}};
    static const char *const regions[] = {"/us-east-1/",  "/eu-west-3/",  "/eu-west-3/",  "/eu-west-3/", "/eu-north-1/",
                                          "/eu-north-1/", "/eu-south-1/", "/eu-south-1/", "/ap-south-1/"};
    begin(&f, steps, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_int_equal(get.round, 2); /* the answer that told the region, and the one after it */
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    for (unsigned i = 0; i < 9; i++) {
        assert_true(test_request_header(test_server_request(f.script.server, i), "Authorization", value, sizeof value));
        assert_contains(value, regions[i]);
    }
    end(&f);
}

static void regions_that_cannot_be_are_not_believed(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    const step steps[] = {
        {"GET " TARGET, NULL, 301, "x-amz-bucket-region: evil.example.com/\r\n", NULL},
        {"GET " TARGET, NULL, 301, "Location: https://s3.evil.example.com/.amazonaws.com\r\n", NULL},
        {"GET " TARGET, NULL, 400, NULL, "<Error><Code>InvalidArgument</Code><Region>eu-west-3</Region></Error>"},
        /* Led from one to the other for ever. */
        {"GET " TARGET, NULL, 301, "x-amz-bucket-region: eu-west-1\r\n", NULL},
        {"GET " TARGET, NULL, 301, "x-amz-bucket-region: eu-west-2\r\n", NULL},
        {"GET " TARGET, NULL, 301, "x-amz-bucket-region: eu-west-1\r\n", NULL},
        {0}};
    begin(&f, steps, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_ERROR_IO);
    end(&f);
}

static void a_wrong_clock_is_corrected_by_the_answers_date(void **state)
{
    (void)state;
    fixture f;
    ncr_get get;
    uint8_t buffer[4];
    char value[64];
    const char *late = "<Error><Code>RequestTimeTooSkewed</Code></Error>";
    const char *date = "Date: Sun, 01 Nov 2020 10:00:00 GMT\r\n";
    const char *good = "ETag: \"a\"\r\nContent-Range: bytes 0-3/7\r\n";
    const step steps[] = {{"GET " TARGET, NULL, 403, date, late},
                          {"GET " TARGET, NULL, 206, good, "cont"},
                          {"GET " TARGET, NULL, 206, good, "cont"},
                          {"GET " TARGET, NULL, 403, date, late}, /* it is right, and the server says no all the same */
                          {0}};
    begin(&f, steps, NULL);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_OK);
    assert_int_equal(read_four(&f, &get, buffer, NCR_MATCH_ANY, NULL), NACRE_ERROR_DENIED);
    for (unsigned i = 1; i < 3; i++) {
        assert_true(test_request_header(test_server_request(f.script.server, i), "x-amz-date", value, sizeof value));
        assert_contains(value, "20201101T10");
    }
    end(&f);
}

/* --- Listings. --- */

static void a_listing_is_read_in_the_order_of_its_keys(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {"GET /bkt?list-type=2&encoding-type=url&prefix=d%2F&delimiter=%2F&max-keys=5", NULL, 200, NULL,
         "\n<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
         "<IsTruncated>true</IsTruncated><NextContinuationToken>a+/=</NextContinuationToken>"
         "<Contents><Key>d/b+c%2B%25.tif</Key><LastModified>2020-11-01T10:00:00.000Z</LastModified>"
         "<ETag>&quot;abc&quot;</ETag><Size>12</Size></Contents>"
         "<Contents><Key>d/%C3%BC</Key><ETag>\"def\"</ETag><Size>0</Size><Owner><ID>Key</ID></Owner></Contents>"
         "<CommonPrefixes><Prefix>d/e/</Prefix></CommonPrefixes><EncodingType>url</EncodingType></ListBucketResult>"},
        {"GET /bkt?list-type=2&encoding-type=url&prefix=d%2F&continuation-token=a%2B%2F%3D", NULL, 200, NULL,
         "<ListBucketResult><Contents><Key>d/as%20it+is</Key><Size>1</Size></Contents></ListBucketResult>"},
        {0}};
    begin(&f, steps, NULL);
    ncr_object *folder = ncr_object_new(f.store, "bkt", "d/", "s3://bkt/d/", false);
    ncr_list_op op = {.object = folder, .call = f.call, .max_entries = 5};
    assert_int_equal(run_list(&op), NACRE_OK);
    assert_int_equal(op.entry_count, 3);
    assert_string_equal(op.entries[0].key, "d/b c+%.tif");
    assert_int_equal(op.entries[0].facts.size, 12);
    assert_int_equal(op.entries[0].facts.modified_ms, 1604224800000);
    assert_string_equal(op.entries[0].facts.version.token, "etag=\"abc\"");
    assert_string_equal(op.entries[1].key, "d/e/");
    assert_true(op.entries[1].is_prefix);
    assert_string_equal(op.entries[2].key, "d/\xc3\xbc");
    assert_string_equal(op.next_page, "a+/=");
    ncr_list_op_clear(&op);
    op = (ncr_list_op){.object = folder, .call = f.call, .recursive = true, .page = "a+/="};
    assert_int_equal(run_list(&op), NACRE_OK);
    assert_string_equal(op.entries[0].key, "d/as%20it+is"); /* a server that does not encode */
    assert_null(op.next_page);
    ncr_list_op_clear(&op);
    ncr_object_unref(folder);
    end(&f);
}

static void listings_that_make_no_sense_are_corrupt(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "no XML",
        "<ListBucketResult><Contents>",
        "<Other/>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%0</Key><Size>1</Size></Contents>"
        "</ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b</Key><Size>1</Size></Contents>"
        "</ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><ListBucketResult><Contents><Key>&a;</Key><Size>1</Size></Contents>"
        "</ListBucketResult>",
    };
    enum { COUNT = sizeof bodies / sizeof bodies[0] };
    fixture f;
    step steps[COUNT + 1] = {0};
    for (int i = 0; i < COUNT; i++)
        steps[i] = (step){"GET /bkt?list-type=2&encoding-type=url&prefix=d%2Fa%20b.tif", NULL, 200, NULL, bodies[i]};
    begin(&f, steps, NULL);
    for (int i = 0; i < COUNT; i++) {
        ncr_list_op op = {.object = f.object, .call = f.call, .recursive = true};
        assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
        assert_contains(op.error.message, "s3://bkt/d/a b.tif: the store's answer is not understood");
        assert_int_equal(op.entry_count, 0);
    }
    end(&f);
}

/* --- URLs and options. --- */

static char *bucket_url(const char *bucket, const char *region, const char *a, const char *b)
{
    ncr_call *call = test_call_new("s3.no_sign_request=yes", a, b, NULL);
    ncr_store *store = open_store("s3", NULL, false, call);
    char *url = ncr_s3_bucket_url((ncr_s3_store *)store, bucket, region);
    ncr_store_unref(store);
    ncr_call_unref(call);
    return url;
}

static void assert_bucket_url(const char *bucket, const char *region, const char *a, const char *b,
                              const char *expected)
{
    char *url = bucket_url(bucket, region, a, b);
    assert_string_equal(url, expected);
    free(url);
}

static void a_bucket_stands_where_the_server_wants_it(void **state)
{
    (void)state;
    assert_bucket_url("bkt", "us-east-1", NULL, NULL, "https://bkt.s3.us-east-1.amazonaws.com");
    assert_bucket_url("bkt", "cn-north-1", NULL, NULL, "https://bkt.s3.cn-north-1.amazonaws.com.cn");
    assert_bucket_url("a.b", "eu-west-1", NULL, NULL, "https://s3.eu-west-1.amazonaws.com/a.b");
    assert_bucket_url("Old_One", "us-east-1", NULL, NULL, "https://s3.us-east-1.amazonaws.com/Old_One");
    assert_bucket_url("bkt", "us-east-1", "s3.addressing=path", NULL, "https://s3.us-east-1.amazonaws.com/bkt");
    assert_bucket_url("bkt", "r", "s3.endpoint=HTTP://Host:9000/", NULL, "http://host:9000/bkt");
    assert_bucket_url("bkt", "r", "s3.endpoint=http://h/pre", "s3.addressing=virtual", "http://bkt.h/pre");
    assert_bucket_url("bkt", "r", "s3.endpoint=h:9000", NULL, "https://h:9000/bkt");
    assert_bucket_url("bkt", "r", "s3.endpoint=h:9000", "s3.https=no", "http://h:9000/bkt");
    assert_bucket_url("bkt", "r", "s3.endpoint=http://h", "s3.addressing=YES", "http://bkt.h");
    /* Amazon's own addresses are no other server. */
    assert_bucket_url("bkt", "eu-west-1", "s3.endpoint=s3.amazonaws.com", NULL,
                      "https://bkt.s3.eu-west-1.amazonaws.com");
    assert_bucket_url("bkt", "eu-west-1", "s3.endpoint=https://s3.us-west-2.amazonaws.com", NULL,
                      "https://bkt.s3.eu-west-1.amazonaws.com");
    assert_bucket_url("bkt", "r", "s3.endpoint=https://s3.evil.com", NULL, "https://s3.evil.com/bkt");
    assert_bucket_url("bkt", "r", "s3.endpoint=https://s3.us-west-2.amazonaws.com.evil.com", NULL,
                      "https://s3.us-west-2.amazonaws.com.evil.com/bkt");
}

static void options_that_make_no_sense_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *key, *says;
    } cases[] = {
        {"s3.endpoint=http://", "s3.endpoint: it names no server"},
        {"s3.endpoint=ftp://h", "s3.endpoint: it names no server"},
        {"s3.endpoint=http://user:password@h", "s3.endpoint: it names no server"},
        {"s3.region=evil.example.com/", "s3.region: 'evil.example.com/' is no region"},
        {"s3.addressing=other", "s3.addressing: 'other' is none of path, virtual and auto"},
        {"s3.requester_pays=somebody", "s3.requester_pays: 'somebody' is neither"},
        {"s3.profile=none", "there is no profile 'none'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ncr_call *call = test_call_new(cases[i].key, NULL);
        ncr_store *store;
        nacre_error err;
        assert_int_equal(ncr_store_open("s3", NULL, false, call->config, &store, &err), NACRE_ERROR_INVALID);
        assert_null(store);
        assert_contains(err.message, cases[i].says);
        assert_null(strstr(err.message, "password"));
        ncr_call_unref(call);
    }
}

static void identities_differ_where_servers_and_credentials_do(void **state)
{
    (void)state;
    ncr_call *calls[] = {test_call_new(KEYS, NULL),
                         test_call_new(KEYS, "s3.region=eu-west-1", NULL),
                         test_call_new(KEYS, "s3.endpoint=http://h", NULL),
                         test_call_new(KEYS, "s3.session_token=token", NULL),
                         test_call_new(KEYS, "s3.requester_pays=yes", NULL),
                         test_call_new("s3.no_sign_request=yes", NULL)};
    enum { COUNT = sizeof calls / sizeof calls[0] };
    ncr_store *stores[COUNT];
    for (int i = 0; i < COUNT; i++) {
        stores[i] = open_store("s3", NULL, false, calls[i]);
        assert_null(strstr(stores[i]->credentials, "AKID"));
        assert_null(strstr(stores[i]->credentials, "secret"));
    }
    assert_string_equal(stores[0]->id, stores[1]->id);
    assert_string_equal(stores[0]->credentials, stores[1]->credentials);
    assert_string_not_equal(stores[0]->id, stores[2]->id);
    for (int i = 3; i < COUNT; i++)
        assert_string_not_equal(stores[0]->credentials, stores[i]->credentials);
    for (int i = 0; i < COUNT; i++) {
        ncr_store_unref(stores[i]);
        ncr_call_unref(calls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_asked_for_and_signed),
        cmocka_unit_test(whole_reads_are_held_against_their_checksum),
        cmocka_unit_test(the_checksum_of_pieces_is_that_of_the_whole),
        cmocka_unit_test(a_pinned_read_sends_its_version_and_compares_the_answer),
        cmocka_unit_test(a_replaced_version_is_read_by_its_id_where_the_bucket_keeps_it),
        cmocka_unit_test(a_proof_is_believed_only_when_it_does_not_contradict_itself),
        cmocka_unit_test(weak_and_missing_etags_prove_nothing),
        cmocka_unit_test(a_range_beyond_the_end_is_empty),
        cmocka_unit_test(a_coding_is_the_objects_own_where_its_head_says_so),
        cmocka_unit_test(stat_reads_headers_and_says_missing_or_denied),
        cmocka_unit_test(refusals_are_told_by_their_codes),
        cmocka_unit_test(who_is_anonymous_signs_nothing),
        cmocka_unit_test(who_pays_says_so_in_a_signed_header),
        cmocka_unit_test(the_region_of_a_bucket_is_found_out_once),
        cmocka_unit_test(regions_that_cannot_be_are_not_believed),
        cmocka_unit_test(a_wrong_clock_is_corrected_by_the_answers_date),
        cmocka_unit_test(a_listing_is_read_in_the_order_of_its_keys),
        cmocka_unit_test(listings_that_make_no_sense_are_corrupt),
        cmocka_unit_test(a_bucket_stands_where_the_server_wants_it),
        cmocka_unit_test(options_that_make_no_sense_are_named),
        cmocka_unit_test(identities_differ_where_servers_and_credentials_do),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
