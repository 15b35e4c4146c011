/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>

#include "raster/metadata.h"

enum { COUNT = 1000 };

static void items_are_found_replaced_and_kept_in_order_however_many(void **state)
{
    (void)state;
    ncr_metadata metadata = {0};
    char key[16], value[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(key, sizeof key, "k%d", i / 2);
            snprintf(value, sizeof value, "%d", i + round);
            assert_int_equal(ncr_metadata_set(&metadata, i % 2 ? "d" : "", key, value, NULL), NACRE_OK);
            assert_string_equal(ncr_metadata_get(&metadata, i % 2 ? "d" : "", key), value);
            assert_null(ncr_metadata_get(&metadata, "e", key));
        }
        assert_int_equal(metadata.count, COUNT);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "k%d", i / 2);
        snprintf(value, sizeof value, "%d", i + 1);
        assert_string_equal(metadata.items[i].key, key);
        assert_string_equal(metadata.items[i].value, value);
    }
    ncr_metadata_clear(&metadata);
    assert_null(ncr_metadata_get(&metadata, "", "k1"));
}

/* The domain's end is part of what is looked for: "a" + "bc" is not "ab" + "c". */
static void domain_and_key_do_not_run_together(void **state)
{
    (void)state;
    ncr_metadata metadata = {0};
    char key[16];
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "x%d", i);
        assert_int_equal(ncr_metadata_set(&metadata, "", key, "v", NULL), NACRE_OK);
    }
    assert_int_equal(ncr_metadata_set(&metadata, "a", "bc", "1", NULL), NACRE_OK);
    assert_null(ncr_metadata_get(&metadata, "ab", "c"));
    assert_string_equal(ncr_metadata_get(&metadata, "a", "bc"), "1");
    ncr_metadata_clear(&metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_found_replaced_and_kept_in_order_however_many),
        cmocka_unit_test(domain_and_key_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
