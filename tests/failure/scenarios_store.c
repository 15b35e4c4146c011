/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "file_steps.h"

/* Object stores, played by the emulator. */

static void one_object(void)
{
    scene_file("store/b/out/old", 3000, 7);
}

static void one_blob(void)
{
    scene_file("az/b/out/old", 3000, 7);
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

/* clang-format off */
#define STORE_SCENARIOS(name, scheme, out, one_object, marks, upload_marks)                                            \
    {#name "-read", NULL, {scheme "://b/in/bytes"}, NULL, NULL, name##_read, marks},                                   \
    {#name "-stat", NULL, {scheme "://b/in/bytes"}, NULL, NULL, name##_stat, marks},                                   \
    {#name "-list", NULL, {scheme "://b/in/"}, NULL, NULL, name##_list, marks},                                        \
    {#name "-put", out, {scheme "://b/out/old"}, one_object, NULL, name##_put, marks},                                 \
    {#name "-copy", out, {scheme "://b/in/bytes", scheme "://b/out/new"}, NULL, NULL, name##_copy, marks},             \
    {#name "-rename", out, {scheme "://b/out/old", scheme "://b/out/new"}, one_object, name##_copy_old,                \
     name##_rename, marks},                                                                                            \
    {#name "-delete", out, {scheme "://b/out/old"}, one_object, NULL, name##_delete, marks},                           \
    {#name "-upload", out, {scheme "://b/out/old"}, one_object, NULL, name##_upload, upload_marks}
/* clang-format on */

STORE(gs, "gs")
STORE(s3, "s3")
STORE(az, "az")

const scenario store_scenarios[] = {
    STORE_SCENARIOS(gs, "gs", "store/b/out", one_object, 0, SCENARIO_SLOW),
    STORE_SCENARIOS(s3, "s3", "store/b/out", one_object, 0, SCENARIO_SLOW),
    STORE_SCENARIOS(az, "az", "az/b/out", one_blob, SCENARIO_WHOLE, SCENARIO_WHOLE | SCENARIO_ONCE | SCENARIO_SLOW),
    {0},
};
