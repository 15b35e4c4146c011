/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_steps.h"

/* Local files. */

static void one_file(void)
{
    scene_file("out/old", 3000, 7);
}

static nacre_status read_file(uint64_t *result, nacre_error *err)
{
    return steps_read("in/bytes", result, err);
}

static nacre_status write_file(uint64_t *result, nacre_error *err)
{
    (void)result;
    return steps_write("out/old", 300000, err);
}

static nacre_status copy_file(uint64_t *result, nacre_error *err)
{
    (void)result;
    return nacre_copy("in/bytes", "out/new", NULL, NULL, err);
}

static nacre_status rename_file(uint64_t *result, nacre_error *err)
{
    (void)result;
    return nacre_rename("out/old", "out/new", NULL, NULL, err);
}

static nacre_status delete_file(uint64_t *result, nacre_error *err)
{
    (void)result;
    return nacre_delete("out/old", NULL, err);
}

static nacre_status stat_file(uint64_t *result, nacre_error *err)
{
    return steps_stat("in/bytes", result, err);
}

static nacre_status list_folder(uint64_t *result, nacre_error *err)
{
    return steps_list("in/", result, err);
}

const scenario local_scenarios[] = {
    {"local-read", NULL, {"in/bytes"}, NULL, NULL, read_file, 0},
    {"local-write", "out", {"out/old"}, one_file, NULL, write_file, 0},
    {"local-copy", "out", {"in/bytes", "out/new"}, NULL, NULL, copy_file, 0},
    {"local-rename", "out", {"out/old", "out/new"}, one_file, NULL, rename_file, 0},
    {"local-delete", "out", {"out/old"}, one_file, NULL, delete_file, 0},
    {"local-stat", NULL, {"in/bytes"}, NULL, NULL, stat_file, 0},
    {"local-list", NULL, {"in/"}, NULL, NULL, list_folder, 0},
    {0},
};
