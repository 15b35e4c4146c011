/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "raster/dtype.h"
#include "warp/kernel.h"

/* Kernels over one cell of points that are set here: no transform, no dataset. */

enum { WIDTH = 64, HEIGHT = 64 };

typedef struct {
    ncr_kernel kernel;
    ncr_kernel_source source;
    const void *planes[1];
    double in[WIDTH * HEIGHT], out[NCR_CELL * NCR_CELL];
    float alpha[NCR_CELL * NCR_CELL];
} bench;

static bench *new_bench(nacre_resampling resampling, double scale, double (*value)(double x, double y))
{
    bench *b = calloc(1, sizeof *b);
    b->kernel = (ncr_kernel){.width = WIDTH, .height = HEIGHT, .band_count = 1, .dtype = NACRE_DTYPE_FLOAT64};
    ncr_kernel_set_scale(&b->kernel, resampling, scale, scale);
    b->planes[0] = b->in;
    b->source = (ncr_kernel_source){.window = {0, 0, WIDTH, HEIGHT}, .planes = b->planes, .row_length = WIDTH};
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        b->in[i] = value(i % WIDTH + 0.5, i / WIDTH + 0.5);
    for (int i = 0; i < NCR_CELL * NCR_CELL; i++)
        b->out[i] = -1;
    return b;
}

/* The value at a source coordinate. */
static double value_at(bench *b, double x, double y)
{
    void *planes[] = {b->out};
    ncr_kernel_cell cell = {1, 1, &x, &y, 1, .planes = planes, .row_length = NCR_CELL, .alpha = b->alpha};
    b->out[0] = -1;
    ncr_kernel_find(NACRE_DTYPE_FLOAT64)(&b->kernel, &b->source, &cell);
    return b->out[0];
}

static double plane(double x, double y)
{
    return 3 * x - 2 * y + 100;
}

static double wave(double x, double y)
{
    return 10 + sin(x / 6) + cos(y / 5);
}

static double parabola(double x, double y)
{
    return x * x + x * y / 2 + 5;
}

static void planes_are_kept_exactly(void **state)
{
    (void)state;
    for (nacre_resampling r = NACRE_RESAMPLING_BILINEAR; r <= NACRE_RESAMPLING_CUBIC_SPLINE; r++) {
        for (double scale = 1; scale > 0.1; scale /= 2) {
            bench *b = new_bench(r, scale, plane);
            for (int i = 0; i < 200; i++) {
                double x = 24 + i * 0.071, y = 40 - i * 0.073;
                double got = value_at(b, x, y);
                /* A widened kernel samples its weights where the pixels are, so their sum has a small ripple. */
                assert_true(fabs(got - plane(x, y)) < (scale == 1 ? 1e-9 : 0.5));
            }
            free(b);
        }
    }
}

static void catmull_rom_keeps_parabolas_and_bilinear_does_not(void **state)
{
    (void)state;
    bench *cubic = new_bench(NACRE_RESAMPLING_CUBIC, 1, parabola);
    bench *linear = new_bench(NACRE_RESAMPLING_BILINEAR, 1, parabola);
    assert_true(fabs(value_at(cubic, 20.3, 30.9) - parabola(20.3, 30.9)) < 1e-9);
    assert_true(fabs(value_at(linear, 20.3, 30.9) - parabola(20.3, 30.9)) > 0.05);
    free(cubic);
    free(linear);
}

/* The error that each kernel promises: second and third order in the pixel. */
static void waves_are_within_the_promised_error(void **state)
{
    (void)state;
    static const double bound[] = {
        [NACRE_RESAMPLING_NEAREST] = 0.2, [NACRE_RESAMPLING_BILINEAR] = 0.009, [NACRE_RESAMPLING_CUBIC] = 0.0009};
    for (nacre_resampling r = NACRE_RESAMPLING_NEAREST; r <= NACRE_RESAMPLING_CUBIC; r++) {
        bench *b = new_bench(r, 1, wave);
        double worst = 0;
        for (int i = 0; i < 500; i++) {
            double x = 5 + i * 0.1037, y = 58 - i * 0.1013;
            worst = fmax(worst, fabs(value_at(b, x, y) - wave(x, y)));
        }
        assert_true(worst < bound[r] && worst > bound[r] / 20);
        free(b);
    }
}

static void the_source_ends_where_it_ends(void **state)
{
    (void)state;
    bench *b = new_bench(NACRE_RESAMPLING_NEAREST, 1, plane);
    assert_true(value_at(b, 0, 0) == plane(0.5, 0.5));
    assert_true(value_at(b, WIDTH, HEIGHT) == -1); /* 1e-10 beyond, as GDAL */
    assert_true(value_at(b, WIDTH - 1e-9, 1) == plane(WIDTH - 0.5, 1.5));
    assert_true(value_at(b, -1e-12, 5) == -1);
    assert_true(value_at(b, 5, HEIGHT + 0.1) == -1);
    assert_true(value_at(b, HUGE_VAL, HUGE_VAL) == -1);
    assert_true(value_at(b, NAN, 5) == -1);
    assert_true(value_at(b, 3 - 1e-11, 5.5) == plane(3.5, 5.5)); /* a hair below a whole number is that */
    free(b);
}

/* At the very edge the taps outside have no weight. */
static void edges_use_the_taps_that_are_there(void **state)
{
    (void)state;
    for (nacre_resampling r = NACRE_RESAMPLING_BILINEAR; r <= NACRE_RESAMPLING_CUBIC; r++) {
        bench *b = new_bench(r, 1, plane);
        assert_true(fabs(value_at(b, 0.1, 10.5) - plane(0.5, 10.5)) < 1e-9);
        assert_true(fabs(value_at(b, WIDTH - 0.1, 10.5) - plane(WIDTH - 0.5, 10.5)) < 1e-9);
        free(b);
    }
}

static void partly_transparent_pixels_mix_with_the_initial_value(void **state)
{
    (void)state;
    bench *b = new_bench(NACRE_RESAMPLING_NEAREST, 1, plane);
    float *density = malloc(WIDTH * HEIGHT * sizeof *density);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        density[i] = 0.25f;
    b->source.density = density;
    b->kernel.blends_initial = true;
    assert_true(fabs(value_at(b, 4.5, 4.5) - (plane(4.5, 4.5) * 0.25 - 0.75)) < 1e-9);
    b->kernel.blends_initial = false;
    assert_true(fabs(value_at(b, 4.5, 4.5) - plane(4.5, 4.5)) < 1e-9);
    assert_true(b->alpha[0] == 0.25f);
    free(density);
    free(b);
}

static void values_that_equal_nodata_are_moved_by_one_step(void **state)
{
    (void)state;
    bench *b = new_bench(NACRE_RESAMPLING_NEAREST, 1, plane);
    double nodata = plane(7.5, 8.5);
    b->kernel.dst_nodata = &nodata;
    assert_true(value_at(b, 7.5, 8.5) == nextafter(nodata, HUGE_VAL));
    assert_true(value_at(b, 8.5, 8.5) == plane(8.5, 8.5));
    b->kernel.nudge_together = true; /* one band: the same */
    assert_true(value_at(b, 7.5, 8.5) == nextafter(nodata, HUGE_VAL));
    free(b);
}

static void reach_covers_all_taps(void **state)
{
    (void)state;
    ncr_kernel kernel = {.width = 1000, .height = 1000};
    int64_t first, last;
    ncr_kernel_set_scale(&kernel, NACRE_RESAMPLING_NEAREST, 1, 1);
    ncr_kernel_reach(&kernel, true, 10.2, 12.9, &first, &last);
    assert_true(first <= 10 && last >= 12);
    ncr_kernel_set_scale(&kernel, NACRE_RESAMPLING_CUBIC, 1, 1);
    ncr_kernel_reach(&kernel, true, 10.2, 12.9, &first, &last);
    assert_true(first <= 8 && last >= 14);
    ncr_kernel_set_scale(&kernel, NACRE_RESAMPLING_CUBIC, 0.25, 1);
    assert_true(kernel.is_wide);
    ncr_kernel_reach(&kernel, true, 100.2, 100.2, &first, &last);
    assert_true(first <= 92 && last >= 107 && last - first < 25);
    ncr_kernel_set_scale(&kernel, NACRE_RESAMPLING_CUBIC, 1e-9, 1e-9); /* bounded, whatever the scale */
    assert_true(kernel.x_radius <= 4096);
}

/* --- Variants --- */

enum { BANDS = 2 };

typedef struct {
    ncr_kernel kernel;
    ncr_kernel_source source;
    ncr_cell_points points;
    const void *planes[BANDS];
    double nodata[BANDS];
    uint8_t in[BANDS][WIDTH * HEIGHT * 8];
    uint8_t valid[WIDTH * HEIGHT], band_valid[BANDS * WIDTH * HEIGHT];
    float density[WIDTH * HEIGHT];
} scene;

static unsigned seed = 1;

static unsigned next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* Values over the whole range of a type, points all over a source and a little beyond it. */
static scene *new_scene(nacre_dtype dtype, nacre_resampling resampling, double scale, int masks)
{
    scene *s = calloc(1, sizeof *s);
    s->kernel = (ncr_kernel){.width = WIDTH, .height = HEIGHT, .band_count = BANDS, .dtype = dtype};
    ncr_kernel_set_scale(&s->kernel, resampling, scale, scale);
    s->source = (ncr_kernel_source){.window = {0, 0, WIDTH, HEIGHT}, .planes = s->planes, .row_length = WIDTH};
    for (int band = 0; band < BANDS; band++) {
        s->planes[band] = s->in[band];
        s->nodata[band] = 3 + band;
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            double value = next_random() % 4 ? (double)(next_random() % 20000) / 7 - 900 : 3;
            ncr_convert(&value, NACRE_DTYPE_FLOAT64, 8, s->in[band] + (size_t)i * ncr_dtype_size(dtype), dtype, 8, 1);
        }
    }
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        s->valid[i] = next_random() % 50 != 0;
        s->density[i] = next_random() % 9 ? 1 : (float)(next_random() % 100) / 100;
        s->band_valid[i] = next_random() % 70 != 0;
        s->band_valid[WIDTH * HEIGHT + i] = next_random() % 70 != 0;
    }
    s->source.valid = masks & 1 ? s->valid : NULL;
    s->source.band_valid = masks & 2 ? s->band_valid : NULL;
    s->source.density = masks & 4 ? s->density : NULL;
    s->kernel.dst_nodata = masks ? s->nodata : NULL;
    int stride = s->kernel.is_area ? NCR_CORNERS : NCR_CELL;
    for (int i = 0; i < stride * stride; i++) {
        s->points.x[i] = (i % stride) * 1.03 - 1.2 + (i / stride) * 0.01;
        s->points.y[i] = (i / stride) * 0.97 - 0.7 - (i % stride) * 0.02; /* NOLINT(bugprone-integer-division) */
    }
    return s;
}

static void *run_scene(const scene *s, ncr_kernel_function function, float *alpha)
{
    size_t size = (size_t)BANDS * NCR_CELL * NCR_CELL * ncr_dtype_size(s->kernel.dtype);
    void *values = calloc(1, size);
    memset(alpha, 0, sizeof(float) * NCR_CELL * NCR_CELL);
    void *planes[BANDS];
    for (int band = 0; band < BANDS; band++)
        planes[band] = (uint8_t *)values + size / BANDS * (size_t)band;
    ncr_kernel_cell cell = {NCR_CELL,
                            NCR_CELL,
                            s->points.x,
                            s->points.y,
                            s->kernel.is_area ? NCR_CORNERS : NCR_CELL,
                            .planes = planes,
                            .row_length = NCR_CELL,
                            .alpha = alpha};
    assert_true(function(&s->kernel, &s->source, &cell));
    return values;
}

static void check_variant(nacre_dtype dtype, nacre_resampling resampling, double scale, int masks, int variant)
{
    static float alpha[2][NCR_CELL * NCR_CELL];
    ncr_kernel_function function = ncr_kernel_find_variant(dtype, (ncr_kernel_variant)variant);
    if (!function)
        return;
    scene *s = new_scene(dtype, resampling, scale, masks);
    void *portable = run_scene(s, ncr_kernel_find_variant(dtype, NCR_KERNEL_PORTABLE), alpha[0]);
    void *other = run_scene(s, function, alpha[1]);
    assert_memory_equal(portable, other, (size_t)BANDS * NCR_CELL * NCR_CELL * ncr_dtype_size(dtype));
    assert_memory_equal(alpha[0], alpha[1], sizeof alpha[0]);
    free(portable);
    free(other);
    free(s);
}

static void variants_give_the_portable_bits(void **state)
{
    (void)state;
    for (nacre_dtype dtype = NACRE_DTYPE_UINT8; dtype <= NACRE_DTYPE_FLOAT64; dtype++)
        for (nacre_resampling r = NACRE_RESAMPLING_NEAREST; r <= NACRE_RESAMPLING_RMS; r++)
            for (int masks = 0; masks < 8; masks++)
                for (int variant = 1; variant < NCR_KERNEL_VARIANTS; variant++)
                    if (r != NACRE_RESAMPLING_GAUSS)
                        check_variant(dtype, r, masks & 1 ? 0.4 : 1, masks, variant);
}

/* A row of a cell away from the edges, from its polynomials, beside the same from points that are given. */
static void check_row(nacre_dtype dtype, nacre_resampling resampling, int variant)
{
    ncr_kernel_function function = ncr_kernel_find_variant(dtype, (ncr_kernel_variant)variant);
    if (!function)
        return;
    scene *s = new_scene(dtype, resampling, 1, 0);
    double u[NCR_CELL], x[NCR_CELL], y[NCR_CELL];
    ncr_kernel_cell cell = {NCR_CELL, 1, .terms = {u, {32, 25.3, 0.4}, {30, 1.7, -0.3}}, .is_interior = true};
    ncr_cell_u(NCR_CELL, u);
    for (int i = 0; i < NCR_CELL; i++) {
        x[i] = 32 + u[i] * (25.3 + u[i] * 0.4);
        y[i] = 30 + u[i] * (1.7 + u[i] * -0.3);
    }
    static uint8_t rows[2][BANDS][NCR_CELL * 8];
    void *planes[2][BANDS] = {{rows[0][0], rows[0][1]}, {rows[1][0], rows[1][1]}};
    memset(rows, 0, sizeof rows);
    cell.planes = planes[0];
    cell.row_length = NCR_CELL;
    assert_true(function(&s->kernel, &s->source, &cell));
    cell.planes = planes[1];
    cell.is_interior = false;
    cell.x = x;
    cell.y = y;
    assert_true(ncr_kernel_find_variant(dtype, NCR_KERNEL_PORTABLE)(&s->kernel, &s->source, &cell));
    assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
    free(s);
}

static void rows_of_polynomials_give_the_bits_of_points(void **state)
{
    (void)state;
    for (nacre_dtype dtype = NACRE_DTYPE_UINT8; dtype <= NACRE_DTYPE_FLOAT64; dtype++)
        for (nacre_resampling r = NACRE_RESAMPLING_NEAREST; r <= NACRE_RESAMPLING_LANCZOS; r++)
            for (int variant = 0; variant < NCR_KERNEL_VARIANTS; variant++)
                if (!ncr_resampling_is_area(r))
                    check_row(dtype, r, variant);
}

/* Parts of a view have masks where something in them is masked: elsewhere in them nothing may change. */
static void masks_that_leave_nothing_out_change_nothing(void **state)
{
    (void)state;
    static float alpha[2][NCR_CELL * NCR_CELL];
    for (nacre_dtype dtype = NACRE_DTYPE_UINT8; dtype <= NACRE_DTYPE_FLOAT64; dtype++) {
        for (nacre_resampling r = NACRE_RESAMPLING_NEAREST; r <= NACRE_RESAMPLING_RMS; r++) {
            if (r == NACRE_RESAMPLING_GAUSS || !ncr_kernel_find(dtype))
                continue;
            scene *s = new_scene(dtype, r, 1, 0);
            memset(s->valid, 1, sizeof s->valid);
            memset(s->band_valid, 1, sizeof s->band_valid);
            void *bare = run_scene(s, ncr_kernel_find(dtype), alpha[0]);
            s->source.valid = s->valid;
            s->source.band_valid = s->band_valid;
            void *masked = run_scene(s, ncr_kernel_find(dtype), alpha[1]);
            assert_memory_equal(bare, masked, (size_t)BANDS * NCR_CELL * NCR_CELL * ncr_dtype_size(dtype));
            assert_memory_equal(alpha[0], alpha[1], sizeof alpha[0]);
            free(bare);
            free(masked);
            free(s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_kept_exactly),
        cmocka_unit_test(catmull_rom_keeps_parabolas_and_bilinear_does_not),
        cmocka_unit_test(waves_are_within_the_promised_error),
        cmocka_unit_test(the_source_ends_where_it_ends),
        cmocka_unit_test(edges_use_the_taps_that_are_there),
        cmocka_unit_test(partly_transparent_pixels_mix_with_the_initial_value),
        cmocka_unit_test(values_that_equal_nodata_are_moved_by_one_step),
        cmocka_unit_test(reach_covers_all_taps),
        cmocka_unit_test(variants_give_the_portable_bits),
        cmocka_unit_test(rows_of_polynomials_give_the_bits_of_points),
        cmocka_unit_test(masks_that_leave_nothing_out_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
