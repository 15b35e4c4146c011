/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/script.h"

#include <unistd.h>

#include "base/clock.h"
#include "store/az/az.h"

/* Where tokens come from: one server plays the store, the directory and the metadata service. */
static void begin(fixture *f, const step *steps, const char *one, const char *two)
{
    char endpoint[96], authority[96], metadata[96];
    unsigned port = fixture_start(f, steps);
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", port);
    snprintf(authority, sizeof authority, "az.authority_host=http://127.0.0.1:%u/", port);
    snprintf(metadata, sizeof metadata, "az.metadata_endpoint=http://127.0.0.1:%u/", port);
    ncr_call *call = test_call_new("http.retries=0", "az.account=acct", endpoint, authority, metadata, one, two,
                                   "az.tenant_id=ten", NULL);
    fixture_open(f, call, "az", NULL, false);
    fixture_set_object(f, "cont", "k", "az://cont/k");
}

#define GET      "GET /acct/cont/k"
#define DELETE   "DELETE /acct/cont/k"
#define IS       "Content-Range: bytes 0-3/10\r\nETag: \"0x7\"\r\n"
#define TOKEN    "POST /ten/oauth2/v2.0/token"
#define MACHINE  "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F"
#define GIVES(t) "{\"access_token\":\"" t "\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"

static void an_application_asks_the_directory_once(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {
        {TOKEN, "Content-Type: application/x-www-form-urlencoded", 200, NULL, GIVES("tok"),
         "grant_type=client_credentials&client_id=cli&scope=https%3A%2F%2Fstorage.azure.com%2F.default"
         "&client_secret=Hush%2F%26"},
        {GET, "Authorization: Bearer tok", 206, IS, "abcd"},
        {GET, "Authorization: Bearer tok", 206, IS, "abcd"},
        {0}};
    begin(&f, steps, "az.client_id=cli", "az.client_secret=Hush/&");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_null(strstr(f.store->credentials, "Hush"));
    end(&f);
}

static void a_refused_token_is_asked_for_again(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{TOKEN, NULL, 200, NULL, GIVES("old")},
                          {GET, "Authorization: Bearer old", 401, "x-ms-error-code: InvalidAuthenticationInfo\r\n", ""},
                          {TOKEN, NULL, 200, NULL, GIVES("new")},
                          {GET, "Authorization: Bearer new", 206, IS, "abcd"},
                          {GET, "Authorization: Bearer new", 403, "x-ms-error-code: AuthorizationFailure\r\n", ""},
                          {0}};
    begin(&f, steps, "az.client_id=again", "az.client_secret=Hush");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED); /* about rights: another token would not help */
    end(&f);
}

/* Who refuses does not act: the attempt before is not one that may have happened. */
static void a_change_that_was_refused_has_not_happened(void **state)
{
    (void)state;
    fixture f;
    nacre_error err;
    const step steps[] = {
        {TOKEN, NULL, 200, NULL, GIVES("old")},
        {DELETE, "Authorization: Bearer old", 401, "x-ms-error-code: InvalidAuthenticationInfo\r\n", ""},
        {TOKEN, NULL, 200, NULL, GIVES("new")},
        {DELETE, "Authorization: Bearer new", 404, "x-ms-error-code: BlobNotFound\r\n", ""},
        {0}};
    const step unrenewed[] = {
        {TOKEN, NULL, 200, NULL, GIVES("old")},
        {DELETE, "Authorization: Bearer old", 401, "x-ms-error-code: InvalidAuthenticationInfo\r\n", ""},
        {TOKEN, NULL, 400, NULL, "{\"error\":\"invalid_client\"}"},
        {0}};
    begin(&f, steps, "az.client_id=change", "az.client_secret=Hush");
    ncr_delete op = {.object = f.object, .call = f.call};
    assert_int_equal(f.store->class->remove(&op, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(op.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
    begin(&f, unrenewed, "az.client_id=unrenewed", "az.client_secret=Hush");
    op = (ncr_delete){.object = f.object, .call = f.call};
    assert_int_equal(f.store->class->remove(&op, &err), NACRE_ERROR_DENIED);
    assert_int_equal(op.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

static void a_token_that_has_ended_may_be_told_by_403(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{TOKEN, NULL, 200, NULL, GIVES("old")},
                          {GET, "Authorization: Bearer old", 403, "x-ms-error-code: AuthenticationFailed\r\n", ""},
                          {TOKEN, NULL, 200, NULL, GIVES("new")},
                          {GET, "Authorization: Bearer new", 206, IS, "abcd"},
                          {0}};
    begin(&f, steps, "az.client_id=ended", "az.client_secret=Hush");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void a_directory_that_refuses_is_told_without_the_secret(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{TOKEN, NULL, 401, NULL,
                           "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Hush is invalid\"}"},
                          {0}};
    begin(&f, steps, "az.client_id=refused", "az.client_secret=Hush");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_contains(f.get.error.message, "az://cont/k: the directory 127.0.0.1");
    assert_contains(f.get.error.message, "invalid_client: AADSTS7000215");
    assert_null(strstr(f.get.error.message, "Hush"));
    end(&f);
}

static void a_federated_token_is_read_from_its_file_each_time(void **state)
{
    (void)state;
    fixture f;
    char path[] = "/tmp/test_az_tokens_XXXXXX", setting[96];
    int file = mkstemp(path);
    assert_int_equal(write(file, "jwt.one\n", 8), 8);
    const step steps[] = {{TOKEN, NULL, 200, NULL, GIVES("one"),
                           "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
                           "client_assertion=jwt.one"},
                          {GET, "Authorization: Bearer one", 401, NULL, ""},
                          {TOKEN, NULL, 200, NULL, GIVES("two"), "&client_assertion=jwt.one"},
                          {GET, "Authorization: Bearer two", 206, IS, "abcd"},
                          {0}};
    snprintf(setting, sizeof setting, "az.federated_token_file=%s", path);
    begin(&f, steps, "az.client_id=fed", setting);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
    close(file);
    unlink(path);
    const step none[] = {{0}};
    begin(&f, none, "az.client_id=gone", setting);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    assert_contains(f.get.error.message, "az://cont/k: the federated token file /tmp/test_az_tokens_");
    end(&f);
}

static void a_machine_with_an_identity_is_asked_for_its_token(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MACHINE "&client_id=user", "!Metadata", 400, NULL, "{}"}, /* is it there? */
                          {MACHINE "&client_id=user", "Metadata: true", 200, NULL,
                           "{\"access_token\":\"tok\",\"expires_in\":\"3599\",\"expires_on\":\"1\"}"},
                          {GET, "Authorization: Bearer tok", 206, IS, "abcd"},
                          {0}};
    begin(&f, steps, "az.client_id=user", NULL);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void a_machine_without_one_asks_without_credentials(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *client, *body;
    } answers[] = {
        {400, "az.client_id=none400", "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"},
        {404, "az.client_id=none404", "not a service of Azure"}};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        char line[256];
        snprintf(line, sizeof line, "%s&client_id=none%d", MACHINE, answers[i].code);
        const step steps[] = {{line, "!Metadata", 400, NULL, "{}"},
                              {line, "Metadata: true", answers[i].code, NULL, answers[i].body},
                              {GET, "!Authorization", 404, "x-ms-error-code: ResourceNotFound\r\n", ""},
                              {GET, "!Authorization", 403, "x-ms-error-code: AuthenticationFailed\r\n", ""},
                              {0}};
        begin(&f, steps, answers[i].client, NULL);
        assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
        assert_contains(f.get.error.message, "not public and asked for without credentials");
        assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
        assert_contains(f.get.error.message, "no Azure credentials found");
        end(&f);
    }
}

static void a_service_that_fails_is_an_error_and_not_no_identity(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{MACHINE "&client_id=fails", "!Metadata", 400, NULL, "{}"},
                          {MACHINE "&client_id=fails", "Metadata: true", 500, NULL, "{}"},
                          {0}};
    begin(&f, steps, "az.client_id=fails", NULL);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_UNAVAILABLE);
    assert_contains(f.get.error.message, "the managed identity");
    end(&f);
}

static void off_azure_the_look_is_short_and_is_remembered(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{GET, "!Authorization", 206, IS, "abcd"}, {GET, "!Authorization", 206, IS, "abcd"}, {0}};
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", fixture_start(&f, steps));
    /* Nobody listens on port 1. */
    ncr_call *call =
        test_call_new("http.retries=5", "az.account=acct", endpoint, "az.metadata_endpoint=http://127.0.0.1:1", NULL);
    fixture_open(&f, call, "az", NULL, false);
    fixture_set_object(&f, "cont", "k", "az://cont/k");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    uint64_t requests = atomic_load(&f.call->counters.requests);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(atomic_load(&f.call->counters.requests), requests + 1);
    end(&f);
}

static void an_app_service_names_its_own_place(void **state)
{
    (void)state;
    fixture f;
    char place[96], body[160];
    snprintf(body, sizeof body, "{\"access_token\":\"tok\",\"expires_on\":\"%lld\"}",
             (long long)(ncr_clock_wall_ms() / 1000 + 3600));
    const step steps[] = {
        {"GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=app",
         "X-IDENTITY-HEADER: Hush", 200, NULL, body},
        {GET, "Authorization: Bearer tok", 206, IS, "abcd"},
        {0}};
    unsigned port = fixture_start(&f, steps);
    char endpoint[96];
    snprintf(endpoint, sizeof endpoint, "az.endpoint=http://127.0.0.1:%u", port);
    snprintf(place, sizeof place, "http://127.0.0.1:%u/msi/token", port);
    setenv("IDENTITY_ENDPOINT", place, 1);
    setenv("IDENTITY_HEADER", "Hush", 1);
    fixture_open(&f, test_call_new("http.retries=0", "az.account=acct", endpoint, "az.client_id=app", NULL), "az", NULL,
                 false);
    unsetenv("IDENTITY_ENDPOINT");
    unsetenv("IDENTITY_HEADER");
    fixture_set_object(&f, "cont", "k", "az://cont/k");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_application_asks_the_directory_once),
        cmocka_unit_test(a_refused_token_is_asked_for_again),
        cmocka_unit_test(a_change_that_was_refused_has_not_happened),
        cmocka_unit_test(a_token_that_has_ended_may_be_told_by_403),
        cmocka_unit_test(a_directory_that_refuses_is_told_without_the_secret),
        cmocka_unit_test(a_federated_token_is_read_from_its_file_each_time),
        cmocka_unit_test(a_machine_with_an_identity_is_asked_for_its_token),
        cmocka_unit_test(a_machine_without_one_asks_without_credentials),
        cmocka_unit_test(a_service_that_fails_is_an_error_and_not_no_identity),
        cmocka_unit_test(off_azure_the_look_is_short_and_is_remembered),
        cmocka_unit_test(an_app_service_names_its_own_place),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
