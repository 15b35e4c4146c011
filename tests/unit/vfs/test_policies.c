/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/cache.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "vfs/vfs.h"

/* Which cache policy an object gets when its path is resolved. */

static ncr_policy policy_of(const char *path, const ncr_object *document, ncr_call *call)
{
    ncr_object *object;
    nacre_error err;
    if (ncr_vfs_resolve(path, document, call, &object, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_policy policy = object->policy;
    ncr_object_unref(object);
    return policy;
}

static void assert_ttl(ncr_call *call, const char *path, int64_t ttl_ms)
{
    ncr_policy policy = policy_of(path, NULL, call);
    if (policy.kind != (ttl_ms ? NCR_POLICY_TTL : NCR_POLICY_FRESH) || policy.ttl_ms != ttl_ms)
        fail_msg("%s: kind %d, ttl %d", path, policy.kind, (int)policy.ttl_ms);
}

static void longest_prefix_wins_however_it_is_spelled(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("cache.policy={\"gs://b/\": \"ttl=1\", \"/vsigs/b/p/\": \"ttl=2\", "
                                   "\"gcs://b/p/q\": \"ttl=3\", \"HTTP://Example.com:80/%7ea/\": \"ttl=4\", "
                                   "\"gs://whole\": \"ttl=5\", \"zz://x/\": \"ttl=6\", \"/vsis3/b/p/\": \"ttl=7\"}",
                                   "s3.no_sign_request=yes", NULL);
    static const struct {
        const char *path;
        int64_t ttl_ms;
    } cases[] = {{"gs://b/x", 1000},
                 {"gs://b/p", 1000},
                 {"gs://b/p/x", 2000},
                 {"/vsigs/b/p/x", 2000},
                 {"gcs://b/p/q", 3000},
                 {"gs://b/p/qq/x", 3000}, /* a prefix need not end with a slash */
                 {"gs://bb/x", 0},
                 {"gs://b//p/x", 1000}, /* keys are literal */
                 {"http://example.com/~a/x", 4000},
                 {"/vsicurl/http://example.com/%7Ea/x", 4000},
                 {"https://example.com/~a/x", 0},
                 {"gs://whole/x", 5000},
                 {"s3://b/p/x", 7000},
                 {"s3://b/x", 0},
                 {"gs://wholesale/x", 0}}; /* a bucket's name is whole */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_ttl(call, cases[i].path, cases[i].ttl_ms);
    ncr_call_unref(call);
}

static void call_with_argument(const char *argument, const char *rules, ncr_call **out)
{
    nacre_io_options options = NACRE_IO_OPTIONS_INIT;
    nacre_config *config = nacre_config_new();
    assert_int_equal(nacre_config_set(config, "cache.policy", rules, NULL), NACRE_OK);
    assert_int_equal(nacre_config_set(config, "cache", "offline", NULL), NACRE_OK);
    options.config = config;
    options.cache = argument;
    assert_int_equal(ncr_call_new(&options, out, NULL), NACRE_OK);
    nacre_config_free(config);
}

static void argument_comes_before_prefix_and_prefix_before_key(void **state)
{
    (void)state;
    ncr_call *call;
    call_with_argument("immutable", "{\"gs://b/\": \"ttl=1\"}", &call);
    assert_int_equal(policy_of("gs://b/k", NULL, call).kind, NCR_POLICY_IMMUTABLE);
    ncr_call_unref(call);
    call_with_argument(NULL, "{\"gs://b/\": \"ttl=1\"}", &call);
    assert_int_equal(policy_of("gs://b/k", NULL, call).kind, NCR_POLICY_TTL);
    assert_int_equal(policy_of("gs://c/k", NULL, call).kind, NCR_POLICY_OFFLINE);
    assert_false(call->offline); /* not for all it does */
    ncr_call_unref(call);
}

static void source_has_its_own_policy_unless_an_argument_opened_the_document(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("cache.policy={\"gs://b/old/\": \"immutable\"}", NULL), *argument;
    ncr_object *document;
    assert_int_equal(ncr_vfs_resolve("gs://b/a.vrt", NULL, call, &document, NULL), NACRE_OK);
    assert_int_equal(policy_of("gs://b/old/s.tif", document, call).kind, NCR_POLICY_IMMUTABLE);
    assert_int_equal(policy_of("gs://b/new/s.tif", document, call).kind, NCR_POLICY_FRESH);
    ncr_object_unref(document);
    call_with_argument("offline", "{}", &argument);
    assert_int_equal(ncr_vfs_resolve("gs://b/a.vrt", NULL, argument, &document, NULL), NACRE_OK);
    assert_int_equal(policy_of("gs://b/new/s.tif", document, call).kind, NCR_POLICY_OFFLINE);
    ncr_object_unref(document);
    ncr_call_unref(argument);
    ncr_call_unref(call);
}

static void sidecar_has_the_policy_of_what_it_lies_beside(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("cache.policy={\"gs://b/\": \"immutable\"}", NULL);
    ncr_object *object;
    assert_int_equal(ncr_vfs_resolve("gs://b/a.tif", NULL, call, &object, NULL), NACRE_OK);
    ncr_object *beside = ncr_object_sibling(object, "a.tif.ovr");
    assert_int_equal(beside->policy.kind, NCR_POLICY_IMMUTABLE);
    ncr_object_unref(beside);
    ncr_object_unref(object);
    ncr_call_unref(call);
}

static void prefix_that_is_no_path_is_named(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("cache.policy={\"gs://b?d/\": \"immutable\"}", NULL);
    ncr_object *object;
    nacre_error err;
    assert_int_equal(ncr_vfs_resolve("gs://b/a.tif", NULL, call, &object, &err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "cache.policy: gs://b?d/"));
    assert_null(object);
    ncr_call_unref(call);
}

static void process_has_policies_before_the_file_has(void **state)
{
    (void)state;
    char path[] = "/tmp/nacre-policies-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "{\"cache.policy\": {\"gs://b/\": \"ttl=1\", \"gs://c/\": \"ttl=2\"}}";
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    setenv("NACRE_CONFIG", path, 1);
    nacre_error err;
    assert_int_equal(nacre_cache_policy("/vsigs/b/", "ttl=3", &err), NACRE_OK);
    assert_int_equal(nacre_cache_policy("gcs://b/p/", "ttl=4", &err), NACRE_OK);
    ncr_call *call = test_call_new(NULL);
    assert_ttl(call, "gs://b/x", 3000);
    assert_ttl(call, "gs://b/p/x", 4000);
    assert_ttl(call, "gs://c/x", 2000); /* what the file says of others stays */
    ncr_call_unref(call);
    assert_int_equal(nacre_cache_policy("gs://b/", NULL, &err), NACRE_OK);
    assert_int_equal(nacre_cache_policy("gs://b/p/", NULL, &err), NACRE_OK);
    assert_int_equal(nacre_cache_policy("gs://none/", NULL, &err), NACRE_OK);
    call = test_call_new(NULL);
    assert_ttl(call, "gs://b/p/x", 1000);
    ncr_call_unref(call);
    unsetenv("NACRE_CONFIG");
    unlink(path);
}

static void bad_policies_are_refused_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *policy, *part;
    } cases[] = {{"gs://b/", "ttl=-1", "'ttl=-1' is none of fresh, ttl=SECONDS, immutable, offline"},
                 {"gs://b/", "ttl=abc", "'ttl=abc'"},
                 {"gs://b/", "ttl=", "'ttl='"},
                 {"gs://b/", "ttl=1e99", "'ttl=1e99'"},
                 {"gs://b/", "ttl=nan", "'ttl=nan'"},
                 {"gs://b/", "Fresh", "'Fresh'"},
                 {"gs://b/", "", "''"},
                 {"", "fresh", "empty"},
                 {"/data/", "fresh", "local files and memory"},
                 {"mem://x", "fresh", "local files and memory"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nacre_error err;
        assert_int_equal(nacre_cache_policy(cases[i].prefix, cases[i].policy, &err), NACRE_ERROR_INVALID);
        if (!strstr(err.message, cases[i].part))
            fail_msg("%s", err.message);
    }
    static const char *const texts[] = {"[]",
                                        "{\"gs://b/\": 1}",
                                        "{\"gs://b/\": \"ttl=x\"}",
                                        "{\"\": \"fresh\"}",
                                        "{\"gs://b/\": \"fresh\", \"gs://b/\": \"fresh\"}",
                                        "gs://b/=fresh"};
    nacre_config *config = nacre_config_new();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(nacre_config_set(config, "cache.policy", texts[i], NULL), NACRE_ERROR_INVALID);
    nacre_config_free(config);
}

int main(void)
{
    unsetenv("NACRE_CONFIG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_prefix_wins_however_it_is_spelled),
        cmocka_unit_test(argument_comes_before_prefix_and_prefix_before_key),
        cmocka_unit_test(source_has_its_own_policy_unless_an_argument_opened_the_document),
        cmocka_unit_test(sidecar_has_the_policy_of_what_it_lies_beside),
        cmocka_unit_test(prefix_that_is_no_path_is_named),
        cmocka_unit_test(process_has_policies_before_the_file_has),
        cmocka_unit_test(bad_policies_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
