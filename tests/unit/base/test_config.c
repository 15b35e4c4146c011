/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"

static char file_path[] = "/tmp/nacre-config-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Each test begins without variables of its own and with an empty configuration file. */
static int clean(void **state)
{
    (void)state;
    const char *const names[] = {"NACRE_GS_ENDPOINT", "STORAGE_EMULATOR_HOST", "CPL_GS_ENDPOINT", "NACRE_CACHE",
                                 "NACRE_CACHE_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("NACRE_CONFIG", file_path, 1);
    write_file("{}");
    return 0;
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file_path);
}

static void expect_endpoint(const nacre_config *config, const char *expected)
{
    ncr_config *snapshot;
    nacre_error err;
    assert_int_equal(ncr_config_snapshot(config, NULL, &snapshot, &err), NACRE_OK);
    const char *text = ncr_config_text(snapshot, NCR_KEY_GS_ENDPOINT);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    ncr_config_unref(snapshot);
}

static void the_nearest_value_wins(void **state)
{
    (void)state;
    expect_endpoint(NULL, NULL);
    setenv("CPL_GS_ENDPOINT", "gdal", 1);
    expect_endpoint(NULL, "gdal");
    setenv("STORAGE_EMULATOR_HOST", "google", 1);
    expect_endpoint(NULL, "google");
    write_file("{\"gs.endpoint\": \"file\"}");
    expect_endpoint(NULL, "file");
    setenv("NACRE_GS_ENDPOINT", "own", 1);
    expect_endpoint(NULL, "own");
    assert_int_equal(nacre_config_set_global("gs.endpoint", "global", NULL), NACRE_OK);
    expect_endpoint(NULL, "global");
    nacre_config *config = nacre_config_new();
    assert_int_equal(nacre_config_set(config, "gs.endpoint", "call", NULL), NACRE_OK);
    expect_endpoint(config, "call");
    nacre_config_free(config);
    assert_int_equal(nacre_config_set_global("gs.endpoint", NULL, NULL), NACRE_OK);
    expect_endpoint(NULL, "own");
}

static void a_value_tells_where_it_came_from(void **state)
{
    (void)state;
    static const char *const expected[] = {NULL, "CPL_GS_ENDPOINT", "the configuration file", "NACRE_GS_ENDPOINT",
                                           "gs.endpoint"};
    nacre_config *config = nacre_config_new();
    for (int i = 0; i < 5; i++) {
        ncr_config *snapshot;
        if (i == 1)
            setenv("CPL_GS_ENDPOINT", "http://a", 1);
        if (i == 2)
            write_file("{\"gs.endpoint\": \"http://b\"}");
        if (i == 3)
            setenv("NACRE_GS_ENDPOINT", "http://c", 1);
        if (i == 4)
            nacre_config_set(config, "gs.endpoint", "http://d", NULL);
        assert_int_equal(ncr_config_snapshot(config, NULL, &snapshot, NULL), NACRE_OK);
        const char *origin = ncr_config_origin(snapshot, NCR_KEY_GS_ENDPOINT);
        if (expected[i])
            assert_string_equal(origin, expected[i]);
        else
            assert_null(origin);
        assert_null(ncr_config_origin(snapshot, NCR_KEY_GS_NO_SIGN_REQUEST)); /* a default */
        ncr_config_unref(snapshot);
    }
    nacre_config_free(config);
}

/* Whether two snapshots made one after the other share what was found. */
static bool shares(const nacre_config *config)
{
    ncr_config *a, *b;
    assert_int_equal(ncr_config_snapshot(config, NULL, &a, NULL), NACRE_OK);
    assert_int_equal(ncr_config_snapshot(config, NULL, &b, NULL), NACRE_OK);
    assert_ptr_not_equal(a, b); /* one for each call: back ends tell calls by it */
    bool same = ncr_config_text(a, NCR_KEY_CACHE) == ncr_config_text(b, NCR_KEY_CACHE);
    ncr_config_unref(a);
    ncr_config_unref(b);
    return same;
}

/* Lets the configuration file be old, as most are. */
static void age_file(void)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, file_path, times, 0), 0);
}

static void a_young_file_is_read_each_time(void **state)
{
    (void)state;
    assert_false(shares(NULL));
    age_file();
    assert_false(shares(NULL)); /* the time of the change itself cannot be set */
    write_file("{\"gs.endpoint\": \"http://a\"}");
    expect_endpoint(NULL, "http://a");
    write_file("{\"gs.endpoint\": \"http://b\"}");
    expect_endpoint(NULL, "http://b");
}

static void what_is_the_same_is_looked_up_once(void **state)
{
    (void)state;
    unsetenv("NACRE_CONFIG");
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    assert_true(shares(NULL));
    nacre_config *config = nacre_config_new();
    assert_true(shares(config));
    nacre_config_set(config, "gs.endpoint", "http://a", NULL);
    assert_true(shares(config));
    expect_endpoint(config, "http://a");
    expect_endpoint(NULL, NULL);
    nacre_config_set(config, "gs.endpoint", "http://b", NULL);
    expect_endpoint(config, "http://b");
    nacre_config_free(config);
    unsetenv("XDG_CONFIG_HOME");
}

static void a_changed_variable_is_seen_by_the_next_call(void **state)
{
    (void)state;
    static char own[] = "NACRE_GS_ENDPOINT=http://a";
    unsetenv("NACRE_CONFIG");
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    setenv("CPL_GS_ENDPOINT", "http://g", 1);
    assert_true(shares(NULL));
    expect_endpoint(NULL, "http://g");
    setenv("CPL_GS_ENDPOINT", "http://h", 1);
    expect_endpoint(NULL, "http://h");
    unsetenv("CPL_GS_ENDPOINT");
    expect_endpoint(NULL, NULL);
    putenv(own);
    expect_endpoint(NULL, "http://a");
    own[sizeof own - 2] = 'b'; /* a program may change what it has put there */
    expect_endpoint(NULL, "http://b");
    unsetenv("NACRE_GS_ENDPOINT");
    nacre_config_set_global("gs.endpoint", "http://c", NULL);
    expect_endpoint(NULL, "http://c");
    nacre_config_set_global("gs.endpoint", NULL, NULL);
    expect_endpoint(NULL, NULL);
    unsetenv("XDG_CONFIG_HOME");
}

static void an_argument_counts_for_its_call_only(void **state)
{
    (void)state;
    static const char *const policies[] = {NULL, "immutable", "offline", NULL};
    unsetenv("NACRE_CONFIG");
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        ncr_config *snapshot;
        assert_int_equal(ncr_config_snapshot(NULL, policies[i], &snapshot, NULL), NACRE_OK);
        assert_string_equal(ncr_config_text(snapshot, NCR_KEY_CACHE), policies[i] ? policies[i] : "fresh");
        ncr_config_unref(snapshot);
    }
    unsetenv("XDG_CONFIG_HOME");
}

static void expect_invalid(const char *part)
{
    ncr_config *snapshot;
    nacre_error err;
    assert_int_equal(ncr_config_snapshot(NULL, NULL, &snapshot, &err), NACRE_ERROR_INVALID);
    assert_null(snapshot);
    assert_non_null(strstr(err.message, part));
}

static void a_wrong_value_names_its_origin(void **state)
{
    (void)state;
    setenv("NACRE_CACHE", "sometimes", 1);
    expect_invalid("NACRE_CACHE: 'sometimes' is none of fresh, ttl=SECONDS, immutable, offline");
    unsetenv("NACRE_CACHE");
    write_file("{\"gs.endpiont\": \"x\"}");
    expect_invalid("gs.endpiont: no such configuration key");
    write_file("{\"gs.endpoint\": ");
    expect_invalid("line 1");
    write_file("[]");
    expect_invalid("not a JSON object");
}

static void a_named_file_must_exist(void **state)
{
    (void)state;
    setenv("NACRE_CONFIG", "/nonexistent/nacre.json", 1);
    ncr_config *snapshot;
    nacre_error err;
    assert_int_equal(ncr_config_snapshot(NULL, NULL, &snapshot, &err), NACRE_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent/nacre.json"));
}

static int64_t size_of(const char *text)
{
    setenv("NACRE_CACHE_SIZE", text, 1);
    ncr_config *snapshot;
    if (ncr_config_snapshot(NULL, NULL, &snapshot, NULL) != NACRE_OK)
        return -2;
    int64_t size = ncr_config_number(snapshot, NCR_KEY_CACHE_SIZE);
    ncr_config_unref(snapshot);
    return size;
}

static void sizes_have_units(void **state)
{
    (void)state;
    assert_int_equal(size_of("100"), 100);
    assert_int_equal(size_of("64 MiB"), 64 << 20);
    assert_int_equal(size_of("1.5k"), 1536);
    assert_int_equal(size_of("2GB"), (int64_t)2 << 30);
    assert_int_equal(size_of("many"), -2);
    assert_int_equal(size_of("-5"), -2);
}

static void every_key_has_a_help_text_and_a_valid_default(void **state)
{
    (void)state;
    const char *key, *default_value, *help;
    size_t count = 0;
    for (; nacre_config_key(count, &key, &default_value, &help); count++) {
        assert_true(strlen(help) > 10);
        nacre_config *config = nacre_config_new();
        assert_int_equal(nacre_config_set(config, key, default_value, NULL), NACRE_OK);
        nacre_config_free(config);
    }
    assert_int_equal(count, NCR_KEY_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_nearest_value_wins, clean),
        cmocka_unit_test_setup(a_value_tells_where_it_came_from, clean),
        cmocka_unit_test_setup(a_young_file_is_read_each_time, clean),
        cmocka_unit_test_setup(what_is_the_same_is_looked_up_once, clean),
        cmocka_unit_test_setup(a_changed_variable_is_seen_by_the_next_call, clean),
        cmocka_unit_test_setup(an_argument_counts_for_its_call_only, clean),
        cmocka_unit_test_setup(a_wrong_value_names_its_origin, clean),
        cmocka_unit_test_setup(a_named_file_must_exist, clean),
        cmocka_unit_test_setup(sizes_have_units, clean),
        cmocka_unit_test_setup(every_key_has_a_help_text_and_a_valid_default, clean),
    };
    return cmocka_run_group_tests_name("base/config", tests, make_file, remove_file);
}
