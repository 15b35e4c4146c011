/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_steps.h"

/* Web servers, archives, and what doctor finds. */

static const char *url_of(const char *server, const char *name)
{
    static char url[256];
    snprintf(url, sizeof url, "%s/files/%s", server, name);
    return url;
}

static nacre_status http_read(uint64_t *result, nacre_error *err)
{
    return steps_read(url_of(scene_web(), "bytes"), result, err);
}

static nacre_status http_stat(uint64_t *result, nacre_error *err)
{
    return steps_stat(url_of(scene_web(), "bytes"), result, err);
}

static nacre_status http_raster(uint64_t *result, nacre_error *err)
{
    return scene_read_raster(url_of(scene_web(), "a.tif"), result, err);
}

static nacre_status tls_read(uint64_t *result, nacre_error *err)
{
    return steps_read(url_of(scene_tls(), "bytes"), result, err);
}

/* --- Archives. --- */

static nacre_status zip_stored(uint64_t *result, nacre_error *err)
{
    return steps_read("zip://in/a.zip!stored", result, err);
}

static nacre_status zip_deflated(uint64_t *result, nacre_error *err)
{
    return steps_read("zip://in/a.zip!deflated", result, err);
}

static nacre_status zip_list(uint64_t *result, nacre_error *err)
{
    return steps_list("zip://in/a.zip", result, err);
}

static nacre_status zip_gs_stored(uint64_t *result, nacre_error *err)
{
    return steps_read("zip+gs://b/in/a.zip!stored", result, err);
}

static nacre_status zip_gs_deflated(uint64_t *result, nacre_error *err)
{
    return steps_read("zip+gs://b/in/a.zip!deflated", result, err);
}

/* --- Doctor. A fault is a row of what it tells, not an error; but no fault of this machine is a weakness of the store.
 */

static char weakness[512];

static void take_row(void *user, const nacre_probe_row *row)
{
    (void)user;
    if (row->mark == NACRE_PROBE_WEAK)
        snprintf(weakness, sizeof weakness, "%s: %s", row->name, row->value);
}

static nacre_status examine(const char *path, bool write, const char *folder, uint64_t *result, nacre_error *err)
{
    nacre_probe_options options = NACRE_PROBE_OPTIONS_INIT;
    nacre_probe_result found;
    options.write = write;
    options.bandwidth_bytes = 20000;
    options.bandwidth_ms = 200;
    weakness[0] = '\0';
    nacre_status status = nacre_probe(path, &options, NULL, take_row, NULL, &found, err);
    if (status != NACRE_OK)
        return status;
    result_add(result, &found.verdict, sizeof found.verdict);
    if (found.has_left)
        scene_empty_deep(folder);
    if (!weakness[0])
        return NACRE_OK;
    err->status = NACRE_ERROR_UNSUPPORTED; /* which no fault may lead to */
    snprintf(err->message, sizeof err->message, "%s: %s", path, weakness);
    return err->status;
}

#define DOCTOR(name, scheme, folder)                                       \
    static nacre_status name##_examine(uint64_t *result, nacre_error *err) \
    {                                                                      \
        return examine(scheme "://b/out/", true, folder, result, err);     \
    }

DOCTOR(gs, "gs", "store/b/out")
DOCTOR(s3, "s3", "store/b/out")
DOCTOR(az, "az", "az/b/out")

static nacre_status examine_object(uint64_t *result, nacre_error *err)
{
    return examine("gs://b/in/bytes", false, NULL, result, err);
}

enum { DOCTORS = SCENARIO_WHOLE | SCENARIO_REPORT | SCENARIO_ONCE };

const scenario web_scenarios[] = {
    {"http-read", NULL, {"http://127.0.0.1:"}, NULL, NULL, http_read, SCENARIO_WHOLE},
    {"http-stat", NULL, {"http://127.0.0.1:"}, NULL, NULL, http_stat, SCENARIO_WHOLE},
    {"http-raster", NULL, {"http://127.0.0.1:"}, NULL, NULL, http_raster, SCENARIO_WHOLE},
    {"tls-read", NULL, {"https://127.0.0.1:"}, NULL, NULL, tls_read, SCENARIO_WHOLE},
    {"zip-stored", NULL, {"zip://in/a.zip"}, NULL, NULL, zip_stored, SCENARIO_WHOLE},
    {"zip-deflated", NULL, {"zip://in/a.zip"}, NULL, NULL, zip_deflated, SCENARIO_SLOW},
    {"zip-list", NULL, {"zip://in/a.zip"}, NULL, NULL, zip_list, SCENARIO_WHOLE},
    {"zip-gs-stored", NULL, {"zip+gs://b/in/a.zip"}, NULL, NULL, zip_gs_stored, SCENARIO_WHOLE},
    {"zip-gs-deflated", NULL, {"zip+gs://b/in/a.zip"}, NULL, NULL, zip_gs_deflated, SCENARIO_WHOLE},
    {"doctor-gs", "store/b/out", {"gs://b/out/"}, NULL, NULL, gs_examine, DOCTORS | SCENARIO_SLOW},
    {"doctor-s3", "store/b/out", {"s3://b/out/"}, NULL, NULL, s3_examine, DOCTORS | SCENARIO_SLOW},
    {"doctor-az", "az/b/out", {"az://b/out/"}, NULL, NULL, az_examine, DOCTORS | SCENARIO_SLOW},
    {"doctor-object", NULL, {"gs://b/in/bytes"}, NULL, NULL, examine_object, DOCTORS},
    {0},
};
