/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/call.h"
#include "vfs/path.h"
#include "vfs/vfs.h"
#include "vfs/zip_path.h"

/* Paths into archives. */

static void assert_parsed(const char *text, const char *archive, const char *member)
{
    ncr_path path;
    nacre_error err;
    if (ncr_path_parse(text, &path, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_string_equal(path.scheme, "zip");
    assert_string_equal(path.location, archive);
    assert_string_equal(path.key, member);
    ncr_path_clear(&path);
}

static void assert_refused(const char *text, nacre_status status, const char *message)
{
    ncr_path path;
    nacre_error err;
    assert_int_equal(ncr_path_parse(text, &path, &err), status);
    if (!strstr(err.message, message))
        fail_msg("'%s' does not say '%s'", err.message, message);
    assert_null(path.scheme);
}

static void rasterios_spellings_are_read(void **state)
{
    (void)state;
    assert_parsed("zip:///d/a.zip!x.tif", "/d/a.zip", "x.tif");
    assert_parsed("zip://a.zip!d/x.tif", "a.zip", "d/x.tif");
    assert_parsed("zip://a.zip!/x.tif", "a.zip", "x.tif");
    assert_parsed("zip://a.zip", "a.zip", "");
    assert_parsed("zip://a.zip!", "a.zip", "");
    assert_parsed("zip://d/a.zip/e/x.tif", "d/a.zip", "e/x.tif");
    assert_parsed("ZIP+GS://b/a.zip!x.tif", "gs://b/a.zip", "x.tif");
    assert_parsed("zip+s3://b/a.zip!x!y", "s3://b/a.zip", "x!y");
    assert_parsed("zip+https://H/a.zip?q=1!x", "https://h/a.zip?q=1", "x");
    assert_parsed("zip+az://c@acct/a.zip!x", "az://c@acct/a.zip", "x");
    assert_parsed("zip+file:///d/a.zip!x", "/d/a.zip", "x");
    assert_parsed("zip://gs://b/a.zip!x", "gs://b/a.zip", "x");
    assert_parsed("zip+mem://a!x", "mem://a", "x");
}

static void gdals_spellings_are_read(void **state)
{
    (void)state;
    assert_parsed("/vsizip/vsigs/b/a.zip/d/x.tif", "gs://b/a.zip", "d/x.tif");
    assert_parsed("/vsizip//vsigs/b/a.zip/d/x.tif", "gs://b/a.zip", "d/x.tif");
    assert_parsed("/vsizip/{/vsigs/b/a.zip}/d/x.tif", "gs://b/a.zip", "d/x.tif");
    assert_parsed("/vsizip/{/vsigs/b/a.{dat}}/x.tif", "gs://b/a.{dat}", "x.tif");
    assert_parsed("/vsizip//vsicurl/https://h/a.KMZ/x", "https://h/a.KMZ", "x");
    assert_parsed("/vsizip//d/a.zip/x", "/d/a.zip", "x");
    assert_parsed("/vsizip/d/a.xlsx/x", "d/a.xlsx", "x");
    assert_parsed("/vsizip/d/a.zip.d/b.zip/x", "d/a.zip.d/b.zip", "x");
    assert_parsed("/vsizip/a.zip", "a.zip", "");
    assert_parsed("/vsizip/vsimem/a.zip/x", "mem://a.zip", "x");
}

static void one_member_has_one_name(void **state)
{
    (void)state;
    assert_parsed("zip://a.zip!./d//e/../x.tif", "a.zip", "d/x.tif");
    assert_parsed("/vsizip/a.zip//x.tif", "a.zip", "x.tif");
    assert_parsed("zip://a.zip!d/", "a.zip", "d/");
}

static void wrong_paths_are_refused(void **state)
{
    (void)state;
    assert_refused("zip://a.zip!../x", NACRE_ERROR_INVALID, "zip://a.zip!../x: leads out of the archive");
    assert_refused("/vsizip/a.zip/d/../../x", NACRE_ERROR_INVALID, "leads out of the archive");
    assert_refused("/vsizip/d/x.tif", NACRE_ERROR_INVALID, "in braces");
    assert_refused("/vsizip/{a.zip/x", NACRE_ERROR_INVALID, "not closed");
    assert_refused("/vsizip/{a.zip}x", NACRE_ERROR_INVALID, "after the closing brace");
    assert_refused("/vsizip/{}/x", NACRE_ERROR_INVALID, "no archive");
    assert_refused("zip://!x", NACRE_ERROR_INVALID, "no archive");
    assert_refused("zip+gs://b!x", NACRE_ERROR_INVALID, "bucket");
    assert_refused("zip+zip://a.zip!b.zip", NACRE_ERROR_UNSUPPORTED, "archives in archives");
    assert_refused("/vsizip//vsizip/a.zip/b.zip/x", NACRE_ERROR_UNSUPPORTED, "archives in archives");
    assert_refused("zip+ftp://h/a.zip!x", NACRE_ERROR_UNSUPPORTED, "no store");
    assert_refused("/vsizip/{d!}.zip}/x", NACRE_ERROR_INVALID, "after the closing brace");
}

static void assert_written(const char *text, const char *url, const char *gdal)
{
    ncr_path path;
    nacre_error err;
    if (ncr_path_parse(text, &path, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    char *as_url = ncr_path_text(&path, NCR_SPELLING_URL), *as_gdal = ncr_path_text(&path, NCR_SPELLING_GDAL);
    assert_string_equal(as_url, url);
    assert_string_equal(as_gdal, gdal);
    free(as_url);
    free(as_gdal);
    ncr_path_clear(&path);
}

static void paths_are_written_in_either_spelling(void **state)
{
    (void)state;
    assert_written("zip+gs://b/a.zip!x", "zip+gs://b/a.zip!x", "/vsizip//vsigs/b/a.zip/x");
    assert_written("/vsizip/d/a.zip/x", "zip://d/a.zip!x", "/vsizip/d/a.zip/x");
    assert_written("zip://a.dat!x", "zip://a.dat!x", "/vsizip/{a.dat}/x");
    assert_written("zip://d.zip/a.zip!x", "zip://d.zip/a.zip!x", "/vsizip/{d.zip/a.zip}/x");
    assert_written("/vsizip/{a!.zip}/x", "/vsizip/a!.zip/x", "/vsizip/a!.zip/x");
    assert_written("zip://vsigs/a.zip!x", "zip://vsigs/a.zip!x", "/vsizip/{vsigs/a.zip}/x");
    assert_written("zip://a.zip", "zip://a.zip!", "/vsizip/a.zip");
}

static void assert_joined(const char *base, const char *name, const char *expected)
{
    char *joined;
    nacre_error err;
    nacre_status status = ncr_path_join(base, name, &joined, &err);
    if (!expected) {
        assert_int_equal(status, NACRE_ERROR_INVALID);
        assert_non_null(strstr(err.message, "leads out of the archive"));
        return;
    }
    assert_int_equal(status, NACRE_OK);
    assert_string_equal(joined, expected);
    free(joined);
}

static void names_in_documents_stay_in_the_archive(void **state)
{
    (void)state;
    assert_joined("zip://a.zip!d/m.vrt", "../x.tif", "zip://a.zip!x.tif");
    assert_joined("/vsizip//vsigs/b/a.zip/d/m.vrt", "e/x.tif", "/vsizip//vsigs/b/a.zip/d/e/x.tif");
    assert_joined("zip+https://h/a.zip?q!d/m.vrt", "x.tif?y", "zip+https://h/a.zip?q!d/x.tif?y");
    assert_joined("zip://a.zip!d/m.vrt", "../../x.tif", NULL);
    assert_joined("zip://a.zip!m.vrt", "/etc/x.tif", "/etc/x.tif");
    char *name;
    nacre_error err;
    assert_int_equal(ncr_path_relative("zip://a.zip!d/m.vrt", "/vsizip/a.zip/x.tif", &name, &err), NACRE_OK);
    assert_string_equal(name, "../x.tif");
    free(name);
    assert_int_equal(ncr_path_relative("zip://a.zip!d/m.vrt", "zip://b.zip!d/x.tif", &name, &err), NACRE_OK);
    assert_null(name);
}

static void secrets_are_never_shown(void **state)
{
    (void)state;
    const char *paths[][2] = {
        {"zip+https://u:pw@h/a.zip!x", "zip+https://***@h/a.zip!x"},
        {"zip+https://h/a.zip?X-Amz-Signature=pw!x", "zip+https://h/a.zip?X-Amz-Signature=***!x"},
        {"/vsizip/vsicurl/https://u:pw@h/a.zip/x", "/vsizip/vsicurl/https://***@h/a.zip/x"},
        {"/vsizip/{/vsicurl/https://h/a?sig=pw}/x", "/vsizip/{/vsicurl/https://h/a?sig=***}/x"},
        {"zip://a.zip!x", "zip://a.zip!x"},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *shown = ncr_path_shown(paths[i][0]);
        assert_string_equal(shown, paths[i][1]);
        free(shown);
    }
    const char *refused[] = {"zip+zip+https://u:pw@h/a!x", "/vsizip/{/vsizip/vsicurl/https://h/a?sig=pw",
                             "zip+https://u:pw@h/a.zip?sig=pw!../x", "/vsizip/vsicurl/https://u:pw@h/x"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ncr_path path;
        nacre_error err;
        assert_int_not_equal(ncr_path_parse(refused[i], &path, &err), NACRE_OK);
        if (strstr(err.message, "pw"))
            fail_msg("%s", err.message);
    }
}

static void names_of_members_are_put_behind_their_archives(void **state)
{
    (void)state;
    const char *paths[][2] = {{"zip://a.zip", "!"},   {"zip://a.zip!", ""},   {"zip://a.zip/", ""},
                              {"/vsizip/a.zip", "/"}, {"/vsizip/a.zip/", ""}, {"/vsizip/{a!}", "/"}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_string_equal(ncr_zip_path_mark(paths[i][0]), paths[i][1]);
}

/* --- Objects. --- */

static ncr_object *resolve(const char *path, const ncr_object *document, ncr_call *call)
{
    ncr_object *object;
    nacre_error err;
    if (ncr_vfs_resolve(path, document, call, &object, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return object;
}

static void spellings_are_one_object(void **state)
{
    (void)state;
    const char *spellings[] = {"zip+gs://b/a.zip!d/x.tif", "zip+gcs://b/a.zip!/d/./x.tif",
                               "/vsizip/vsigs/b/a.zip/d/x.tif", "/vsizip/{/vsigs/b/a.zip}/d/x.tif",
                               "zip:///vsigs/b/a.zip!d/x.tif"};
    ncr_call *call = test_call_new("gs.access_token=t", NULL);
    ncr_object *first = resolve(spellings[0], NULL, call);
    for (size_t i = 1; i < sizeof spellings / sizeof spellings[0]; i++) {
        ncr_object *object = resolve(spellings[i], NULL, call);
        assert_string_equal(object->id, first->id);
        ncr_object_unref(object);
    }
    ncr_object_unref(first);
    ncr_call_unref(call);
}

static void members_are_named_as_their_archives_would_be(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("gs.access_token=t", "sources=public", NULL);
    ncr_object *document = resolve("gs://b/m.vrt", NULL, call), *member = resolve("zip+gs://b/a.zip!m.vrt", NULL, call);
    const ncr_object *documents[] = {document, member};
    const char *refused[] = {"zip:///etc/a.zip!x", "/vsizip/{/etc/x}/y", "zip+mem://a.zip!x", "zip+file:///a.zip!x"};
    for (size_t i = 0; i < 2; i++) {
        ncr_object *object;
        nacre_error err;
        for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++)
            assert_int_equal(ncr_vfs_resolve(refused[k], documents[i], call, &object, &err), NACRE_ERROR_REFUSED);
        object = resolve("zip+gs://b/c.zip!x", documents[i], call);
        assert_false(object->anonymous || object->public_only);
        ncr_object_unref(object);
        object = resolve("gs://b/x", documents[i], call);
        assert_false(object->anonymous || object->public_only);
        ncr_object_unref(object);
        object = resolve("zip+gs://c/a.zip!x", documents[i], call);
        assert_true(object->anonymous && !object->public_only);
        ncr_object_unref(object);
        object = resolve("zip+http://127.0.0.1:9/a.zip!x", documents[i], call);
        assert_true(object->anonymous && object->public_only);
        ncr_object_unref(object);
    }
    ncr_object_unref(document);
    ncr_object_unref(member);
    document = resolve("zip:///d/a.zip!m.vrt", NULL, call);
    member = resolve("/etc/x", document, call);
    ncr_object_unref(member);
    ncr_object_unref(document);
    ncr_call_unref(call);
}

static void a_members_policy_is_its_archives(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("gs.access_token=t", "cache.policy={\"gs://b/\": \"ttl=60\"}", NULL);
    ncr_object *object = resolve("zip+gs://b/a.zip!x", NULL, call);
    assert_int_equal(object->policy.kind, NCR_POLICY_TTL);
    assert_int_equal(ncr_object_policy(object, call).kind, NCR_POLICY_FRESH); /* the archive's own is what is asked */
    ncr_object_unref(object);
    char *normal;
    nacre_error err;
    assert_int_equal(ncr_vfs_check_prefix("zip+gs://b/a.zip!", &normal, &err), NACRE_ERROR_INVALID);
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rasterios_spellings_are_read),
        cmocka_unit_test(gdals_spellings_are_read),
        cmocka_unit_test(one_member_has_one_name),
        cmocka_unit_test(wrong_paths_are_refused),
        cmocka_unit_test(paths_are_written_in_either_spelling),
        cmocka_unit_test(names_in_documents_stay_in_the_archive),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(names_of_members_are_put_behind_their_archives),
        cmocka_unit_test(spellings_are_one_object),
        cmocka_unit_test(members_are_named_as_their_archives_would_be),
        cmocka_unit_test(a_members_policy_is_its_archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
