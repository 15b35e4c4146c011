/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/place.h"

static void what_lies_beside_the_program_is_found_whatever_the_current_folder_is(void **state)
{
    (void)state;
    char program[PATH_MAX] = "", found[PATH_MAX], name[PATH_MAX + 8];
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir("/"), 0);
    assert_true(ncr_place_find(strrchr(program, '/') + 1, found));
    assert_string_equal(found, program);
    *strrchr(program, '/') = '\0';
    snprintf(name, sizeof name, "../%s", strrchr(program, '/') + 1);
    assert_true(ncr_place_find(name, found));
    assert_string_equal(found, program);
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    char found[PATH_MAX] = "left";
    assert_false(ncr_place_find("../no such folder/proj.db", found));
    assert_string_equal(found, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_beside_the_program_is_found_whatever_the_current_folder_is),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests_name("base/place", tests, NULL, NULL);
}
