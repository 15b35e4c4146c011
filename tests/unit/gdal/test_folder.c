/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "folder.h"

#include <stdio.h>

#include "cache/limits.h"
#include "cmocka_all.h"

/* How much opens are to read, by what was read of other objects in their folder. Each test has a folder of its own. */

enum { SIZE = 800000 };

static ncr_gdal_use open_one(const char *name, uint64_t size)
{
    ncr_gdal_use use;
    ncr_gdal_folder_ask(&use, name);
    ncr_gdal_folder_opened(&use, size);
    return use;
}

static void read_whole(const char *name, uint64_t size)
{
    ncr_gdal_use use = open_one(name, size);
    ncr_gdal_folder_read(&use, 0, 16);
    ncr_gdal_folder_read(&use, NCR_FIRST_READ, size - NCR_FIRST_READ);
}

static size_t asked(const char *name)
{
    ncr_gdal_use use;
    ncr_gdal_folder_ask(&use, name);
    return use.first_read;
}

static void two_that_were_read_whole_lengthen_the_third(void **state)
{
    (void)state;
    assert_int_equal(asked("/vsigs/b/two/0.tif"), 0);
    read_whole("/vsigs/b/two/0.tif", SIZE);
    assert_int_equal(asked("/vsigs/b/two/1.tif"), 0);
    read_whole("/vsigs/b/two/1.tif", SIZE);
    assert_int_equal(asked("/vsigs/b/two/2.tif"), SIZE);
    assert_int_equal(asked("/vsigs/b/2.tif"), 0);
    assert_int_equal(asked("/vsigs/b/two/more/2.tif"), 0);
}

static void many_reads_of_one_object_count_once(void **state)
{
    (void)state;
    ncr_gdal_use use = open_one("/vsigs/b/one/0.tif", SIZE);
    for (int i = 0; i < 5; i++)
        ncr_gdal_folder_read(&use, NCR_FIRST_READ, SIZE - NCR_FIRST_READ);
    assert_int_equal(asked("/vsigs/b/one/1.tif"), 0);
}

static void windows_of_large_files_change_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        ncr_gdal_use use = open_one("/vsigs/b/large/0.tif", 500000000);
        ncr_gdal_folder_read(&use, 300000000, 400000);
        ncr_gdal_folder_read(&use, 1000000, 400000);
    }
    assert_int_equal(asked("/vsigs/b/large/1.tif"), 0);
}

static void a_few_bytes_far_behind_change_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        ncr_gdal_use use = open_one("/vsigs/b/tails/0.tif", SIZE);
        ncr_gdal_folder_read(&use, SIZE - 1000, 1000);
    }
    assert_int_equal(asked("/vsigs/b/tails/1.tif"), 0);
}

static void what_is_fetched_in_vain_is_bounded(void **state)
{
    (void)state;
    uint64_t vain = 0;
    for (int i = 0; i < 3; i++)
        read_whole("/vsigs/b/vain/0.tif", SIZE);
    for (int i = 0; i < 20; i++)
        vain += open_one("/vsigs/b/vain/1.tif", SIZE).unused; /* of which nothing is read */
    assert_true(vain > 0 && vain <= 3 * SIZE);
    assert_int_equal(asked("/vsigs/b/vain/2.tif"), 0);
    for (int i = 0; i < 3; i++)
        read_whole("/vsigs/b/vain/3.tif", SIZE);
    assert_int_equal(asked("/vsigs/b/vain/2.tif"), SIZE); /* worth it again */
}

static void what_is_used_is_not_in_vain(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        read_whole("/vsigs/b/used/0.tif", SIZE);
    assert_int_equal(asked("/vsigs/b/used/1.tif"), SIZE);
}

static void reads_beyond_the_end_are_cut(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ncr_gdal_use use = open_one("/vsigs/b/end/0.tif", SIZE);
        ncr_gdal_folder_read(&use, NCR_FIRST_READ, UINT64_MAX);
        ncr_gdal_folder_read(&use, UINT64_MAX, 5);
        assert_int_equal(use.end, SIZE);
    }
    assert_int_equal(asked("/vsigs/b/end/1.tif"), SIZE);
}

static void folders_that_are_not_used_are_forgotten(void **state)
{
    (void)state;
    char name[64];
    for (int i = 0; i < 2; i++)
        read_whole("/vsigs/b/old/0.tif", SIZE);
    for (int i = 0; i < NCR_GDAL_FOLDERS; i++) {
        snprintf(name, sizeof name, "/vsigs/b/new%d/0.tif", i);
        asked(name);
    }
    assert_int_equal(asked("/vsigs/b/old/0.tif"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_were_read_whole_lengthen_the_third),
        cmocka_unit_test(many_reads_of_one_object_count_once),
        cmocka_unit_test(windows_of_large_files_change_nothing),
        cmocka_unit_test(a_few_bytes_far_behind_change_nothing),
        cmocka_unit_test(what_is_fetched_in_vain_is_bounded),
        cmocka_unit_test(what_is_used_is_not_in_vain),
        cmocka_unit_test(reads_beyond_the_end_are_cut),
        cmocka_unit_test(folders_that_are_not_used_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
