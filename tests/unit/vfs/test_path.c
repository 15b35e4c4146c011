/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "vfs/path.h"

/* The path grammar: what a text names, and how documents name what is beside them. */

static void assert_parsed(const char *text, const char *scheme, const char *location, const char *bucket,
                          const char *key)
{
    ncr_path path;
    nacre_error err;
    if (ncr_path_parse(text, &path, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_string_equal(path.scheme, scheme);
    assert_string_equal(path.location ? path.location : "", location);
    assert_string_equal(path.bucket, bucket);
    assert_string_equal(path.key, key);
    ncr_path_clear(&path);
}

static void assert_refused(const char *text, nacre_status status, const char *message)
{
    ncr_path path;
    nacre_error err;
    assert_int_equal(ncr_path_parse(text, &path, &err), status);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, message))
        fail_msg("'%s' does not say '%s'", err.message, message);
    assert_null(path.scheme);
}

static void keys_of_stores_are_literal(void **state)
{
    (void)state;
    assert_parsed("gs://b/k", "gs", "", "b", "k");
    assert_parsed("gs://b/d//k", "gs", "", "b", "d//k");
    assert_parsed("gs://b/d/./k", "gs", "", "b", "d/./k");
    assert_parsed("gs://b/d/../k", "gs", "", "b", "d/../k");
    assert_parsed("gs://b/a%20b", "gs", "", "b", "a%20b");
    assert_parsed("gs://b/a b", "gs", "", "b", "a b");
    assert_parsed("gs://b/a?b#c", "gs", "", "b", "a?b#c");
    assert_parsed("gs://b/\xc3\xa9\xff", "gs", "", "b", "\xc3\xa9\xff");
    assert_parsed("gs://b//", "gs", "", "b", "/");
    assert_parsed("S3://b/d//k", "s3", "", "b", "d//k");
    assert_parsed("/vsis3/b/a%20b", "s3", "", "b", "a%20b");
    assert_parsed("mem://a//b/../c", "mem", "", "", "a//b/../c");
}

static void paths_of_azure_may_name_the_account(void **state)
{
    (void)state;
    assert_parsed("az://c/d//k", "az", "", "c", "d//k");
    assert_parsed("/vsiaz/c/k@x", "az", "", "c", "k@x");
    assert_parsed("/vsiadls/c/k", "az", "", "c", "k");
    assert_parsed("abfs://c/k", "az", "", "c", "k");
    assert_parsed("ABFSS://c@Acct.dfs.core.windows.net/d/k", "az", "acct.dfs.core.windows.net", "c", "d/k");
    assert_parsed("az://c@acct/K", "az", "acct", "c", "K");
    assert_parsed("az://$root/k", "az", "", "$root", "k");
    assert_parsed("https://acct.blob.core.windows.net/c/k", "http", "https://acct.blob.core.windows.net", "", "/c/k");
    assert_refused("az://c@/k", NACRE_ERROR_INVALID, "account");
    assert_refused("az://c@a:1/k", NACRE_ERROR_INVALID, "account");
    assert_refused("az://c@a@b/k", NACRE_ERROR_INVALID, "account");
    assert_refused("az://@a/k", NACRE_ERROR_INVALID, "container");
    assert_refused("az://$/k", NACRE_ERROR_INVALID, "container");
    assert_refused("az://../k", NACRE_ERROR_INVALID, "container");
}

static void spellings_name_one_object(void **state)
{
    (void)state;
    assert_parsed("gcs://b/k", "gs", "", "b", "k");
    assert_parsed("GS://b/K", "gs", "", "b", "K");
    assert_parsed("/vsigs/b/k", "gs", "", "b", "k");
    assert_parsed("/vsimem/x/y", "mem", "", "", "x/y");
    assert_parsed("/vsicurl/http://h/p", "http", "http://h", "", "/p");
    assert_parsed("file:///tmp/x", "file", "", "", "/tmp/x");
    assert_parsed("file://localhost/tmp/a%20b", "file", "", "", "/tmp/a%20b");
}

static void buckets_and_stores_are_paths_too(void **state)
{
    (void)state;
    assert_parsed("gs://", "gs", "", "", "");
    assert_parsed("gs://b", "gs", "", "b", "");
    assert_parsed("gs://b/", "gs", "", "b", "");
    assert_parsed("/vsigs/b", "gs", "", "b", "");
}

static void anything_else_is_local(void **state)
{
    (void)state;
    assert_parsed("a.tif", "file", "", "", "a.tif");
    assert_parsed("/data/a b.tif", "file", "", "", "/data/a b.tif");
    assert_parsed("../x", "file", "", "", "../x");
    assert_parsed("gs:/b/k", "file", "", "", "gs:/b/k");
    assert_parsed("/vsi", "file", "", "", "/vsi");
    assert_parsed("/vsix.tif", "file", "", "", "/vsix.tif");
}

static void urls_are_normalised(void **state)
{
    (void)state;
    assert_parsed("HTTP://Example.COM/A", "http", "http://example.com", "", "/A");
    assert_parsed("http://h:80/p", "http", "http://h", "", "/p");
    assert_parsed("https://h:443/p", "http", "https://h", "", "/p");
    assert_parsed("https://h:80/p", "http", "https://h:80", "", "/p");
    assert_parsed("http://h:08080/p", "http", "http://h:8080", "", "/p");
    assert_parsed("http://h:/p", "http", "http://h", "", "/p");
    assert_parsed("http://h", "http", "http://h", "", "/");
    assert_parsed("http://h?q=1", "http", "http://h", "", "/?q=1");
    assert_parsed("http://h/%7Ea%41%2d", "http", "http://h", "", "/~aA-");
    assert_parsed("http://h/a%2Fb%2fc", "http", "http://h", "", "/a%2Fb%2fc"); /* reserved: as they are */
    assert_parsed("http://h/a/../b//./c", "http", "http://h", "", "/a/../b//./c");
    assert_parsed("http://h/p#part", "http", "http://h", "", "/p");
    assert_parsed("http://h/p%23part", "http", "http://h", "", "/p%23part");
    assert_parsed("http://[::1]:8000/p", "http", "http://[::1]:8000", "", "/p");
}

static void what_no_url_may_hold_is_escaped(void **state)
{
    (void)state;
    assert_parsed("http://h/a b", "http", "http://h", "", "/a%20b");
    assert_parsed("http://h/\xc3\xa9", "http", "http://h", "", "/%C3%A9");
    assert_parsed("http://h/a\r\nX: y", "http", "http://h", "", "/a%0D%0AX:%20y");
    assert_parsed("http://h/100%", "http", "http://h", "", "/100%25");
    assert_parsed("http://h/a\\b", "http", "http://h", "", "/a%5Cb");
}

static void wrong_paths_are_refused(void **state)
{
    (void)state;
    assert_refused("", NACRE_ERROR_INVALID, "empty");
    assert_refused("gs:///k", NACRE_ERROR_INVALID, "gs:///k: no valid bucket");
    assert_refused("gs://../k", NACRE_ERROR_INVALID, "bucket");
    assert_refused("gs://b%2Fc/k", NACRE_ERROR_INVALID, "bucket");
    assert_refused("gs://b c/k", NACRE_ERROR_INVALID, "bucket");
    assert_refused("http:///p", NACRE_ERROR_INVALID, "host");
    assert_refused("http://h:99999/p", NACRE_ERROR_INVALID, "port");
    assert_refused("http://h:1x/p", NACRE_ERROR_INVALID, "port");
    assert_refused("http://h%2e/p", NACRE_ERROR_INVALID, "port");
    assert_refused("http://h\\@x/p", NACRE_ERROR_INVALID, "user"); /* whose host is it? */
    assert_refused("http://[::1/p", NACRE_ERROR_INVALID, "host");
    assert_refused("/vsicurl/ftp://h/p", NACRE_ERROR_INVALID, "/vsicurl/");
    assert_refused("file://host/p", NACRE_ERROR_INVALID, "file URL");
    assert_refused("mem://", NACRE_ERROR_INVALID, "no name");
}

static void stores_that_are_not_built_in_are_named(void **state)
{
    (void)state;
    assert_refused("/vsitar/x.tar/a", NACRE_ERROR_UNSUPPORTED, "no such file system");
    assert_refused("/vsicurl?url=x", NACRE_ERROR_UNSUPPORTED, "no such file system");
    assert_refused("ftp://h/p", NACRE_ERROR_UNSUPPORTED, "no store for this scheme");
}

static void assert_shown(const char *text, const char *expected)
{
    char *shown = ncr_path_shown(text);
    assert_string_equal(shown, expected);
    free(shown);
}

static void secrets_are_never_shown(void **state)
{
    (void)state;
    assert_shown("http://user:secret@h/p", "http://***@h/p");
    assert_shown("/vsicurl/https://u@v@h/p?a=1", "/vsicurl/https://***@h/p?a=1");
    assert_shown("postgres://user:secret@h/p", "postgres://***@h/p");
    assert_shown("https://h/p?X-Amz-Date=1&X-Amz-Signature=abc&b=2",
                 "https://h/p?X-Amz-Date=1&X-Amz-Signature=***&b=2");
    assert_shown("https://h/p?sig=a%2Fb#sig=c", "https://h/p?sig=***#sig=***");
    assert_shown("https://h/p?signal=5", "https://h/p?signal=5");
    assert_shown("az://container@account/k", "az://container@account/k");
    assert_shown("gs://b/k?sig=literal", "gs://b/k?sig=literal");
    assert_shown("/tmp/a?sig=x", "/tmp/a?sig=x");
    assert_refused("http://user:sec ret@h/p", NACRE_ERROR_INVALID, "http://***@h/p: no valid user");
}

static void a_user_is_no_part_of_an_objects_name(void **state)
{
    (void)state;
    static const char *const texts[] = {"http://user:pass%40word@H:80/p", "/vsicurl/http://user:pass%40word@h/p"};
    for (size_t i = 0; i < 2; i++) {
        ncr_path path;
        assert_int_equal(ncr_path_parse(texts[i], &path, NULL), NACRE_OK);
        assert_string_equal(path.location, "http://h");
        assert_string_equal(path.user, "user:pass%40word");
        assert_string_equal(path.key, "/p");
        char *text = ncr_path_text(&path, NCR_SPELLING_URL);
        assert_string_equal(text, "http://h/p");
        free(text);
        ncr_path_clear(&path);
    }
    bool has;
    assert_true(ncr_path_has_secret("http://u:p@h/p", &has) && has);
    assert_true(ncr_path_has_secret("http://h/p?sig=1", &has) && has);
    assert_true(ncr_path_has_secret("http://h/p?signal=1", &has) && !has);
}

static void assert_text(const char *path, const char *url, const char *gdal)
{
    ncr_path parsed;
    assert_int_equal(ncr_path_parse(path, &parsed, NULL), NACRE_OK);
    char *as_url = ncr_path_text(&parsed, NCR_SPELLING_URL), *as_gdal = ncr_path_text(&parsed, NCR_SPELLING_GDAL);
    assert_string_equal(as_url, url);
    assert_string_equal(as_gdal, gdal);
    free(as_url);
    free(as_gdal);
    ncr_path_clear(&parsed);
}

static void paths_are_written_in_either_spelling(void **state)
{
    (void)state;
    assert_text("gcs://b/d/k", "gs://b/d/k", "/vsigs/b/d/k");
    assert_text("/vsis3/b/d/k", "s3://b/d/k", "/vsis3/b/d/k");
    assert_text("/vsigs/b", "gs://b/", "/vsigs/b/");
    assert_text("/vsicurl/HTTP://h:80/p?q", "http://h/p?q", "/vsicurl/http://h/p?q");
    assert_text("abfs://c/k", "az://c/k", "/vsiaz/c/k");
    assert_text("abfss://c@a.dfs.core.windows.net/k", "az://c@a.dfs.core.windows.net/k",
                "/vsiaz/c@a.dfs.core.windows.net/k");
    assert_text("mem://x", "mem://x", "/vsimem/x");
    assert_text("a/b.tif", "a/b.tif", "a/b.tif");
    assert_text("file:///vsigs/b/k", "/./vsigs/b/k", "/./vsigs/b/k");
}

/* --- Names in documents. --- */

static void assert_joined(const char *base, const char *name, const char *expected)
{
    char *joined;
    nacre_error err;
    if (ncr_path_join(base, name, &joined, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    assert_string_equal(joined, expected);
    free(joined);
}

static void assert_not_joined(const char *base, const char *name)
{
    char *joined;
    nacre_error err;
    assert_int_equal(ncr_path_join(base, name, &joined, &err), NACRE_ERROR_INVALID);
    assert_null(joined);
}

static void relative_names_are_beside_the_document(void **state)
{
    (void)state;
    assert_joined("gs://b/d/x.vrt", "a.tif", "gs://b/d/a.tif");
    assert_joined("gs://b/x.vrt", "d/a.tif", "gs://b/d/a.tif");
    assert_joined("/vsigs/b/d/x.vrt", "a.tif", "/vsigs/b/d/a.tif");
    assert_joined("gs://b/d/e/x.vrt", "../f/./a.tif", "gs://b/d/f/a.tif");
    assert_joined("gs://b/d//x.vrt", "../a.tif", "gs://b/d/a.tif"); /* the document's own key is literal */
    assert_joined("gs://b/d/x.vrt", "a//b%20c?d#e", "gs://b/d/a//b%20c?d#e");
    assert_joined("http://h/d/x.vrt?token=1", "a b.tif", "http://h/d/a b.tif"); /* parsing escapes it */
    assert_joined("/vsicurl/http://h/d/x.vrt", "../a.tif", "/vsicurl/http://h/a.tif");
    assert_joined("az://c@a/d/x.vrt", "../k.tif?q", "az://c@a/k.tif?q");
    assert_joined("mem://d/x.vrt", "a.tif", "mem://d/a.tif");
    assert_joined("/tmp/d/x.vrt", "a.tif", "/tmp/d/a.tif");
    assert_joined("/tmp/d/x.vrt", "../a.tif", "/tmp/d/../a.tif"); /* the system knows what is above a link */
    assert_joined("x.vrt", "a.tif", "a.tif");
    assert_joined("", "a.tif", "a.tif");
}

static void absolute_names_are_themselves(void **state)
{
    (void)state;
    assert_joined("gs://b/x.vrt", "gs://c/a.tif", "gs://c/a.tif");
    assert_joined("gs://b/x.vrt", "/vsigs/c/a.tif", "/vsigs/c/a.tif");
    assert_joined("gs://b/x.vrt", "/etc/passwd", "/etc/passwd");
    assert_joined("x.vrt", "http://h/a", "http://h/a");
}

static void names_cannot_lead_out_of_the_bucket(void **state)
{
    (void)state;
    assert_not_joined("gs://b/d/x.vrt", "../../c/a.tif");
    assert_not_joined("gs://b/x.vrt", "..");
    assert_not_joined("http://h/x.vrt", "../a.tif");
    assert_not_joined("gs://b/x.vrt", "");
}

static void assert_relative(const char *base, const char *target, const char *expected)
{
    char *name;
    nacre_error err;
    if (ncr_path_relative(base, target, &name, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    if (expected)
        assert_string_equal(name, expected);
    else
        assert_null(name);
    free(name);
}

static void documents_name_their_neighbours_relatively(void **state)
{
    (void)state;
    assert_relative("gs://b/d/x.vrt", "gs://b/d/a.tif", "a.tif");
    assert_relative("gs://b/d/x.vrt", "/vsigs/b/e/a.tif", "../e/a.tif");
    assert_relative("gs://b/x.vrt", "gs://b/d/a.tif", "d/a.tif");
    assert_relative("az://c@a/d/x.vrt", "abfs://c@A/d?/a.tif", "../d?/a.tif");
    assert_relative("http://h/d/x.vrt", "http://h/d/a%20b.tif", "a%20b.tif");
    assert_relative("/tmp/d/x.vrt", "/tmp/a.tif", "../a.tif");
    assert_relative("/tmp/x.vrt", "/tmp//d/./a.tif", "d/a.tif");
    assert_relative("gs://b/d/x.vrt", "gs://c/d/a.tif", NULL);
    assert_relative("az://c@a/d/x.vrt", "az://c@b/d/a.tif", NULL);
    assert_relative("gs://b/d/x.vrt", "mem://d/a.tif", NULL);
    assert_relative("http://h/x.vrt", "https://h/a.tif", NULL);
}

/* A relative name would be read as something else. */
static void names_that_would_not_lead_back_are_not_relative(void **state)
{
    (void)state;
    assert_relative("gs://b/d/x.vrt", "gs://b/d/./a.tif", NULL);
    assert_relative("gs://b/d/x.vrt", "gs://b/d/e/../a.tif", NULL);
    assert_relative("gs://b/d/x.vrt", "gs://b/d//a.tif", NULL);
    assert_relative("gs://b/x.vrt", "gs://b/gs://a", NULL);
    assert_relative("gs://b/d/x.vrt", "gs://b/d/", NULL);
    assert_relative("gs://b/d/x.vrt", "gs://b/d/a%20b", "a%20b");
}

static void local_names_follow_links(void **state)
{
    (void)state;
    char directory[] = "/tmp/nacre-path-XXXXXX", link[64], real[64], base[96], target[96];
    assert_non_null(mkdtemp(directory));
    snprintf(real, sizeof real, "%s/real", directory);
    snprintf(link, sizeof link, "%s/deep", directory);
    assert_int_equal(mkdir(link, 0777), 0);
    assert_int_equal(mkdir(real, 0777), 0);
    snprintf(link, sizeof link, "%s/deep/link", directory);
    assert_int_equal(symlink(real, link), 0);
    snprintf(base, sizeof base, "%s/x.vrt", link); /* really directory/real/x.vrt */
    snprintf(target, sizeof target, "%s/a.tif", directory);
    assert_relative(base, target, "../a.tif");
    unlink(link);
    rmdir(real);
    snprintf(link, sizeof link, "%s/deep", directory);
    rmdir(link);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_stores_are_literal),
        cmocka_unit_test(paths_of_azure_may_name_the_account),
        cmocka_unit_test(spellings_name_one_object),
        cmocka_unit_test(buckets_and_stores_are_paths_too),
        cmocka_unit_test(anything_else_is_local),
        cmocka_unit_test(urls_are_normalised),
        cmocka_unit_test(what_no_url_may_hold_is_escaped),
        cmocka_unit_test(wrong_paths_are_refused),
        cmocka_unit_test(stores_that_are_not_built_in_are_named),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(a_user_is_no_part_of_an_objects_name),
        cmocka_unit_test(paths_are_written_in_either_spelling),
        cmocka_unit_test(relative_names_are_beside_the_document),
        cmocka_unit_test(absolute_names_are_themselves),
        cmocka_unit_test(names_cannot_lead_out_of_the_bucket),
        cmocka_unit_test(documents_name_their_neighbours_relatively),
        cmocka_unit_test(names_that_would_not_lead_back_are_not_relative),
        cmocka_unit_test(local_names_follow_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
