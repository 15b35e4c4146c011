/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file_steps.h"

/* The folder of the cache, streams, and datasets that are refreshed. */

/* --- cache.dir. Its troubles are no errors of reads. --- */

static void set_folder(const char *size)
{
    char path[256], whole[300];
    if (!getcwd(path, sizeof path))
        exit(1);
    snprintf(whole, sizeof whole, "%s/cache", path);
    scene_empty_deep(whole);
    setenv("NACRE_CACHE_DIR", whole, 1);
    setenv("NACRE_CACHE_DIR_SIZE", size, 1);
}

static void new_folder(void)
{
    set_folder("10 MiB");
}

static void small_folder(void)
{
    set_folder("256 KiB");
}

/* Reads, forgets what is in memory, and reads from the folder. */
static nacre_status disk_read(uint64_t *result, nacre_error *err)
{
    nacre_status status = steps_read("gs://b/in/bytes", result, err);
    nacre_cache_flush();
    nacre_cache_invalidate_all();
    return status == NACRE_OK ? steps_read("gs://b/in/bytes", result, err) : status;
}

static nacre_status disk_offline(uint64_t *result, nacre_error *err)
{
    nacre_io_options offline = NACRE_IO_OPTIONS_INIT;
    nacre_file *file;
    offline.cache = "offline";
    nacre_status status = steps_read("gs://b/in/bytes", result, err);
    nacre_cache_flush();
    nacre_cache_invalidate_all();
    if (status != NACRE_OK)
        return status;
    status = nacre_file_open("gs://b/in/bytes", &offline, &file, err);
    if (status == NACRE_OK)
        result_add(result, &(uint64_t){nacre_file_size(file)}, sizeof(uint64_t));
    nacre_file_close(file);
    return status;
}

static nacre_status disk_evict(uint64_t *result, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    static const char *const paths[] = {"gs://b/in/bytes", "s3://b/in/bytes", "az://b/in/bytes"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths && status == NACRE_OK; i++) {
        status = steps_read(paths[i], result, err);
        nacre_cache_flush();
    }
    return status;
}

/* --- Streams. --- */

static bool take_piece(void *user, const void *data, size_t size)
{
    result_add(user, data, size);
    return true;
}

static nacre_status stream(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_file *file;
    nacre_status status = nacre_file_open(path, NULL, &file, err);
    if (status == NACRE_OK)
        status = nacre_file_stream(file, 10, UINT64_MAX, NULL, take_piece, result, err);
    nacre_file_close(file);
    return status;
}

static nacre_status stream_local(uint64_t *result, nacre_error *err)
{
    return stream("in/bytes", result, err);
}

static nacre_status stream_gs(uint64_t *result, nacre_error *err)
{
    return stream("gs://b/in/bytes", result, err);
}

static nacre_status stream_az(uint64_t *result, nacre_error *err)
{
    return stream("az://b/in/bytes", result, err);
}

static nacre_status stream_zip(uint64_t *result, nacre_error *err)
{
    return stream("zip+gs://b/in/a.zip!deflated", result, err);
}

static nacre_status stream_disk(uint64_t *result, nacre_error *err)
{
    nacre_status status = stream("gs://b/in/bytes", result, err);
    nacre_cache_flush();
    nacre_cache_invalidate_all();
    return status == NACRE_OK ? stream("gs://b/in/bytes", result, err) : status;
}

/* --- Refresh. --- */

static void copy_of(const char *from, const char *to)
{
    static char data[1 << 20];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!in || !out)
        exit(1);
    fwrite(data, 1, fread(data, 1, sizeof data, in), out);
    fclose(in);
    if (fclose(out) != 0)
        exit(1);
}

static void two_rasters(void)
{
    copy_of("in/a.tif", "out/a.tif");
    copy_of("in/b.tif", "out/next");
}

static void two_objects(void)
{
    copy_of("in/a.tif", "store/b/out/a.tif");
    copy_of("in/b.tif", "store/b/out/next");
}

/* A local file's version is weak while it is young. */
static void grow_old(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

/* Opens, has the object overwritten, unseen by nacre and by the driver, and refreshes twice. */
static nacre_status refresh(const char *path, const char *next, const char *file, uint64_t *result, nacre_error *err)
{
    nacre_dataset *dataset, *fresh = NULL, *none = NULL;
    grow_old();
    nacre_status status = nacre_dataset_open(path, NULL, NULL, &dataset, err);
    if (status != NACRE_OK)
        return status;
    syscall(SYS_rename, next, file);
    grow_old();
    status = nacre_dataset_refresh(dataset, NULL, NULL, &fresh, err);
    if (status == NACRE_OK && fresh)
        status = nacre_dataset_refresh(fresh, NULL, NULL, &none, err);
    result_add(result, &(bool){fresh != NULL}, sizeof(bool));
    result_add(result, &(bool){none != NULL}, sizeof(bool));
    nacre_dataset_close(none);
    nacre_dataset_close(dataset);
    if (status == NACRE_OK && fresh)
        return scene_read_and_close(fresh, result, err);
    nacre_dataset_close(fresh);
    return status;
}

static nacre_status refresh_local(uint64_t *result, nacre_error *err)
{
    return refresh("out/a.tif", "out/next", "out/a.tif", result, err);
}

static nacre_status refresh_gs(uint64_t *result, nacre_error *err)
{
    return refresh("gs://b/out/a.tif", "store/b/out/next", "store/b/out/a.tif", result, err);
}

const scenario cache_scenarios[] = {
    {"disk-read", NULL, {"gs://b/in/bytes"}, new_folder, NULL, disk_read, SCENARIO_WHOLE},
    {"disk-offline", NULL, {"gs://b/in/bytes"}, new_folder, NULL, disk_offline, SCENARIO_WHOLE | SCENARIO_OFFLINE},
    {"disk-evict", NULL, {"gs://b/in/", "s3://b/in/", "az://b/in/"}, small_folder, NULL, disk_evict, SCENARIO_WHOLE},
    {"stream-local", NULL, {"in/bytes"}, NULL, NULL, stream_local, SCENARIO_WHOLE},
    {"stream-gs", NULL, {"gs://b/in/bytes"}, NULL, NULL, stream_gs, SCENARIO_WHOLE},
    {"stream-az", NULL, {"az://b/in/bytes"}, NULL, NULL, stream_az, SCENARIO_WHOLE},
    {"stream-zip", NULL, {"zip+gs://b/in/a.zip"}, NULL, NULL, stream_zip, SCENARIO_WHOLE},
    {"stream-disk", NULL, {"gs://b/in/bytes"}, new_folder, NULL, stream_disk, SCENARIO_WHOLE},
    {"refresh-local", "out", {"out/a.tif"}, two_rasters, NULL, refresh_local, SCENARIO_WHOLE},
    {"refresh-gs", "store/b/out", {"gs://b/out/a.tif"}, two_objects, NULL, refresh_gs, SCENARIO_WHOLE},
    {0},
};
