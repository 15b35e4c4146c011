/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_RAMP_H
#define NCR_TESTS_RAMP_H

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dataset.h"
#include "raster/dtype.h"
#include "raster/execute.h"
#include "support/call.h"
#include "support/mem_file.h"
#include "vrt/vrt.h"

/* A format for tests: a file "RAMP w=4 h=3 bands=2 dtype=uint8 base=1 nodata=3 mask=1 alpha=1" is a raster whose value
 * in band b (from 1) at (x, y) is base + x + 10 * y + 100 * (b - 1). mask=1: a mask of the dataset, valid where x is
 * even. alpha=1: the last band is alpha, 255 where y is even, else 0. Its reads are counted. */
typedef struct ramp {
    ncr_dataset base;
    double start;
    bool has_mask, has_alpha;
} ramp;

static _Atomic int ramp_opens, ramp_reads;

typedef struct ramp_plan {
    ncr_plan plan;
    ramp *dataset;
    ncr_read_request request;
} ramp_plan;

static double ramp_value(const ramp *dataset, int band, int64_t x, int64_t y)
{
    if (dataset->has_alpha && band == dataset->base.band_count)
        return y % 2 ? 0 : 255;
    return dataset->start + (double)x + 10.0 * (double)y + 100.0 * (band - 1);
}

static nacre_status ramp_step(ncr_plan *plan, ncr_wants *wants, bool *more, nacre_error *err)
{
    (void)plan;
    (void)wants;
    (void)more;
    (void)err;
    return NACRE_OK;
}

static nacre_status ramp_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    const ramp_plan *p = (const ramp_plan *)plan;
    const ncr_read_request *r = &p->request;
    for (int i = 0; i < (r->mask ? 1 : r->band_count); i++)
        for (int64_t y = 0; y < r->window.height; y++)
            for (int64_t x = 0; x < r->window.width; x++) {
                int64_t at_x = r->window.x + x, at_y = r->window.y + y;
                double value = r->mask ? (at_x % 2 ? 0 : 255) : ramp_value(p->dataset, r->bands[i], at_x, at_y);
                ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0,
                            r->buffer + i * r->band_stride + y * r->row_stride + x * r->pixel_stride, r->dtype, 0, 1);
            }
    return NACRE_OK;
}

static void ramp_free(ncr_plan *plan)
{
    free(plan);
}

static nacre_status ramp_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                   ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {.step = ramp_step, .compose = ramp_compose, .free = ramp_free};
    ramp_plan *p = ncr_plan_new(sizeof *p, &class, call);
    if (!p)
        return ncr_error_memory(err);
    p->dataset = (ramp *)dataset;
    p->request = *request;
    atomic_fetch_add(&ramp_reads, 1);
    *out = &p->plan;
    return NACRE_OK;
}

static const ncr_dataset_class ramp_class = {.driver = "RAMP", .plan_read = ramp_plan_read};

static double ramp_number(const char *text, const char *key, double fallback)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s=", key);
    const char *at = strstr(text, pattern);
    return at ? strtod(at + strlen(pattern), NULL) : fallback;
}

static nacre_dtype ramp_dtype(const char *text)
{
    const char *at = strstr(text, " dtype=");
    char name[16] = "uint8";
    if (at)
        sscanf(at, " dtype=%15s", name);
    return ncr_dtype_from_name(name);
}

static void ramp_set_bands(ramp *made, const char *text)
{
    for (int i = 0; i < made->base.band_count; i++) {
        ncr_band *band = &made->base.bands[i];
        band->dtype = ramp_dtype(text);
        band->bits = (int)(8 * ncr_dtype_size(band->dtype));
        band->block_width = made->base.width;
        band->block_height = 1;
        band->color = NACRE_COLOR_GRAY;
        if (strstr(text, " nodata=")) {
            double nodata = ramp_number(text, "nodata", 0);
            band->nodata = (nacre_nodata){.is_set = true, .value = nodata, .int64_value = (int64_t)nodata};
            band->mask_flags = NACRE_MASK_NODATA;
        }
        if (made->has_mask)
            band->mask_flags = NACRE_MASK_PER_DATASET;
        if (made->has_alpha && i < made->base.band_count - 1)
            band->mask_flags = NACRE_MASK_PER_DATASET | NACRE_MASK_ALPHA;
    }
    if (made->has_alpha) {
        made->base.alpha_band = made->base.band_count;
        made->base.bands[made->base.band_count - 1].color = NACRE_COLOR_ALPHA;
    }
}

/* A ramp of a text, without a file. left and top set the transform. */
static ncr_dataset *ramp_new(const char *path, ncr_file *file, const char *text)
{
    ramp *made = (ramp *)ncr_dataset_new(sizeof *made, &ramp_class, path, file, (int)ramp_number(text, "bands", 1));
    assert_non_null(made);
    made->base.width = (int)ramp_number(text, "w", 4);
    made->base.height = (int)ramp_number(text, "h", 3);
    made->start = ramp_number(text, "base", 0);
    made->has_mask = ramp_number(text, "mask", 0) != 0;
    made->has_alpha = ramp_number(text, "alpha", 0) != 0;
    double res = ramp_number(text, "res", 1);
    made->base.has_transform = true;
    made->base.transform = (nacre_transform){res,  ramp_number(text, "turn", 0), ramp_number(text, "left", 0), 0,
                                             -res, ramp_number(text, "top", 0)};
    ramp_set_bands(made, text);
    return &made->base;
}

typedef struct ramp_open {
    ncr_plan plan;
    const ncr_open_request *request;
    ncr_dataset **out;
} ramp_open;

static bool ramp_probe(const ncr_open_request *request)
{
    const ncr_slice *head = request->file ? ncr_file_head(request->file) : NULL;
    return head && head->size >= 4 && memcmp(head->data, "RAMP", 4) == 0;
}

static nacre_status ramp_open_compose(ncr_plan *plan, nacre_error *err)
{
    (void)err;
    ramp_open *open = (ramp_open *)plan;
    const ncr_slice *head = ncr_file_head(open->request->file);
    char text[256] = {0};
    memcpy(text, head->data, head->size < sizeof text - 1 ? head->size : sizeof text - 1);
    *open->out = ramp_new(open->request->path, open->request->file, text);
    atomic_fetch_add(&ramp_opens, 1);
    return NACRE_OK;
}

static nacre_status ramp_plan_open(const ncr_open_request *request, ncr_call *call, ncr_dataset **dataset_out,
                                   ncr_plan **out, nacre_error *err)
{
    static const ncr_plan_class class = {.step = ramp_step, .compose = ramp_open_compose, .free = ramp_free};
    ramp_open *open = ncr_plan_new(sizeof *open, &class, call);
    if (!open)
        return ncr_error_memory(err);
    open->request = request;
    open->out = dataset_out;
    *out = &open->plan;
    return NACRE_OK;
}

static const ncr_driver ramp_driver = {"RAMP", ramp_probe, ramp_plan_open};

static inline int ramp_set_up(void **state)
{
    (void)state;
    ncr_driver_register(&ncr_vrt_driver);
    ncr_driver_register(&ramp_driver);
    return 0;
}

/* --- Short forms for tests; each fails the test where it cannot be done. --- */

static inline void put_text(ncr_call *call, const char *path, const char *text)
{
    mem_put(call, path, text, strlen(text));
}

static inline ncr_dataset *opened(ncr_call *call, const char *path)
{
    ncr_dataset *dataset = NULL;
    nacre_error err = {0};
    if (ncr_dataset_open(path, NULL, call, &dataset, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return dataset;
}

/* A VRT of one band of w x h uint8 with these sources, at mem://v/v.vrt. */
static inline ncr_dataset *opened_band(ncr_call *call, int w, int h, const char *band_attributes, const char *inside)
{
    char *text = ncr_text_format("<VRTDataset rasterXSize=\"%d\" rasterYSize=\"%d\"><VRTRasterBand dataType=\"Byte\" "
                                 "band=\"1\"%s>%s</VRTRasterBand></VRTDataset>",
                                 w, h, band_attributes, inside);
    put_text(call, "mem://v/v.vrt", text);
    free(text);
    return opened(call, "mem://v/v.vrt");
}

static inline nacre_status read_scaled(ncr_call *call, ncr_dataset *dataset, nacre_window window, int width, int height,
                                       nacre_dtype dtype, const int *bands, int band_count, void *buffer,
                                       nacre_error *err)
{
    ptrdiff_t size = (ptrdiff_t)ncr_dtype_size(dtype);
    ncr_scaled_request request = {
        .window = window,
        .out_width = width,
        .out_height = height,
        .to = {.bands = bands,
               .band_count = band_count,
               .mask = !bands,
               .dtype = dtype,
               .buffer = buffer,
               .pixel_stride = size,
               .row_stride = size * width,
               .band_stride = size * width * height},
    };
    ncr_plan *plan;
    nacre_status status = ncr_dataset_plan_scaled(dataset, &request, call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}

/* All of band 1 in its own size as doubles. */
static inline void read_all(ncr_call *call, ncr_dataset *dataset, double *out)
{
    nacre_error err = {0};
    nacre_window all = {0, 0, dataset->width, dataset->height};
    if (read_scaled(call, dataset, all, dataset->width, dataset->height, NACRE_DTYPE_FLOAT64, (int[]){1}, 1, out,
                    &err) != NACRE_OK)
        fail_msg("%s", err.message);
}

static inline void expect_row(const double *row, const double *expected, int count)
{
    for (int i = 0; i < count; i++)
        if (!(row[i] == expected[i] || (isnan(row[i]) && isnan(expected[i]))))
            fail_msg("at %d: %g, not %g", i, row[i], expected[i]);
}

#endif
