/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/script.h"

#include "store/az/az.h"

/* The object d/a b.tif in container "cont" of account "acct", on a server that does as its script says. */
static void begin_as(fixture *f, const step *steps, const char *credentials, bool anonymous)
{
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", fixture_start(f, steps));
    ncr_call *call = test_call_new("http.retries=0", "limit.whole_read=12", "az.account=acct",
                                   "az.metadata_endpoint=disabled", endpoint, credentials, NULL);
    fixture_open(f, call, "az", NULL, anonymous);
    fixture_set_object(f, "cont", "d/a b.tif", "az://cont/d/a b.tif");
}

static void begin(fixture *f, const step *steps)
{
    begin_as(f, steps, NULL, false);
}

static const ncr_version seven = {.strong = true, .token = "etag=\"0x7\""};
static const ncr_version kept = {.strong = true, .token = "etag=\"0x7\"", .version_id = "2026-11-23T10:00:00.1Z"};

#define PATH     "/acct/cont/d/a%20b.tif"
#define GET      "GET " PATH
#define HEAD     "HEAD " PATH
#define RANGE    "Content-Range: bytes 0-3/10\r\n"
#define IS(n)    RANGE "ETag: \"0x" n "\"\r\nLast-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\nx-ms-blob-type: BlockBlob\r\n"
#define FAILS(c) "x-ms-error-code: " c "\r\n"

static void one_request_reads_and_tells_the_version(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{GET, "Range: bytes=0-3", 206,
                           IS("7") "x-ms-version-id: v1\r\nx-ms-blob-content-md5: 6AqB5Xq0t6vjLgaCtQWVzg==\r\n"
                                   "Content-Encoding: gzip\r\n",
                           "abcd"},
                          {GET, "x-ms-version: 2021-12-02", 206, IS("8"), "efgh"},
                          {0}};
    begin(&f, steps);
    assert_string_equal(f.store->credentials, "anonymous");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_memory_equal(f.buffer, "abcd", 4);
    assert_true(f.get.facts.version.strong);
    assert_string_equal(f.get.facts.version.token, "etag=\"0x7\"");
    assert_string_equal(f.get.facts.version.version_id, "v1");
    assert_string_equal(f.get.facts.checksum, "md5=6AqB5Xq0t6vjLgaCtQWVzg==");
    assert_int_equal(f.get.facts.size, 10);
    assert_int_equal(f.get.facts.modified_ms, INT64_C(1604224800000));
    assert_int_equal(f.get.round, 3);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_string_equal(f.get.facts.version.token, "etag=\"0x8\"");
    end(&f);
}

static void a_pinned_read_sends_its_version_and_compares(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *headers, *body;
        nacre_status status;
        const char *says;
    } answers[] = {
        {206, IS("7"), "abcd", NACRE_OK, ""},
        {206, IS("8"), "abcd", NACRE_ERROR_CHANGED, "etag=\"0x7\" and is now etag=\"0x8\""},
        {206, RANGE, "abcd", NACRE_ERROR_CHANGED, "does not say that it still is"},
        {200, "ETag: \"0x8\"\r\n", "0123456789", NACRE_ERROR_CHANGED, "is now etag=\"0x8\""},
        {412, FAILS("ConditionNotMet"), "", NACRE_ERROR_CHANGED, "opened as etag=\"0x7\""},
        {404, FAILS("BlobNotFound"), "", NACRE_ERROR_CHANGED, "no longer there"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        fixture f;
        const step steps[] = {{GET, "If-Match: \"0x7\"", answers[i].code, answers[i].headers, answers[i].body}, {0}};
        begin(&f, steps);
        f.get.match = NCR_MATCH_VERSION;
        f.get.version = &seven;
        assert_int_equal(run_get(&f.get), answers[i].status);
        if (answers[i].status != NACRE_OK)
            assert_contains(f.get.error.message, answers[i].says);
        end(&f);
    }
}

static void an_account_that_keeps_versions_is_asked_for_the_pinned_one(void **state)
{
    (void)state;
    static const char old[] = GET "?versionid=2026-11-23T10%3A00%3A00.1Z";
    static const struct {
        int code;
        const char *headers;
        nacre_status status;
    } answers[] = {{206, IS("7"), NACRE_OK},
                   {206, IS("8"), NACRE_ERROR_CHANGED},
                   {404, FAILS("BlobNotFound"), NACRE_ERROR_CHANGED},
                   {403, FAILS("AuthorizationPermissionMismatch"), NACRE_ERROR_CHANGED}};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        fixture f;
        const step steps[] = {
            i % 2 ? (step){GET, "If-Match: \"0x7\"", 412, FAILS("ConditionNotMet"), ""}
                  : (step){GET, "If-Match: \"0x7\"", 404, FAILS("BlobNotFound"), ""},
            {old, "!If-Match", answers[i].code, answers[i].headers, answers[i].code == 206 ? "abcd" : ""},
            {0}};
        begin(&f, steps);
        f.get.match = NCR_MATCH_VERSION;
        f.get.version = &kept;
        assert_int_equal(run_get(&f.get), answers[i].status);
        if (answers[i].status == NACRE_OK)
            assert_memory_equal(f.buffer, "abcd", 4);
        else
            assert_contains(f.get.error.message, "changed: it was opened as etag=\"0x7\"");
        assert_int_equal(f.get.round, 4);
        end(&f);
    }
}

static void a_proof_is_one_conditional_read(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{GET, "If-None-Match: \"0x7\"", 304, NULL, NULL},
                          {GET, "If-None-Match: \"0x7\"", 304, "ETag: \"0x7\"\r\n", NULL},
                          {GET, "If-None-Match: \"0x7\"", 206, IS("8"), "abcd"},
                          {GET, "If-None-Match: \"0x7\"", 304, "ETag: \"0x9\"\r\n", NULL}, /* of what? */
                          {GET, "!If-None-Match", 206, IS("9"), "efgh"},
                          {0}};
    begin(&f, steps);
    f.get.match = NCR_MATCH_MODIFIED;
    f.get.version = &seven;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_true(f.get.not_modified);
        assert_string_equal(f.get.facts.version.token, "etag=\"0x7\"");
    }
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    assert_memory_equal(f.buffer, "abcd", 4);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_false(f.get.not_modified);
    assert_memory_equal(f.buffer, "efgh", 4);
    end(&f);
}

static void a_refused_range_is_explained_by_the_facts(void **state)
{
    (void)state;
    fixture f;
    static const char empty[] = "Content-Length: 0\r\nETag: \"0x7\"\r\n",
                      small[] = "Content-Length: 3\r\nETag: \"0x7\"\r\n";
    const step steps[] = {{GET, NULL, 416, FAILS("InvalidRange"), ""},
                          {HEAD, NULL, 200, empty, NULL},
                          {GET, NULL, 416, FAILS("InvalidRange"), ""},
                          {HEAD, NULL, 200, small, NULL},
                          {GET, "If-Match: \"0x6\"", 416, FAILS("InvalidRange"), ""},
                          {HEAD, NULL, 200, empty, NULL},
                          {0}};
    static const ncr_version six = {.strong = true, .token = "etag=\"0x6\""};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_OK); /* an empty object */
    assert_int_equal(f.get.got, 0);
    assert_int_equal(f.get.facts.size, 0);
    assert_string_equal(f.get.facts.version.token, "etag=\"0x7\"");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_IO); /* a range inside */
    assert_contains(f.get.error.message, "refuses a range inside the object");
    f.get.match = NCR_MATCH_VERSION;
    f.get.version = &six;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CHANGED);
    end(&f);
}

static void whole_objects_are_checked_against_their_md5(void **state)
{
    (void)state;
    fixture f;
#define WHOLE(type, md5) "ETag: \"0x7\"\r\nx-ms-blob-type: " type "\r\nContent-MD5: " md5 "\r\n"
    const step steps[] = {{GET, "!Range", 200, WHOLE("BlockBlob", "XrY7u+Ae7tCTyyK7j1rNww=="), "hello world"},
                          {GET, NULL, 200, WHOLE("BlockBlob", "XrY7u+Ae7tCTyyK7j1rNww=="), "jello world"},
                          /* The MD5 of what was there before something was appended. */
                          {GET, NULL, 200, WHOLE("AppendBlob", "XrY7u+Ae7tCTyyK7j1rNww=="), "jello world"},
                          {GET, "Range: bytes=0-15", 206,
                           "Content-Range: bytes 0-10/11\r\nETag: \"0x7\"\r\n"
                           "x-ms-blob-content-md5: XrY7u+Ae7tCTyyK7j1rNww==\r\n",
                           "jello world"},
                          {0}};
    begin(&f, steps);
    char *text = get_text(f.object, f.call, NULL);
    assert_string_equal(text, "hello world");
    free(text);
    ncr_get whole = {.object = f.object, .call = f.call, .length = SIZE_MAX};
    assert_int_equal(run_get(&whole), NACRE_ERROR_CORRUPT);
    assert_contains(whole.error.message, "the store says md5=XrY7u+Ae7tCTyyK7j1rNww==");
    assert_text(f.object, f.call, "jello world");
    f.get.length = 16;
    assert_int_equal(run_get(&f.get), NACRE_ERROR_CORRUPT);
    end(&f);
}

static void stat_asks_for_the_head(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {HEAD, NULL, 200,
         "Content-Length: 11\r\nETag: \"0x7\"\r\nContent-Type: image/tiff\r\nx-ms-version-id: v\r\n"
         "Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==\r\nx-ms-blob-type: BlockBlob\r\n",
         NULL},
        {HEAD, NULL, 404, FAILS("BlobNotFound"), NULL},
        {HEAD, NULL, 404, FAILS("ContainerNotFound"), NULL},
        {HEAD, NULL, 200, "Content-Length: 0\r\nETag: \"0x7\"\r\nx-ms-meta-hdi_isfolder: true\r\n", NULL},
        {HEAD, NULL, 200, "Content-Length: 0\r\nETag: \"0x7\"\r\nx-ms-resource-type: directory\r\n", NULL},
        {0}};
    static const char *const says[] = {"not found (404): the container 'cont' has no object of this key",
                                       "not found (404): there is no container 'cont'", "is a directory, not an object",
                                       "is a directory, not an object"};
    begin(&f, steps);
    ncr_stat_op op = {.object = f.object, .call = f.call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_int_equal(op.facts.size, 11);
    assert_string_equal(op.facts.version.token, "etag=\"0x7\"");
    assert_string_equal(op.facts.version.version_id, "v");
    assert_string_equal(op.facts.content_type, "image/tiff");
    assert_string_equal(op.facts.checksum, "md5=XrY7u+Ae7tCTyyK7j1rNww==");
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        assert_int_equal(run_stat(&op), NACRE_ERROR_NOT_FOUND);
        assert_contains(op.error.message, says[i]);
    }
    end(&f);
}

#define ERROR(code, text) \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" code "</Code><Message>" text "</Message></Error>"

static void denials_say_who_asked(void **state)
{
    (void)state;
    static const struct {
        const char *credentials;
        bool anonymous;
        int code;
        const char *error, *says;
    } denials[] = {
        {"az.access_key=U0VDUkVU", false, 403, "AuthenticationFailed",
         "the account key from az.access_key was refused"},
        {"az.access_token=Hush", false, 401, "InvalidAuthenticationInfo", "the access token from az.access_token"},
        {"az.access_token=Hush", false, 403, "AuthorizationPermissionMismatch", "a role like Storage Blob Data Reader"},
        {"az.sas_token=sv=1&sig=Hush", false, 403, "AuthenticationFailed",
         "the shared access signature from az.sas_token"},
        {NULL, false, 403, "AuthenticationFailed", "no Azure credentials found"},
        {NULL, false, 409, "PublicAccessNotPermitted", "no Azure credentials found"},
        {"az.no_sign_request=yes", false, 403, "AuthenticationFailed", "az.no_sign_request says to ask without"},
        {"az.access_key=U0VDUkVU", true, 403, "AuthenticationFailed", "what a document names in another place"},
        {"az.access_key=U0VDUkVU", false, 412, "LeaseIdMissing", "denied (412): LeaseIdMissing"},
    };
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++) {
        fixture f;
        char header[64], target[96];
        bool has_sas = denials[i].credentials && strstr(denials[i].credentials, "sas_token");
        snprintf(header, sizeof header, FAILS("%s"), denials[i].error);
        snprintf(target, sizeof target, "%s%s", GET, has_sas ? "?sv=1&sig=Hush" : "");
        const step steps[] = {{target, NULL, denials[i].code, header, ERROR("Other", "Server says no.\nTime:1")}, {0}};
        begin_as(&f, steps, denials[i].credentials, denials[i].anonymous);
        assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
        assert_contains(f.get.error.message, denials[i].says);
        assert_contains(f.get.error.message, denials[i].error);
        assert_contains(f.get.error.message, ": Server says no.");
        assert_null(strstr(f.get.error.message, "Hush"));
        assert_null(strstr(f.get.error.message, "U0VDUkVU"));
        assert_null(strstr(f.get.error.message, "Time:1"));
        assert_int_equal(f.get.error.http_status, denials[i].code);
        end(&f);
    }
}

static void what_is_private_is_not_found_without_credentials(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{GET, NULL, 404, FAILS("ResourceNotFound"), ""}, {0}};
    begin(&f, steps);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    assert_contains(f.get.error.message, "not there, or not public and asked for without credentials");
    end(&f);
}

/* --- Listings. --- */

#define LIST "GET /acct/cont?restype=container&comp=list"
#define BLOB(name, more)                                                                             \
    "<Blob><Name>" name "</Name><Properties><Content-Length>3</Content-Length><Etag>0x7</Etag>" more \
    "<BlobType>BlockBlob</BlobType></Properties></Blob>"
#define PAGE(blobs, marker)                                                                         \
    "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Prefix>d/</Prefix>" \
    "<Blobs>" blobs "</Blobs><NextMarker>" marker "</NextMarker></EnumerationResults>"

static void a_page_is_listed_in_byte_order(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {LIST "&prefix=d%2F&delimiter=%2F&maxresults=2&include=metadata", NULL, 200, NULL,
         PAGE(BLOB("d/b &amp; c",
                   "<Last-Modified>Sun, 01 Nov 2020 10:00:00 GMT</Last-Modified><Content-MD5>XrY7u+Ae7tCTyyK7j1rNww=="
                   "</Content-MD5><Content-Type>t/x</Content-Type>") "<BlobPrefix><Name>d/a/</Name></BlobPrefix>",
              "2!8!x")},
        {LIST "&prefix=d%2F&delimiter=%2F&maxresults=2&marker=2%218%21x&include=metadata", NULL, 200, NULL,
         PAGE("<Blob><Name Encoded=\"true\">d/%C3%BC%01</Name><Properties><Content-Length>3</Content-Length>"
              "<Etag>\"0x8\"</Etag></Properties></Blob>",
              "")},
        {0}};
    begin(&f, steps);
    ncr_object *prefix = ncr_object_new(f.store, "cont", "d/", "az://cont/d/", false);
    ncr_list_op op = {.object = prefix, .call = f.call, .max_entries = 2};
    assert_int_equal(run_list(&op), NACRE_OK);
    assert_int_equal(op.entry_count, 2);
    assert_string_equal(op.entries[0].key, "d/a/");
    assert_true(op.entries[0].is_prefix);
    assert_string_equal(op.entries[1].key, "d/b & c");
    assert_int_equal(op.entries[1].facts.size, 3);
    assert_string_equal(op.entries[1].facts.version.token, "etag=\"0x7\"");
    assert_string_equal(op.entries[1].facts.checksum, "md5=XrY7u+Ae7tCTyyK7j1rNww==");
    assert_string_equal(op.entries[1].facts.content_type, "t/x");
    assert_int_equal(op.entries[1].facts.modified_ms, INT64_C(1604224800000));
    assert_string_equal(op.next_page, "2!8!x");
    ncr_list_op_clear(&op);
    op.page = "2!8!x";
    assert_int_equal(run_list(&op), NACRE_OK);
    assert_int_equal(op.entry_count, 1);
    assert_string_equal(op.entries[0].key, "d/\xC3\xBC\x01");
    assert_string_equal(op.entries[0].facts.version.token, "etag=\"0x8\"");
    assert_null(op.next_page);
    ncr_list_op_clear(&op);
    ncr_object_unref(prefix);
    end(&f);
}

static void directories_are_prefixes_or_left_out(void **state)
{
    (void)state;
    fixture f;
#define MARKED(name, how) "<Blob><Name>" name "</Name>" how "</Blob>"
    static const char page[] =
        PAGE("<BlobPrefix><Name>d/a/</Name><Properties><ResourceType>directory</ResourceType></Properties></"
             "BlobPrefix>" MARKED("d/a", "<Properties><BlobType>BlockBlob</BlobType></"
                                         "Properties><Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>")
                 MARKED("d/e", "<Properties><ResourceType>directory</ResourceType></Properties>")
                     MARKED("d/", "<Properties><ResourceType>directory</ResourceType></Properties>")
                         BLOB("d/k", "<ResourceType>file</ResourceType>"),
             "");
    const step steps[] = {{LIST "&prefix=d%2F&delimiter=%2F&include=metadata", NULL, 200, NULL, page},
                          {LIST "&prefix=d%2F&include=metadata", NULL, 200, NULL, page},
                          {0}};
    begin(&f, steps);
    ncr_object *prefix = ncr_object_new(f.store, "cont", "d/", "az://cont/d/", false);
    char *folded = list_keys(prefix, f.call, false, 0), *all;
    assert_string_equal(folded, "d/a/ d/e/ d/k ");
    all = list_keys(prefix, f.call, true, 0);
    assert_string_equal(all, "d/k ");
    ncr_object_unref(prefix);
    free(folded);
    free(all);
    end(&f);
}

static void listings_that_are_not_understood_are_errors(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {LIST "&include=metadata", NULL, 200, NULL, "<!DOCTYPE x [<!ENTITY e 'x'>]><EnumerationResults/>"},
        {LIST "&include=metadata", NULL, 200, NULL, "<EnumerationResults><Blobs>" BLOB("a", "")},
        {LIST "&include=metadata", NULL, 200, NULL, PAGE("<Blob><Name Encoded=\"true\">a%00b</Name></Blob>", "")},
        {LIST "&include=metadata", NULL, 200, NULL, ""},
        {LIST "&include=metadata", NULL, 200, NULL, "no XML"},
        {LIST "&include=metadata", NULL, 200, NULL, "<html><body/></html>"},
        {LIST "&include=metadata", NULL, 200, NULL, PAGE("<Blob><Properties/></Blob>", "")},
        {LIST "&include=metadata", NULL, 200, NULL, PAGE("<BlobPrefix><Name/></BlobPrefix>", "")},
        {LIST "&include=metadata", NULL, 200, NULL, PAGE("<Blob><Name>a</Name></Blob>", "")},
        {LIST "&include=metadata", NULL, 200, NULL,
         PAGE("<Blob><Name>a</Name><Properties><Content-Length>-1</Content-Length></Properties></Blob>", "")},
        {LIST "&include=metadata", NULL, 404, FAILS("ContainerNotFound"), ""},
        {0}};
    begin(&f, steps);
    ncr_object *container = ncr_object_new(f.store, "cont", "", "az://cont/", false);
    ncr_list_op op = {.object = container, .call = f.call, .recursive = true};
    assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
    assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
    assert_int_equal(op.entry_count, 0);
    assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
    assert_contains(op.error.message, "zero byte");
    for (int i = 0; i < 7; i++) {
        assert_int_equal(run_list(&op), NACRE_ERROR_CORRUPT);
        assert_int_equal(op.entry_count, 0);
    }
    assert_int_equal(run_list(&op), NACRE_ERROR_NOT_FOUND);
    assert_contains(op.error.message, "there is no container 'cont'");
    ncr_object_unref(container);
    end(&f);
}

static void a_container_alone_is_no_object(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{0}};
    begin(&f, steps);
    ncr_object *container = ncr_object_new(f.store, "cont", "", "az://cont", false);
    ncr_object *account = ncr_object_new(f.store, "", "", "az://", false);
    ncr_get get = {.object = container, .call = f.call, .length = SIZE_MAX};
    ncr_stat_op stat = {.object = container, .call = f.call};
    ncr_list_op list = {.object = account, .call = f.call};
    assert_int_equal(run_get(&get), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(run_stat(&stat), NACRE_ERROR_NOT_FOUND);
    assert_contains(stat.error.message, "is a container, not an object");
    assert_int_equal(run_list(&list), NACRE_ERROR_INVALID);
    assert_contains(list.error.message, "name a container in it");
    ncr_object_unref(container);
    ncr_object_unref(account);
    end(&f);
}

/* --- Who asks. --- */

static void each_kind_of_credentials_asks_in_its_way(void **state)
{
    (void)state;
    static const struct {
        const char *credentials, *target, *header;
    } kinds[] = {{"az.access_token=Hush", GET, "Authorization: Bearer Hush"},
                 {"az.sas_token=?sv=1&sig=a%2Fb", GET "?sv=1&sig=a%2Fb", "!Authorization"},
                 {"az.no_sign_request=yes", GET, "!Authorization"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fixture f;
        const step steps[] = {{kinds[i].target, kinds[i].header, 206, IS("7"), "abcd"}, {0}};
        begin_as(&f, steps, kinds[i].credentials, false);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        end(&f);
    }
}

/* The signature over what was sent is worked out again from what came. */
static void check_signature(void *user, const test_request *request, test_answer *answer)
{
    char url[2200], authorization[256], range[64], date[64], signature[NCR_AZ_SIGNATURE_TEXT], expected[128];
    test_request_header(request, "Authorization", authorization, sizeof authorization);
    test_request_header(request, "Range", range, sizeof range);
    test_request_header(request, "x-ms-date", date, sizeof date);
    snprintf(url, sizeof url, "http://h%s", request->target);
    char range_line[96], date_line[96];
    snprintf(range_line, sizeof range_line, "Range: %s", range);
    snprintf(date_line, sizeof date_line, "x-ms-date: %s", date);
    const char *const lines[] = {range_line, date_line, "x-ms-version: 2021-12-02", "If-Match: \"0x7\"", NULL};
    ncr_az_signed what = {.method = request->method, .url = url, .lines = lines, .account = "acct"};
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 16);
    bool is_signed =
        ncr_az_string_to_sign(&what, &text) && ncr_az_signature("U0VDUkVU", (char *)text.data, text.size, signature);
    ncr_buffer_clear(&text);
    snprintf(expected, sizeof expected, "SharedKey acct:%s", signature);
    bool *is_right = user;
    *is_right = is_signed && strcmp(expected, authorization) == 0 && date[0];
    answer->status = 206;
    answer->headers = IS("7");
    answer->body = "abcd";
    answer->body_size = 4;
}

static void a_key_signs_what_is_sent(void **state)
{
    (void)state;
    bool is_right = false;
    char endpoint[96];
    test_server *server = test_server_start(check_signature, &is_right);
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", test_server_port(server));
    ncr_call *call = test_call_new("az.account=acct", "az.access_key=U0VDUkVU", endpoint, NULL);
    ncr_store *store = open_store("az", NULL, false, call);
    ncr_object *object = ncr_object_new(store, "cont", "d/a b.tif", "az://cont/d/a b.tif", false);
    uint8_t buffer[4];
    ncr_get get = {.object = object, .call = call, .length = 4, .buffer = buffer};
    get.match = NCR_MATCH_VERSION;
    get.version = &seven;
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_true(is_right);
    ncr_object_unref(object);
    ncr_store_unref(store);
    ncr_call_unref(call);
    test_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_reads_and_tells_the_version),
        cmocka_unit_test(a_pinned_read_sends_its_version_and_compares),
        cmocka_unit_test(an_account_that_keeps_versions_is_asked_for_the_pinned_one),
        cmocka_unit_test(a_proof_is_one_conditional_read),
        cmocka_unit_test(a_refused_range_is_explained_by_the_facts),
        cmocka_unit_test(whole_objects_are_checked_against_their_md5),
        cmocka_unit_test(stat_asks_for_the_head),
        cmocka_unit_test(denials_say_who_asked),
        cmocka_unit_test(what_is_private_is_not_found_without_credentials),
        cmocka_unit_test(a_page_is_listed_in_byte_order),
        cmocka_unit_test(directories_are_prefixes_or_left_out),
        cmocka_unit_test(listings_that_are_not_understood_are_errors),
        cmocka_unit_test(a_container_alone_is_no_object),
        cmocka_unit_test(each_kind_of_credentials_asks_in_its_way),
        cmocka_unit_test(a_key_signs_what_is_sent),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
