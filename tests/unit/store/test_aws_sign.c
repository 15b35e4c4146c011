/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Signature Version 4 against what Amazon has published: facts of the test suite for signers (github.com/awslabs/
 * aws-c-auth, tests/aws-signing-test-suite/v4), and the examples of the S3 API reference ("Signature Calculations for
 * the Authorization Header"). Each vector is a request, written as lines, and its signature. */

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct vector {
    const char *what;
    const char *method, *path, *query;
    const char *headers; /* "Name:value" lines, ended by "|" */
    const char *payload;
    const char *signature;
} vector;

static const vector suite[] = {
    {"get-vanilla", "GET", "/", "", "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla, no path", "GET", "", "", "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
     "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
     "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|",
     EMPTY, "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
     "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|", EMPTY,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-slashes-unnormalized", "GET", "//example//", "", "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|",
     EMPTY, "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-header-key-duplicate", "GET", "/", "",
     "Host:example.amazonaws.com|My-Header1:value2|My-Header1:value2|My-Header1:value1|X-Amz-Date:20150830T123600Z|",
     EMPTY, "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order", "GET", "/", "",
     "X-Amz-Date:20150830T123600Z|My-Header1:value4|My-Header1:value1|My-Header1:value3|Host:example.amazonaws.com|"
     "My-Header1:value2|",
     EMPTY, "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim", "GET", "/", "",
     "Host:example.amazonaws.com|My-Header1: value1|My-Header2: \"a   b   c\"|X-Amz-Date:20150830T123600Z|", EMPTY,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-value-multiline", "GET", "/", "",
     "Host:example.amazonaws.com|My-Header1:value1\n  value2\n     value3|X-Amz-Date:20150830T123600Z|", EMPTY,
     "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {"post-vanilla-query", "POST", "/", "Param1=value1", "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|",
     EMPTY, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort", "POST", "/", "",
     "X-Amz-Date:20150830T123600Z|My-Header1:value1|Host:example.amazonaws.com|", EMPTY,
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-x-www-form-urlencoded", "POST", "/", "",
     "Content-Type:application/x-www-form-urlencoded|Host:example.amazonaws.com|Content-Length:13|"
     "X-Amz-Content-Sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e|"
     "X-Amz-Date:20150830T123600Z|",
     "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
    {"get-vanilla-with-session-token", "GET", "/", "",
     "Host:example.amazonaws.com|X-Amz-Date:20150830T123600Z|"
     "X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267|",
     EMPTY, "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {0}};

static const vector s3_examples[] = {
    {"GET Object", "GET", "/test.txt", "",
     "Host:examplebucket.s3.amazonaws.com|Range:bytes=0-9|x-amz-content-sha256:" EMPTY "|x-amz-date:20130524T000000Z|",
     EMPTY, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT Object", "PUT", "/test%24file.text", "",
     "Date:Fri, 24 May 2013 00:00:00 GMT|Host:examplebucket.s3.amazonaws.com|"
     "x-amz-content-sha256:44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072|"
     "x-amz-date:20130524T000000Z|x-amz-storage-class:REDUCED_REDUNDANCY|",
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET Bucket Lifecycle", "GET", "/", "lifecycle",
     "Host:examplebucket.s3.amazonaws.com|x-amz-content-sha256:" EMPTY "|x-amz-date:20130524T000000Z|", EMPTY,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"Get Bucket (List Objects)", "GET", "/", "max-keys=2&prefix=J",
     "Host:examplebucket.s3.amazonaws.com|x-amz-content-sha256:" EMPTY "|x-amz-date:20130524T000000Z|", EMPTY,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {0}};

/* What google-cloud-storage gives its signer for the same requests, signed with an HMAC key instead of RSA. */
#define GOOGLES(headers)                                                                                            \
    "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=GOOG1EXAMPLE%2F20190201%2Fauto%2Fstorage%2Fgoog4_request&" \
    "X-Goog-Date=20190201T090000Z&X-Goog-Expires=10&X-Goog-SignedHeaders=" headers
static const vector google_examples[] = {
    {"beginning an upload", "POST", "/test-bucket/path/with/slashes/amper%26sand/%C3%BC.ext",
     GOOGLES("host%3Bx-goog-content-sha256%3Bx-goog-if-generation-match%3Bx-goog-resumable"),
     "Host:storage.googleapis.com|X-Goog-Resumable:start|X-Goog-If-Generation-Match:0|x-goog-content-sha256:" EMPTY "|",
     EMPTY, "d291c33d67e05169bab7f06cdf6df736eb50d0f8a7024739b0a4927489e92f89"},
    {"a put", "PUT", "/test-bucket/object", GOOGLES("content-type%3Bhost%3Bx-goog-hash%3Bx-goog-user-project"),
     "content-type:image/tiff|x-goog-hash:crc32c=yZRlqg==|x-goog-user-project:  me   too |Host:storage.googleapis.com|",
     "UNSIGNED-PAYLOAD", "25f89ec93787eaf7b082ebb68b954672d25b236574ce6897343db2bc3bebd569"},
    {"a listing", "GET", "/test-bucket",
     "souffl%C3%A9=%3D%25-_.~&prefix=a%20b%2F&X-Goog-Meta-Foo=bar&list-type=2&" GOOGLES("host"),
     "Host:storage.googleapis.com|", "UNSIGNED-PAYLOAD",
     "846dfb558cea4ce728b9bc70d24a380629a73d1db12756de96a48e47cb0ba484"},
    {0}};

static const ncr_sigv4_scope google_scope = {.scheme = &ncr_sigv4_google,
                                             .access_key = "GOOG1EXAMPLE",
                                             .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                             .time = "20190201T090000Z",
                                             .region = "auto",
                                             .service = "storage"};
static const ncr_sigv4_scope suite_scope = {.scheme = &ncr_sigv4_amazon,
                                            .access_key = "AKIDEXAMPLE",
                                            .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                            .time = "20150830T123600Z",
                                            .region = "us-east-1",
                                            .service = "service"};
static const ncr_sigv4_scope s3_scope = {.scheme = &ncr_sigv4_amazon,
                                         .access_key = "AKIAIOSFODNN7EXAMPLE",
                                         .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                         .time = "20130524T000000Z",
                                         .region = "us-east-1",
                                         .service = "s3"};

static size_t read_headers(const char *text, ncr_sigv4_header headers[16])
{
    size_t count = 0;
    while (*text) {
        size_t size = strcspn(text, "|"), name = strcspn(text, ":");
        headers[count++] = (ncr_sigv4_header){
            .name = text, .name_size = name, .value = text + name + 1, .value_size = size - name - 1};
        text += size + 1;
    }
    return count;
}

static void check(const vector *v, const ncr_sigv4_scope *scope)
{
    ncr_sigv4_header headers[16];
    ncr_sigv4_request request = {.method = v->method, .path = v->path, .query = v->query, .payload = v->payload};
    request.path_size = strlen(v->path);
    request.query_size = strlen(v->query);
    request.headers = headers;
    request.header_count = read_headers(v->headers, headers);
    char *text = ncr_sigv4_authorization(scope, NULL, &request);
    assert_non_null(text);
    const char *signature = strstr(text, "Signature=");
    if (!signature || strcmp(signature + strlen("Signature="), v->signature) != 0)
        fail_msg("%s: %s", v->what, text);
    free(text);
}

static void vectors_of_the_test_suite_are_signed_alike(void **state)
{
    (void)state;
    for (const vector *v = suite; v->what; v++)
        check(v, &suite_scope);
}

static void examples_of_the_s3_reference_are_signed_alike(void **state)
{
    (void)state;
    for (const vector *v = s3_examples; v->what; v++)
        check(v, &s3_scope);
}

static void requests_of_googles_client_are_signed_alike(void **state)
{
    (void)state;
    for (const vector *v = google_examples; v->what; v++)
        check(v, &google_scope);
}

static void googles_header_has_words_of_its_own(void **state)
{
    (void)state;
    ncr_sigv4_request request = {.method = "GET", .path = "/b/k", .path_size = 4, .query = "", .payload = EMPTY};
    ncr_sigv4_header headers[1] = {{"host", 4, "storage.googleapis.com", 22}};
    request.headers = headers;
    request.header_count = 1;
    char *text = ncr_sigv4_authorization(&google_scope, NULL, &request);
    const char *expected = "GOOG4-HMAC-SHA256 Credential=GOOG1EXAMPLE/20190201/auto/storage/goog4_request, "
                           "SignedHeaders=host, Signature=";
    assert_memory_equal(text, expected, strlen(expected));
    free(text);
}

static void steps_are_as_the_suite_writes_them(void **state)
{
    (void)state;
    ncr_sigv4_header headers[16];
    const vector *v = &suite[10];
    ncr_sigv4_request request = {.method = v->method, .path = v->path, .query = "", .payload = v->payload};
    request.path_size = 1;
    request.headers = headers;
    request.header_count = read_headers(v->headers, headers);
    ncr_buffer canonical, names, text;
    ncr_buffer_init(&canonical, 4096);
    ncr_buffer_init(&names, 4096);
    ncr_buffer_init(&text, 4096);
    assert_true(ncr_sigv4_canonical(&request, &canonical, &names));
    assert_string_equal((char *)canonical.data, "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value1\n"
                                                "my-header2:\"a b c\"\nx-amz-date:20150830T123600Z\n\n"
                                                "host;my-header1;my-header2;x-amz-date\n" EMPTY);
    assert_string_equal((char *)names.data, "host;my-header1;my-header2;x-amz-date");
    assert_true(ncr_sigv4_string_to_sign(&suite_scope, &canonical, &text));
    assert_memory_equal(text.data, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n",
                        strlen("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"));
    ncr_buffer_clear(&canonical);
    ncr_buffer_clear(&names);
    ncr_buffer_clear(&text);
}

static void the_header_names_key_scope_and_signed_headers(void **state)
{
    (void)state;
    ncr_sigv4_header headers[16];
    ncr_sigv4_request request = {.method = "GET", .path = "/test.txt", .query = "", .payload = EMPTY};
    request.path_size = strlen(request.path);
    request.headers = headers;
    request.header_count = read_headers(s3_examples[0].headers, headers);
    uint8_t key[NCR_SIGV4_KEY];
    assert_true(ncr_sigv4_key(&s3_scope, key));
    char *text = ncr_sigv4_authorization(&s3_scope, key, &request);
    assert_string_equal(text, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature="
                              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    free(text);
}

static void times_and_hashes_are_written_as_the_specification_has_them(void **state)
{
    (void)state;
    char time[NCR_SIGV4_TIME], hash[NCR_SIGV4_HASH];
    ncr_sigv4_time(1369353600999, time);
    assert_string_equal(time, "20130524T000000Z");
    ncr_sigv4_hash("", 0, hash);
    assert_string_equal(hash, EMPTY);
    ncr_sigv4_hash("Welcome to Amazon S3.", 21, hash);
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_test_suite_are_signed_alike),
        cmocka_unit_test(examples_of_the_s3_reference_are_signed_alike),
        cmocka_unit_test(requests_of_googles_client_are_signed_alike),
        cmocka_unit_test(googles_header_has_words_of_its_own),
        cmocka_unit_test(steps_are_as_the_suite_writes_them),
        cmocka_unit_test(the_header_names_key_scope_and_signed_headers),
        cmocka_unit_test(times_and_hashes_are_written_as_the_specification_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
