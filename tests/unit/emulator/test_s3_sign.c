/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "emulator/s3_sign.h"

/* The requests of Amazon's pages "sig-v4-header-based-auth", "sigv4-query-string-auth" and "sigv4-streaming", with the
 * signatures that stand there. */

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/* The signature of a request whose claim says what is signed; signature is the caller's to clear. */
static void begin(const ncr_emu_claim *claim, ncr_emu_to_sign *what, ncr_emu_signature *signature)
{
    ncr_buffer canonical;
    ncr_buffer_init(&canonical, 1 << 16);
    what->signed_headers = claim->signed_headers;
    assert_true(ncr_emu_canonical_request(what, &canonical));
    assert_true(ncr_emu_signature_begin(signature, secret, claim, "20130524T000000Z", (const char *)canonical.data));
    ncr_buffer_clear(&canonical);
}

static void expect(const char *authorization, ncr_emu_to_sign *what)
{
    ncr_emu_claim claim;
    ncr_emu_signature signature;
    assert_true(ncr_emu_claim_from_header(authorization, &claim));
    begin(&claim, what, &signature);
    assert_string_equal(signature.last, claim.signature);
    assert_true(ncr_emu_signature_equal(signature.last, claim.signature));
    ncr_emu_signature_clear(&signature);
    ncr_emu_claim_clear(&claim);
}

static void amazons_examples_have_their_signatures(void **state)
{
    (void)state;
    const ncr_emu_sign_header get[] = {{"Range", "bytes=0-9"},
                                       {"Host", "examplebucket.s3.amazonaws.com"},
                                       {"x-amz-content-sha256", EMPTY},
                                       {"X-Amz-Date", "  20130524T000000Z "}};
    expect("AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
           "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
           &(ncr_emu_to_sign){
               .method = "GET", .path = "/test.txt", .query = "", .headers = get, .header_count = 4, .payload = EMPTY});
    static const char payload[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const ncr_emu_sign_header put[] = {{"host", "examplebucket.s3.amazonaws.com"},
                                       {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                       {"x-amz-content-sha256", payload},
                                       {"x-amz-date", "20130524T000000Z"},
                                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    expect("AWS4-HMAC-SHA256 Credential=" SCOPE
           ", SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
           "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
           &(ncr_emu_to_sign){.method = "PUT",
                              .path = "/test$file.text",
                              .query = "",
                              .headers = put,
                              .header_count = 5,
                              .payload = payload});
    const ncr_emu_sign_header bare[] = {{"host", "examplebucket.s3.amazonaws.com"},
                                        {"x-amz-content-sha256", EMPTY},
                                        {"x-amz-date", "20130524T000000Z"}};
    expect(
        "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        &(ncr_emu_to_sign){
            .method = "GET", .path = "/", .query = "lifecycle", .headers = bare, .header_count = 3, .payload = EMPTY});
    expect("AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
           "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
           &(ncr_emu_to_sign){.method = "GET",
                              .path = "/",
                              .query = "prefix=J&max-keys=2",
                              .headers = bare,
                              .header_count = 3,
                              .payload = EMPTY});
}

static void the_signature_of_a_query_is_not_of_itself(void **state)
{
    (void)state;
    ncr_emu_claim claim;
    ncr_emu_signature signature;
    const ncr_emu_sign_header headers[] = {{"host", "examplebucket.s3.amazonaws.com"}};
    static const char wanted[] = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    ncr_emu_to_sign what = {.method = "GET",
                            .path = "/test.txt",
                            .query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
                                     "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
                                     "&X-Amz-SignedHeaders=host&X-Amz-Signature=0000",
                            .headers = headers,
                            .header_count = 1,
                            .payload = "UNSIGNED-PAYLOAD"};
    assert_true(ncr_emu_claim_from_query(SCOPE, "host", wanted, &claim));
    begin(&claim, &what, &signature);
    assert_string_equal(signature.last, wanted);
    ncr_emu_signature_clear(&signature);
    ncr_emu_claim_clear(&claim);
}

static void chunks_follow_one_another(void **state)
{
    (void)state;
    ncr_emu_claim claim;
    ncr_emu_signature signature;
    static const char payload[] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    const ncr_emu_sign_header headers[] = {{"Host", "s3.amazonaws.com"},
                                           {"x-amz-date", "20130524T000000Z"},
                                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                           {"x-amz-content-sha256", payload},
                                           {"Content-Encoding", "aws-chunked"},
                                           {"x-amz-decoded-content-length", "66560"},
                                           {"Content-Length", "66824"}};
    static const char names[] = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                                "x-amz-decoded-content-length;x-amz-storage-class";
    static const char *const wanted[] = {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                                         "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                                         "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
    static const size_t sizes[] = {65536, 1024, 0};
    ncr_emu_to_sign what = {.method = "PUT",
                            .path = "/examplebucket/chunkObject.txt",
                            .query = "",
                            .headers = headers,
                            .header_count = 7,
                            .payload = payload};
    assert_true(ncr_emu_claim_from_query(SCOPE, names,
                                         "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", &claim));
    begin(&claim, &what, &signature);
    assert_string_equal(signature.last, claim.signature);
    char *data = malloc(sizes[0]);
    assert_non_null(data);
    memset(data, 'a', sizes[0]);
    for (size_t i = 0; i < 3; i++) {
        char digest[NCR_EMU_SIGNATURE_SIZE];
        ncr_emu_sha256_hex(data, sizes[i], digest);
        ncr_emu_signature_chunk(&signature, digest);
        assert_string_equal(signature.last, wanted[i]);
    }
    free(data);
    ncr_emu_signature_clear(&signature);
    ncr_emu_claim_clear(&claim);
}

static void canonical_requests_do_not_depend_on_spelling(void **state)
{
    (void)state;
    const ncr_emu_sign_header headers[] = {
        {"X-Amz-Meta-A", "  one   two\t three "}, {"Host", "h"}, {"x-amz-meta-a", "four"}};
    const ncr_emu_to_sign what = {.method = "GET",
                                  .path = "/b/a%20b/%7e%2b+~",
                                  .query = "b=%2f&a&b=1&c=x+y&B=2",
                                  .headers = headers,
                                  .header_count = 3,
                                  .signed_headers = "host;x-amz-meta-a",
                                  .payload = "P"};
    ncr_buffer out;
    ncr_buffer_init(&out, 1 << 16);
    assert_true(ncr_emu_canonical_request(&what, &out));
    assert_string_equal((const char *)out.data, "GET\n/b/a%20b/~%2B%2B~\nB=2&a=&b=%2F&b=1&c=x%20y\n"
                                                "host:h\nx-amz-meta-a:one two three,four\n\nhost;x-amz-meta-a\nP");
    ncr_buffer_clear(&out);
}

static void too_many_parameters_or_a_bad_encoding_is_no_request(void **state)
{
    (void)state;
    ncr_buffer out;
    char query[1001];
    for (size_t i = 0; i < 500; i++)
        memcpy(query + 2 * i, "a&", 3);
    const char *const queries[] = {query, "a=%zz", "%=1"};
    for (size_t i = 0; i < 3; i++) {
        const ncr_emu_to_sign what = {
            .method = "GET", .path = "/", .query = queries[i], .signed_headers = "", .payload = ""};
        ncr_buffer_init(&out, 1 << 16);
        assert_false(ncr_emu_canonical_request(&what, &out));
        ncr_buffer_clear(&out);
    }
}

static void claims_of_another_form_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=a/2013/r/s3/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=a/20130524/r/s3/aws4_request/, SignedHeaders=host, Signature=0",
        "AWS5 Credential=a/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=0"};
    ncr_emu_claim claim;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(ncr_emu_claim_from_header(wrong[i], &claim));
        ncr_emu_claim_clear(&claim);
    }
    assert_false(ncr_emu_claim_from_query(NULL, "host", "0", &claim));
    assert_false(ncr_emu_signature_equal("", ""));
}

static void times_are_read_whole(void **state)
{
    (void)state;
    assert_true(ncr_emu_sign_time("19700101T000001Z") == 1000);
    assert_true(ncr_emu_sign_time("20130524T000000Z") == 1369353600000);
    assert_true(ncr_emu_sign_time("20130524T000000") == -1);
    assert_true(ncr_emu_sign_time("20130524 000000Z") == -1);
    assert_true(ncr_emu_sign_time("abcdefghTijklmnZ") == -1);
    assert_true(ncr_emu_sign_time("") == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amazons_examples_have_their_signatures),
        cmocka_unit_test(the_signature_of_a_query_is_not_of_itself),
        cmocka_unit_test(chunks_follow_one_another),
        cmocka_unit_test(canonical_requests_do_not_depend_on_spelling),
        cmocka_unit_test(too_many_parameters_or_a_bad_encoding_is_no_request),
        cmocka_unit_test(claims_of_another_form_are_refused),
        cmocka_unit_test(times_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
