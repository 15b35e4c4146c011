/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "vfs/vfs.h"

/* Who may name whom: the key `sources`. */

static const char own_endpoint[] = "gs.endpoint=http://127.0.0.1:4443";

static ncr_object *document_of(const char *path, ncr_call *call)
{
    ncr_object *document;
    nacre_error err;
    if (ncr_vfs_resolve(path, NULL, call, &document, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return document;
}

/* What a document may open, and how: 'r' refused, else 'o' open, with 'a' anonymous and 'p' public addresses only. */
static void assert_judged(const char *rule, const char *document, const char *name, const char *expected)
{
    ncr_call *call = test_call_new(rule, own_endpoint, "gs.access_token=t", "az.account=acct", "az.access_key=c2VjcmV0",
                                   "s3.access_key_id=i", "s3.secret_access_key=s", NULL);
    ncr_object *from = document_of(document, call), *object;
    nacre_error err;
    char found[4] = "r";
    nacre_status status = ncr_vfs_resolve(name, from, call, &object, &err);
    if (status == NACRE_OK)
        snprintf(found, sizeof found, "o%s%s", object->anonymous ? "a" : "", object->public_only ? "p" : "");
    else
        assert_int_equal(status, NACRE_ERROR_REFUSED);
    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s names %s: %s, not %s", rule, document, name, found, expected);
    if (status == NACRE_ERROR_REFUSED) {
        assert_null(object);
        assert_non_null(strstr(err.message, "sources="));
        assert_non_null(strstr(err.message, document));
    } else if (object->anonymous) {
        assert_string_equal(object->store->credentials,
                            strcmp(object->store->class->name, "http") == 0 ? "none" : "anonymous");
    }
    ncr_object_unref(object);
    ncr_object_unref(from);
    ncr_call_unref(call);
}

static void document_from_a_store_names_nothing_local(void **state)
{
    (void)state;
    const char *documents[] = {"gs://b/x.vrt", "http://example.com/x.vrt", "s3://b/x.vrt", "az://c/x.vrt",
                               "HTTPS://Example.com/x.vrt"};
    for (int i = 0; i < 5; i++) {
        assert_judged("sources=public", documents[i], "/etc/passwd", "r");
        assert_judged("sources=public", documents[i], "relative.tif", "r");
        assert_judged("sources=public", documents[i], "file:///etc/passwd", "r");
        assert_judged("sources=public", documents[i], "mem://x", "r");
        assert_judged("sources=public", documents[i], "FILE:///etc/passwd", "r");
        assert_judged("sources=public", documents[i], "Mem://x", "r");
        assert_judged("sources=public", documents[i], "/vsimem/x", "r");
        assert_judged("sources=same", documents[i], "/etc/passwd", "r");
        assert_judged("sources=any", documents[i], "/etc/passwd", "o");
    }
}

static void own_bucket_and_host_are_opened_as_the_document(void **state)
{
    (void)state;
    const char *rules[] = {"sources=public", "sources=same", "sources=any"};
    for (int i = 0; i < 3; i++) {
        assert_judged(rules[i], "gs://b/d/x.vrt", "/vsigs/b/e/a.tif", "o");
        assert_judged(rules[i], "http://example.com/x.vrt", "/vsicurl/HTTP://Example.com:80/a.tif", "o");
        assert_judged(rules[i], "http://127.0.0.1:9/x.vrt", "http://127.0.0.1:9/a.tif", "o");
        assert_judged(rules[i], "az://c/x.vrt", "abfs://c@acct.dfs.core.windows.net/a.tif", "o");
    }
}

static void other_places_are_opened_without_credentials(void **state)
{
    (void)state;
    assert_judged("sources=public", "gs://b/x.vrt", "gs://c/a.tif", "oa");
    assert_judged("sources=public", "gs://b/x.vrt", "http://example.com/a.tif", "oap");
    assert_judged("sources=public", "http://example.com/x.vrt", "https://example.com/a.tif", "oap");
    assert_judged("sources=public", "http://example.com/x.vrt", "gs://b/a.tif", "oa");
    assert_judged("sources=public", "http://example.com/x.vrt", "http://127.0.0.1:9/a.tif", "oap");
    assert_judged("sources=public", "gs://b/x.vrt", "HTTP://127.0.0.1:9/a.tif", "oap");
    assert_judged("sources=public", "gs://b/x.vrt", "/vsicurl/HTTPS://user:pass@example.com/a.tif", "oap");
    assert_judged("sources=public", "gs://b/x.vrt", "s3://b/a.tif", "oa");
    assert_judged("sources=public", "s3://b/x.vrt", "S3://c/a.tif", "oa");
    assert_judged("sources=public", "s3://b/x.vrt", "/vsis3/b/a.tif", "o");
    assert_judged("sources=public", "az://c/x.vrt", "/vsiaz/c/a.tif", "o");
    assert_judged("sources=public", "az://c/x.vrt", "gs://c/a.tif", "oa");
    assert_judged("sources=same", "s3://b/x.vrt", "s3://c/a.tif", "r");
    assert_judged("sources=same", "az://c/x.vrt", "az://d/a.tif", "r");
    assert_judged("sources=same", "gs://b/x.vrt", "gs://c/a.tif", "r");
    assert_judged("sources=same", "gs://b/x.vrt", "http://example.com/a.tif", "r");
    assert_judged("sources=any", "gs://b/x.vrt", "gs://c/a.tif", "o");
    assert_judged("sources=public", "gs://b/x.vrt", "az://c/a.tif", "oa"); /* the user's account, and not its key */
    assert_judged("sources=public", "az://c/x.vrt", "az://d/a.tif", "oa");
    assert_judged("sources=public", "az://c/x.vrt", "az://c@other/a.tif", "oap");
    assert_judged("sources=same", "az://c/x.vrt", "az://c@other/a.tif", "r");
}

static void allowed_prefixes_are_opened_as_the_users(void **state)
{
    (void)state;
    const char *allow = "sources.allow=gs://c  https://example.com/x/ http://127.0.0.1:9/";
    assert_judged(allow, "gs://b/x.vrt", "gs://c/a.tif", "o");
    assert_judged(allow, "gs://b/x.vrt", "/vsigs/c/a.tif", "o");
    assert_judged(allow, "gs://b/x.vrt", "gs://cc/a.tif", "oa");
    assert_judged(allow, "gs://b/x.vrt", "HTTPS://example.com:443/x/a.tif", "o");
    assert_judged(allow, "gs://b/x.vrt", "https://example.com/y/a.tif", "oap");
    assert_judged(allow, "gs://b/x.vrt", "https://example.com/x/../y/a.tif", "oap");
    assert_judged(allow, "gs://b/x.vrt", "https://example.com.evil/x/a.tif", "oap");
    assert_judged(allow, "gs://b/x.vrt", "https://example.com@evil/x/a.tif", "oap");
    assert_judged(allow, "gs://b/x.vrt", "http://127.0.0.1:9/a.tif", "o");
    assert_judged(allow, "gs://b/x.vrt", "http://127.0.0.1:99/a.tif", "oap");
    assert_judged("sources.allow=/etc/ mem://x", "gs://b/x.vrt", "/etc/passwd", "r");
    assert_judged("sources.allow=/etc/ mem://x", "gs://b/x.vrt", "mem://x", "r");
}

static void configured_endpoint_is_trusted(void **state)
{
    (void)state;
    assert_judged("sources=public", "http://example.com/x.vrt", "http://127.0.0.1:4443/b/a.tif", "oa");
}

static void local_document_names_anything(void **state)
{
    (void)state;
    assert_judged("sources=same", "/tmp/x.vrt", "/etc/passwd", "o");
    assert_judged("sources=same", "mem://x.vrt", "gs://b/k", "o");
    assert_judged("sources=public", "x.vrt", "http://127.0.0.1:9/a.tif", "o");
}

/* A document that was itself named by another gives no more than it was given. */
static void trust_does_not_grow_along_a_chain(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(own_endpoint, "gs.access_token=t", NULL);
    ncr_object *first = document_of("gs://b/x.vrt", call), *second, *third;
    assert_int_equal(ncr_vfs_resolve("http://example.com/y.vrt", first, call, &second, NULL), NACRE_OK);
    assert_int_equal(ncr_vfs_resolve("http://example.com/a.tif", second, call, &third, NULL), NACRE_OK);
    assert_true(third->public_only);
    ncr_object_unref(third);
    assert_int_equal(ncr_vfs_resolve("gs://b/secret.tif", second, call, &third, NULL), NACRE_OK);
    assert_true(third->anonymous);
    ncr_object_unref(third);
    ncr_object_unref(second);
    assert_int_equal(ncr_vfs_resolve("gs://c/y.vrt", first, call, &second, NULL), NACRE_OK);
    assert_int_equal(ncr_vfs_resolve("gs://c/a.tif", second, call, &third, NULL), NACRE_OK);
    assert_true(third->anonymous);
    assert_string_equal(third->store->credentials, "anonymous");
    ncr_object *sidecar = ncr_object_sibling(third, "a.tif.ovr");
    assert_true(sidecar->anonymous);
    ncr_object_unref(sidecar);
    ncr_object_unref(third);
    ncr_object_unref(second);
    ncr_object_unref(first);
    ncr_call_unref(call);
}

static void spellings_have_one_identity(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(own_endpoint, NULL);
    const char *const groups[][3] = {{"gs://b/d/k", "/vsigs/b/d/k", "gcs://b/d/k"},
                                     {"http://h/~k", "/vsicurl/http://H:80/%7Ek", "HTTP://h/~k#x"},
                                     {"mem://x", "/vsimem/x", "MEM://x"},
                                     {"/tmp//a/./b", "/tmp/a/b", "file:///tmp/a/b"}};
    for (size_t i = 0; i < 4; i++) {
        ncr_object *objects[3];
        for (int j = 0; j < 3; j++)
            objects[j] = document_of(groups[i][j], call);
        assert_string_equal(objects[0]->id, objects[1]->id);
        assert_string_equal(objects[0]->id, objects[2]->id);
        for (int j = 0; j < 3; j++)
            ncr_object_unref(objects[j]);
    }
    const char *const different[] = {"gs://b/d//k", "gs://b/d/./k", "gs://b/a%20b", "gs://b/a b", "gs://c/k"};
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++) {
            ncr_object *a = document_of(different[i], call), *b = document_of(different[j], call);
            assert_string_not_equal(a->id, b->id);
            ncr_object_unref(a);
            ncr_object_unref(b);
        }
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_from_a_store_names_nothing_local),
        cmocka_unit_test(own_bucket_and_host_are_opened_as_the_document),
        cmocka_unit_test(other_places_are_opened_without_credentials),
        cmocka_unit_test(allowed_prefixes_are_opened_as_the_users),
        cmocka_unit_test(configured_endpoint_is_trusted),
        cmocka_unit_test(local_document_names_anything),
        cmocka_unit_test(trust_does_not_grow_along_a_chain),
        cmocka_unit_test(spellings_have_one_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
