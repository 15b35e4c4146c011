/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* The C part of the extension module: what would cost more in Python, where each field of a struct that is set and each
 * call takes as long as the read of a few hundred cached pixels. Included by the source that build_ffi.py writes. */

#include <nacre/nacre.h>

/* A read that was started. */
typedef struct nacre_py_started {
    nacre_future *future; /* NULL: it has ended, or failed */
    nacre_error error;    /* of what has failed */
} nacre_py_started;

enum { KIND_VALUES, KIND_MASKS, KIND_DATASET_MASK };

/* What the calls of a thread leave for it to ask for, where there is something: Python's objects for such a struct cost
 * more than most reads. */
static _Thread_local nacre_py_started started_of_thread;

static nacre_py_started *nacre_py_started_of_thread(void)
{
    return &started_of_thread;
}

#define NACRE_PY_GOES_ON (-1) /* no status */

/* Fills options in. */
static void nacre_py_read_options(nacre_read_options *out, double x, double y, double width, double height,
                                  int out_width, int out_height, const int *bands, int band_count, int dtype,
                                  int resampling, int kind, bool boundless, bool has_fill, double fill)
{
    *out = (nacre_read_options){.size = sizeof *out,
                                .window = {x, y, width, height},
                                .out_width = out_width,
                                .out_height = out_height,
                                .bands = bands,
                                .band_count = band_count,
                                .dtype = (nacre_dtype)dtype,
                                .resampling = (nacre_resampling)resampling,
                                .masks = kind == KIND_MASKS,
                                .dataset_mask = kind == KIND_DATASET_MASK,
                                .boundless = boundless,
                                .has_fill = has_fill,
                                .fill = fill};
}

/* nacre_dataset_read_start(); where the pixels are there at once, also its end. NACRE_OK: they are there;
 * NACRE_PY_GOES_ON: the thread's struct has the future, for who takes it; else it has the error. */
static int nacre_py_read_start(nacre_dataset *dataset, double x, double y, double width, double height, int out_width,
                               int out_height, const int *bands, int band_count, int dtype, int resampling, int kind,
                               bool boundless, bool has_fill, double fill, void *buffer, size_t buffer_size,
                               const nacre_config *config, const char *cache, bool waits)
{
    nacre_py_started *out = &started_of_thread;
    nacre_read_options options;
    nacre_py_read_options(&options, x, y, width, height, out_width, out_height, bands, band_count, dtype, resampling,
                          kind, boundless, has_fill, fill);
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.config = config;
    io.cache = cache;
    io.begins_here = waits;
    nacre_status status =
        nacre_dataset_read_start(dataset, &options, &io, buffer, buffer_size, &out->future, &out->error);
    if (status != NACRE_OK)
        return (int)status;
    if (!nacre_future_wait(out->future, 0))
        return NACRE_PY_GOES_ON;
    status = nacre_future_status(out->future, &out->error);
    nacre_future_free(out->future);
    out->future = NULL;
    return (int)status;
}
