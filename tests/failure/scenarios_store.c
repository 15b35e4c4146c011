/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "file_steps.h"

/* Object stores, played by the emulator. */

static void one_object(void)
{
    scene_file("store/b/out/old", 3000, 7);
}

enum { SMALL = 3000, LARGE = 9 << 20 };

#define STORE(name, scheme)                                                                 \
    static nacre_status name##_read(uint64_t *result, nacre_error *err)                     \
    {                                                                                       \
        return steps_read(scheme "://b/in/bytes", result, err);                             \
    }                                                                                       \
    static nacre_status name##_put(uint64_t *result, nacre_error *err)                      \
    {                                                                                       \
        (void)result;                                                                       \
        return steps_write(scheme "://b/out/old", SMALL, err);                              \
    }                                                                                       \
    static nacre_status name##_upload(uint64_t *result, nacre_error *err)                   \
    {                                                                                       \
        (void)result;                                                                       \
        return steps_write(scheme "://b/out/old", LARGE, err);                              \
    }                                                                                       \
    static nacre_status name##_copy(uint64_t *result, nacre_error *err)                     \
    {                                                                                       \
        (void)result;                                                                       \
        return nacre_copy(scheme "://b/in/bytes", scheme "://b/out/new", NULL, NULL, err);  \
    }                                                                                       \
    static nacre_status name##_copy_old(nacre_error *err)                                   \
    {                                                                                       \
        return nacre_copy(scheme "://b/out/old", scheme "://b/out/new", NULL, NULL, err);   \
    }                                                                                       \
    static nacre_status name##_rename(uint64_t *result, nacre_error *err)                   \
    {                                                                                       \
        (void)result;                                                                       \
        return nacre_rename(scheme "://b/out/old", scheme "://b/out/new", NULL, NULL, err); \
    }                                                                                       \
    static nacre_status name##_delete(uint64_t *result, nacre_error *err)                   \
    {                                                                                       \
        (void)result;                                                                       \
        return nacre_delete(scheme "://b/out/old", NULL, err);                              \
    }                                                                                       \
    static nacre_status name##_stat(uint64_t *result, nacre_error *err)                     \
    {                                                                                       \
        return steps_stat(scheme "://b/in/bytes", result, err);                             \
    }                                                                                       \
    static nacre_status name##_list(uint64_t *result, nacre_error *err)                     \
    {                                                                                       \
        return steps_list(scheme "://b/in/", result, err);                                  \
    }

#define OUT "store/b/out"
/* clang-format off */
#define STORE_SCENARIOS(name, scheme)                                                                                  \
    {#name "-read", NULL, {scheme "://b/in/bytes"}, NULL, NULL, name##_read, false},                                   \
    {#name "-stat", NULL, {scheme "://b/in/bytes"}, NULL, NULL, name##_stat, false},                                   \
    {#name "-list", NULL, {scheme "://b/in/"}, NULL, NULL, name##_list, false},                                        \
    {#name "-put", OUT, {scheme "://b/out/old"}, one_object, NULL, name##_put, false},                                 \
    {#name "-copy", OUT, {scheme "://b/in/bytes", scheme "://b/out/new"}, NULL, NULL, name##_copy, false},             \
    {#name "-rename", OUT, {scheme "://b/out/old", scheme "://b/out/new"}, one_object, name##_copy_old,                \
     name##_rename, false},                                                                                            \
    {#name "-delete", OUT, {scheme "://b/out/old"}, one_object, NULL, name##_delete, false},                           \
    {#name "-upload", OUT, {scheme "://b/out/old"}, one_object, NULL, name##_upload, true}
/* clang-format on */

STORE(gs, "gs")
STORE(s3, "s3")

const scenario store_scenarios[] = {
    STORE_SCENARIOS(gs, "gs"),
    STORE_SCENARIOS(s3, "s3"),
    {0},
};
