/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/warp_scene.h"

/* What a warp must keep, whatever its kernel computes. */

/* The scene as it is, or turned upside down (1), its columns turned (2), or both; the transform goes along. */
static memory_raster *flipped(int flips, nacre_transform *transform)
{
    memory_raster *source = scene(120, 90, 1);
    uint8_t *copy = malloc(120 * 90);
    memcpy(copy, source->values, 120 * 90);
    for (int y = 0; y < 90; y++)
        for (int x = 0; x < 120; x++)
            source->values[y * 120 + x] = copy[(flips & 1 ? 89 - y : y) * 120 + (flips & 2 ? 119 - x : x)];
    free(copy);
    *transform = utm;
    transform->e = flips & 1 ? 100 : -100;
    transform->f = flips & 1 ? utm.f - 9000 : utm.f;
    transform->a = flips & 2 ? -100 : 100;
    transform->c = flips & 2 ? utm.c + 12000 : utm.c;
    source->base.transform = *transform;
    return source;
}

/* Pixels whose source lies between two, or on a tie, may fall to the other side. */
static void flipping_the_source_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; i++) {
        uint8_t *first = NULL;
        int size = 0;
        for (int flips = 0; flips < 4; flips++) {
            nacre_transform transform, grid = {70, 0, 300010, 0, -70, 4999990};
            memory_raster *source = flipped(flips, &transform);
            nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
            options.resampling = all[i];
            options.transform = &grid;
            options.width = 150;
            options.height = 120;
            ncr_dataset *view = warp(source, &options, "EPSG:32633");
            uint8_t *pixels = read_all(view);
            int differ = 0;
            size = view->width * view->height;
            for (int k = 0; first && k < size; k++)
                differ += abs(pixels[k] - first[k]) > 1;
            /* Order decides which of several modes is taken. */
            assert_true(all[i] == NACRE_RESAMPLING_MODE || differ < size / 200);
            if (first)
                free(pixels);
            else
                first = pixels;
            free_pair(view, source);
        }
        free(first);
    }
}

static memory_raster *real_scene(int width, int height)
{
    float *values = malloc((size_t)(width * height) * sizeof *values);
    for (int i = 0; i < width * height; i++)
        values[i] = texture(i % width, i / width, 0);
    return memory_raster_new(width, height, 1, NACRE_DTYPE_FLOAT32, values, &utm, "EPSG:32633");
}

static double sum_of(const float *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)values[i];
    return sum;
}

/* Over a grid that reaches beyond the source, whatever its pixels' size. */
static void sums_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        memory_raster *source = real_scene(140, 110);
        double before = sum_of((const float *)source->values, 140 * 110);
        nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
        const double resolution[] = {0.0004, 0.0013, 0.005, 0.02}, bounds[] = {12.4, 44.9, 12.75, 45.2};
        options.resampling = NACRE_RESAMPLING_SUM;
        options.res_x = options.res_y = resolution[i];
        options.bounds = bounds;
        ncr_dataset *view = warp(source, &options, "EPSG:4326");
        float *pixels = (float *)read_all(view);
        double after = sum_of(pixels, view->width * view->height);
        assert_true(fabs(after / before - 1) < 1e-4);
        free(pixels);
        free_pair(view, source);
    }
}

static void means_are_kept(void **state)
{
    (void)state;
    memory_raster *source = real_scene(160, 120);
    double before = sum_of((const float *)source->values, 160 * 120) / (160 * 120);
    nacre_warp_options options = NACRE_WARP_OPTIONS_INIT;
    options.resampling = NACRE_RESAMPLING_AVERAGE;
    options.width = 37;
    options.height = 29;
    ncr_dataset *view = warp(source, &options, "EPSG:32633");
    float *pixels = (float *)read_all(view);
    double after = sum_of(pixels, 37 * 29) / (37 * 29);
    assert_true(fabs(after / before - 1) < 1e-6);
    free(pixels);
    free_pair(view, source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipping_the_source_changes_nothing),
        cmocka_unit_test(sums_are_kept),
        cmocka_unit_test(means_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
