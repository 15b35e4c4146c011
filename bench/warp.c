/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "raster/crs.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "raster/memory.h"
#include "warp/warp.h"

/* Warps a scene in memory from EPSG:32618 to EPSG:3857, once for each line of standard input, and prints the seconds
 * of each on the clock and of the processor: bench-warp SIDE BANDS DTYPE RESAMPLING SHRINK THREADS [DUMP]. The scene is
 * that of bench_warp.py: value = (column * 7 + row * 13 + band * 101 + column * row % 251) % 10000 + 1, with NaN where
 * (column / 64 + row / 64) % 16 is 0 for floats. The result goes to the file DUMP, where that is given. */

static const nacre_transform place = {10, 0, 499980, 0, -10, 4600020};

static void fill(uint8_t *to, nacre_dtype dtype, int side, int bands)
{
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    double *row = calloc((size_t)side, sizeof *row);
    for (int b = 0; b < bands && row; b++)
        for (int64_t y = 0; y < side; y++, to += side * size) {
            for (int64_t x = 0; x < side; x++) {
                row[x] = (double)((x * 7 + y * 13 + b * 101 + x * y % 251) % 10000 + 1);
                if (!ncr_dtype_is_integer(dtype) && (x / 64 + y / 64) % 16 == 0)
                    row[x] = NAN;
            }
            ncr_convert(row, NACRE_DTYPE_FLOAT64, sizeof *row, to, dtype, size, (size_t)side);
        }
    free(row);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const nacre_error *err)
{
    fprintf(stderr, "bench-warp: %s\n", err->message);
    exit(1);
}

static ncr_dataset *new_scene(int side, int bands, nacre_dtype dtype)
{
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    uint8_t *values = malloc((size_t)side * (size_t)side * (size_t)bands * (size_t)size);
    fill(values, dtype, side, bands);
    nacre_error err = {0};
    ncr_dataset *scene;
    if (ncr_memory_dataset_new(side, side, bands, dtype, values, size, size * side, size * side * side, &scene, &err))
        fail(&err);
    scene->has_transform = true;
    scene->transform = place;
    if (ncr_crs_from_text("EPSG:32618", &scene->crs, &err))
        fail(&err);
    for (int i = 0; i < bands && !ncr_dtype_is_integer(dtype); i++)
        scene->bands[i].nodata = (nacre_nodata){.is_set = true, .value = NAN};
    return scene;
}

static void read_whole(ncr_dataset *view, ncr_call *call, uint8_t *buffer, const int *bands)
{
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(view->bands[0].dtype);
    ncr_read_request request = {.window = {0, 0, view->width, view->height},
                                .bands = bands,
                                .band_count = view->band_count,
                                .dtype = view->bands[0].dtype,
                                .buffer = buffer,
                                .pixel_stride = size,
                                .row_stride = size * view->width,
                                .band_stride = size * view->width * view->height};
    nacre_error err = {0};
    ncr_plan *plan;
    if (ncr_dataset_plan_read(view, &request, call, &plan, &err) || ncr_execute(plan, &err))
        fail(&err);
    ncr_plan_free(plan);
}

int main(int argc, char **argv)
{
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    if (argc < 7 || !nacre_resampling_from_name(argv[4], &options.resampling))
        return 2;
    int side = (int)strtol(argv[1], NULL, 10), count = (int)strtol(argv[2], NULL, 10);
    nacre_error err = {0};
    nacre_config *config = nacre_config_new();
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.config = config;
    nacre_config_set(config, "threads", argv[6], NULL);
    ncr_call *call;
    ncr_dataset *view;
    nacre_grid grid;
    ncr_dataset *scene = new_scene(side, count, nacre_dtype_from_name(argv[3]));
    if (ncr_call_new(&io, &call, &err) || ncr_crs_from_text("EPSG:3857", &options.dst_crs, &err) ||
        ncr_warp_grid(scene, &options, &grid, &err))
        fail(&err);
    double shrink = strtod(argv[5], NULL);
    options.width = (int)(grid.width / shrink);
    options.height = (int)(grid.height / shrink);
    if (ncr_warp_view_new(scene, &options, &view, &err))
        fail(&err);
    int bands[16];
    for (int i = 0; i < 16; i++)
        bands[i] = i + 1;
    size_t size = (size_t)view->width * (size_t)view->height * (size_t)count * ncr_dtype_size(view->bands[0].dtype);
    uint8_t *buffer = malloc(size);
    memset(buffer, 1, size);
    const nacre_transform *t = &view->transform;
    printf("%d %d %.17g %.17g %.17g %.17g\n", view->width, view->height, t->a, t->c, t->e, t->f);
    fflush(stdout);
    for (int c = getchar(); c != EOF; c = getchar()) {
        if (c != '\n')
            continue;
        double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        read_whole(view, call, buffer, bands);
        printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        fflush(stdout);
    }
    FILE *dump = argc > 7 ? fopen(argv[7], "wb") : NULL;
    if (dump) {
        fwrite(buffer, 1, size, dump);
        fclose(dump);
    }
    return 0;
}
