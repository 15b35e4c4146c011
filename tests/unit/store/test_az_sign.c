/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/script.h"

#include "store/az/az.h"

/* Which account, where, with which signature: no requests. */

static void assert_signs(const ncr_az_signed *what, const char *expected)
{
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 16);
    assert_true(ncr_az_string_to_sign(what, &text));
    assert_string_equal((char *)text.data, expected);
    ncr_buffer_clear(&text);
}

/* The examples of "Authorize with Shared Key" in the service's documentation. */
static void the_text_to_sign_is_as_documented(void **state)
{
    (void)state;
    const char *const lines[] = {"x-ms-version: 2015-02-21", "X-Ms-Date: Fri, 26 Jun 2015 23:39:12 GMT",
                                 "Expect:", "Content-Type:", NULL};
    ncr_az_signed get = {.method = "GET", .lines = lines, .account = "myaccount"};
    get.url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
    assert_signs(&get, "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
                       "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
    get.url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=list&include=snapshots"
              "&include=metadata&include=uncommittedblobs";
    get.lines = (const char *const[]){NULL};
    assert_signs(&get, "GET\n\n\n\n\n\n\n\n\n\n\n\n/myaccount/mycontainer\ncomp:list\n"
                       "include:metadata,snapshots,uncommittedblobs\nrestype:container");
    get.url = "https://myaccount-secondary.blob.core.windows.net/mycontainer/myblob";
    assert_signs(&get, "GET\n\n\n\n\n\n\n\n\n\n\n\n/myaccount/mycontainer/myblob");
}

static void all_that_is_sent_is_signed(void **state)
{
    (void)state;
    const char *const lines[] = {"x-ms-version: 2021-12-02",
                                 "x-ms-blob-type: BlockBlob",
                                 "Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==",
                                 "x-ms-meta-empty;",
                                 "If-None-Match: *",
                                 "Range: bytes=0-3",
                                 "Date: never signed beside x-ms-date",
                                 "x-ms-date: Mon, 23 Nov 2026 00:00:00 GMT",
                                 NULL};
    ncr_az_signed put = {.method = "PUT", .lines = lines, .account = "a", .body_size = 11};
    put.url = "http://127.0.0.1:10000/a/c/d%20e/%C3%BC%252F?versionid=2026%3A1&Comp=x";
    assert_signs(&put, "PUT\n\n\n11\nXrY7u+Ae7tCTyyK7j1rNww==\n\n\n\n\n*\n\nbytes=0-3\n"
                       "x-ms-blob-type:BlockBlob\nx-ms-date:Mon, 23 Nov 2026 00:00:00 GMT\nx-ms-meta-empty:\n"
                       "x-ms-version:2021-12-02\n/a/a/c/d%20e/%C3%BC%252F\ncomp:x\nversionid:2026:1");
}

/* Signatures by Python's hmac; SAS by generate_blob_sas() of azure-storage-blob 12.31. */
static void signatures_are_those_of_others(void **state)
{
    (void)state;
    char out[NCR_AZ_SIGNATURE_TEXT];
    const char *text = "GET\n\nwhat is signed";
    assert_true(ncr_az_signature("c2VjcmV0IGtleSBvZiBhbiBhY2NvdW50", text, strlen(text), out));
    assert_string_equal(out, "eaKoM5O7na2IBIR1Wcz8v5QsijgGZnZIEyyQYC38Ykk=");
    char *sas = ncr_az_read_sas("acct", "c2VjcmV0IGtleSBvZiBhbiBhY2NvdW50", "cont", "d/a b\xC3\xBC.tif",
                                "2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z");
    assert_string_equal(sas, "sv=2021-12-02&sr=b&sp=r&st=2026-11-23T00%3A00%3A00Z&se=2026-11-23T01%3A00%3A00Z&sig="
                             "LdwENVzTkDAtoja9r8WhzvUsaxnq9Dq%2BjSY%2FFXXy7AQ%3D");
    free(sas);
}

static void a_key_is_base64(void **state)
{
    (void)state;
    unsigned char out[16];
    size_t size;
    assert_true(ncr_az_base64_decode("AAEC/w==", out, &size));
    assert_int_equal(size, 4);
    assert_memory_equal(out, "\x00\x01\x02\xff", 4);
    assert_true(ncr_az_is_key("c2VjcmV0"));
    static const char *const bad[] = {"", "abc", "ab=c", "a===", "c2Vj cmV0", "c2Vjcm_-", "=AAA"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ncr_az_is_key(bad[i]));
}

/* --- Settings. --- */

static nacre_status read_settings(const char *location, ncr_az_settings *out, nacre_error *err, const char *one,
                                  const char *two, const char *three)
{
    ncr_call *call = test_call_new("az.metadata_endpoint=disabled", one, two, three, NULL);
    nacre_status status = ncr_az_settings_read(call->config, location, out, err);
    ncr_call_unref(call);
    return status;
}

static void assert_endpoint(const char *location, const char *endpoint, const char *one, const char *two)
{
    ncr_az_settings s;
    nacre_error err;
    if (read_settings(location, &s, &err, one, two, NULL) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_string_equal(s.endpoint, endpoint);
    ncr_az_settings_clear(&s);
}

static void an_account_has_one_endpoint_however_it_is_named(void **state)
{
    (void)state;
    static const char usual[] = "https://acct.blob.core.windows.net", own[] = "http://127.0.0.1:10000/acct";
    assert_endpoint(NULL, usual, "az.account=acct", NULL);
    assert_endpoint(NULL, usual, "az.account=ACCT", NULL);
    assert_endpoint("acct", usual, NULL, NULL);
    assert_endpoint("acct.dfs.core.windows.net", usual, NULL, NULL);
    assert_endpoint("acct.blob.core.windows.net", usual, "az.account=acct", NULL);
    assert_endpoint("acct.dfs.core.windows.net", usual, "az.account=other", NULL);
    assert_endpoint("acct.z1.dfs.storage.azure.net", "https://acct.z1.blob.storage.azure.net", NULL, NULL);
    assert_endpoint(NULL, usual, "az.endpoint=HTTPS://Acct.Blob.core.windows.net/", NULL);
    assert_endpoint(NULL, usual, "az.connection_string=AccountName=acct;AccountKey=c2VjcmV0", NULL);
    assert_endpoint(
        NULL, "https://acct.blob.core.chinacloudapi.cn",
        "az.connection_string=DefaultEndpointsProtocol=https;AccountName=acct;EndpointSuffix=core.chinacloudapi.cn",
        NULL);
    assert_endpoint(NULL, own, "az.endpoint=http://127.0.0.1:10000", "az.account=acct");
    assert_endpoint(NULL, own, "az.endpoint=127.0.0.1:10000/acct/", NULL);
    assert_endpoint("acct", own, "az.endpoint=http://127.0.0.1:10000/acct", NULL);
    assert_endpoint("acct.dfs.core.windows.net", own, "az.endpoint=http://127.0.0.1:10000", "az.account=acct");
    assert_endpoint("other", "https://other.blob.core.windows.net", "az.endpoint=http://127.0.0.1:10000/acct", NULL);
    assert_endpoint(NULL, own, "az.connection_string=accountname=acct; BlobEndpoint=http://127.0.0.1:10000/acct/;",
                    NULL);
    assert_endpoint(NULL, "http://azurite:10000/acct", "az.endpoint=azurite:10000", "az.account=acct");
    assert_endpoint(NULL, "https://blobs.example.com", "az.endpoint=blobs.example.com", "az.account=acct");
    assert_endpoint(NULL, "http://127.0.0.1:10000/devstoreaccount1", "az.connection_string=UseDevelopmentStorage=true",
                    NULL);
    assert_endpoint(NULL, own, "az.connection_string=UseDevelopmentStorage=false;AccountName=acct",
                    "az.endpoint=http://127.0.0.1:10000");
}

static void a_connection_string_says_all(void **state)
{
    (void)state;
    ncr_az_settings s;
    assert_int_equal(
        read_settings(NULL, &s, NULL,
                      "az.connection_string=AccountName=acct;AccountKey=c2VjcmV0MQ==;QueueEndpoint=http://q;"
                      "SharedAccessSignature=?sv=1&sig=x%3D",
                      "az.access_key=b3RoZXI=", "az.account=other"),
        NACRE_OK);
    assert_string_equal(s.account, "acct");
    assert_string_equal(s.key, "c2VjcmV0MQ==");
    assert_string_equal(s.sas, "sv=1&sig=x%3D");
    ncr_az_settings_clear(&s);
}

static void what_belongs_to_one_account_is_not_sent_to_another(void **state)
{
    (void)state;
    ncr_az_settings s;
    assert_int_equal(
        read_settings("other", &s, NULL, "az.account=acct", "az.access_key=c2VjcmV0", "az.sas_token=sig=x"), NACRE_OK);
    assert_string_equal(s.account, "other");
    assert_null(s.key);
    assert_null(s.sas);
    assert_true(s.is_other);
    ncr_az_settings_clear(&s);
    assert_int_equal(read_settings("acct", &s, NULL, "az.account=acct", "az.access_key=c2VjcmV0", NULL), NACRE_OK);
    assert_string_equal(s.key, "c2VjcmV0");
    ncr_az_settings_clear(&s);
}

static void settings_that_cannot_be_meant_are_refused_without_being_shown(void **state)
{
    (void)state;
    static const struct {
        const char *location, *one, *two, *says;
    } bad[] = {
        {NULL, NULL, NULL, "az.account: no storage account is named"},
        {NULL, "az.account=evil.example/x", NULL, "no host of Azure storage"},
        {NULL, "az.account=a_b", NULL, "az.account: no name of a storage account"},
        {"acct.example.com", NULL, NULL, "acct.example.com: no host of Azure storage"},
        {"acct.dfs.evilcore.windows.net", NULL, NULL, "no host of Azure storage"},
        {"acct.dfs.core.windows.net.example.com", NULL, NULL, "no host of Azure storage"},
        {NULL, "az.account=a", "az.access_key=not base64 SECRET", "az.access_key: the key is not base64"},
        {NULL, "az.endpoint=https://blobs.example.com", "az.access_key=U0VDUkVU", "a key alone is not enough"},
        {NULL, "az.account=a", "az.sas_token=sv=1&sig=SECRET x", "az.sas_token: not as Azure gives it"},
        {NULL, "az.account=a", "az.sas_token=SECRET", "az.sas_token: no signature in it"},
        {NULL, "az.connection_string=SECRET", NULL, "az.connection_string: a part has no '='"},
        {NULL, "az.connection_string=AccountKey=U0VDUkVU", NULL, "names no account"},
        {NULL, "az.account=a", "az.endpoint=https://h/a?sig=SECRET", "az.endpoint: no URL of a server"},
        {NULL, "az.account=a", "az.endpoint=ftp://h", "az.endpoint: no URL of a server"},
        {NULL, "az.endpoint=http://localhost:1", NULL, "az.account: no storage account is named, and the endpoint"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ncr_az_settings s;
        nacre_error err;
        assert_int_equal(read_settings(bad[i].location, &s, &err, bad[i].one, bad[i].two, NULL), NACRE_ERROR_INVALID);
        assert_contains(err.message, bad[i].says);
        assert_null(strstr(err.message, "SECRET"));
        assert_null(strstr(err.message, "U0VDUkVU"));
        assert_null(s.endpoint);
    }
}

static void assert_credentials(const char *kind, const char *one, const char *two, const char *three)
{
    ncr_call *call = test_call_new("az.account=acct", "az.metadata_endpoint=disabled", one, two, three, NULL);
    ncr_store *store = open_store("az", NULL, false, call);
    if (!ncr_text_starts(store->credentials, kind))
        fail_msg("%s instead of %s", store->credentials, kind);
    assert_null(strstr(store->credentials, "U0VDUkVU"));
    ncr_store_unref(store);
    ncr_call_unref(call);
}

static void credentials_are_taken_in_one_order(void **state)
{
    (void)state;
    static const char string[] = "az.connection_string=AccountName=acct;AccountKey=U0VDUkVU";
    assert_credentials("anonymous", NULL, NULL, NULL);
    assert_credentials("key:acct:", string, "az.access_token=U0VDUkVU", NULL);
    assert_credentials("az-token:", "az.access_token=U0VDUkVU", "az.access_key=U0VDUkVU", NULL);
    assert_credentials("key:acct:", "az.access_key=U0VDUkVU", "az.sas_token=sig=U0VDUkVU", NULL);
    assert_credentials("sas:", "az.sas_token=sig=U0VDUkVU", "az.client_secret=U0VDUkVU", NULL);
    assert_credentials("az-secret:https://login.microsoftonline.com:t:c:", "az.client_secret=U0VDUkVU",
                       "az.tenant_id=t", "az.client_id=c");
    assert_credentials("az-workload:https://login.microsoftonline.com:t:c:", "az.federated_token_file=/f",
                       "az.tenant_id=t", "az.client_id=c");
    assert_credentials("az-machine:http://h:", "az.metadata_endpoint=http://h/", NULL, NULL);
    assert_credentials("anonymous", string, "az.no_sign_request=yes", NULL);
}

static void credentials_that_are_half_given_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *one, *two, *says;
    } bad[] = {
        {"az.client_secret=SECRET", "az.client_id=c", "az.client_secret is set, and az.tenant_id is not"},
        {"az.federated_token_file=/f", "az.tenant_id=t", "az.federated_token_file is set, and az.client_id is not"},
    };
    for (size_t i = 0; i < 2; i++) {
        nacre_error err;
        ncr_store *store;
        ncr_call *call = test_call_new("az.account=acct", bad[i].one, bad[i].two, NULL);
        assert_int_equal(ncr_store_open("az", NULL, false, call->config, &store, &err), NACRE_ERROR_INVALID);
        assert_contains(err.message, bad[i].says);
        ncr_call_unref(call);
    }
    nacre_error err;
    ncr_store *store;
    ncr_call *call = test_call_new("az.account=acct", "az.client_secret=SECRET", "az.tenant_id=t", "az.client_id=c",
                                   "az.authority_host=http://login.example.com", NULL);
    assert_int_equal(ncr_store_open("az", NULL, false, call->config, &store, &err), NACRE_ERROR_INVALID);
    assert_contains(err.message, "no https URL of a directory");
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_to_sign_is_as_documented),
        cmocka_unit_test(all_that_is_sent_is_signed),
        cmocka_unit_test(signatures_are_those_of_others),
        cmocka_unit_test(a_key_is_base64),
        cmocka_unit_test(an_account_has_one_endpoint_however_it_is_named),
        cmocka_unit_test(a_connection_string_says_all),
        cmocka_unit_test(what_belongs_to_one_account_is_not_sent_to_another),
        cmocka_unit_test(settings_that_cannot_be_meant_are_refused_without_being_shown),
        cmocka_unit_test(credentials_are_taken_in_one_order),
        cmocka_unit_test(credentials_that_are_half_given_are_refused),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
