/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <nacre/edit.h>
#include <stdlib.h>
#include <string.h>

#include "api/drivers.h"
#include "api/edit.h"
#include "api/web.h"
#include "base/memory.h"
#include "base/text.h"
#include "raster/canvas.h"
#include "raster/dtype.h"
#include "raster/memory.h"
#include "raster/save.h"
#include "tiff/reduce.h"
#include "warp/onto.h"

/* Datasets that are made or changed: a canvas, and what its commit needs. */

/* The owner of a canvas. */
typedef struct edit {
    const ncr_saver *saver;
    char **creation; /* owned, NULL-terminated; NULL: none */
    bool overwrite, is_update, is_committed;
    int *factors; /* of overviews to make */
    int factor_count;
    nacre_resampling resampling;
} edit;

static void free_edit(void *user)
{
    edit *e = user;
    for (size_t i = 0; e && e->creation && e->creation[i]; i++)
        free(e->creation[i]);
    if (e) {
        free(e->creation);
        free(e->factors);
    }
    free(e);
}

static nacre_status copy_creation(edit *e, const char *const *creation, nacre_error *err)
{
    size_t count = 0;
    while (creation && creation[count])
        count++;
    e->creation = ncr_alloc_array(count + 1, sizeof *e->creation);
    if (!e->creation)
        return ncr_error_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!(e->creation[i] = ncr_text_copy(creation[i])))
            return ncr_error_memory(err);
    return NACRE_OK;
}

/* The canvas of a dataset that may be changed, with its owner. */
static nacre_status find_edit(nacre_dataset *dataset, ncr_canvas **canvas, edit **e, nacre_error *err)
{
    *canvas = ncr_canvas_of(dataset);
    *e = *canvas ? (*canvas)->owner : NULL;
    if (!*canvas)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it was opened for reading", ncr_dataset_name(dataset));
    if (*e && (*e)->is_committed)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it was committed, and can only be read",
                             ncr_dataset_name(dataset));
    return NACRE_OK;
}

/* --- Beginning --- */

bool nacre_creation_option_exists(const char *format, const char *name)
{
    const ncr_saver *saver = NULL;
    ncr_drivers_register();
    if (!format || !name || !*name || ncr_saver_find(format, "", &saver, NULL) != NACRE_OK)
        return false;
    for (const char *const *option = saver->options; option && *option; option++)
        if (ncr_text_equal_nocase(*option, name))
            return true;
    return !strcmp(saver->format, "COG") && ncr_web_has_option(name);
}

static nacre_status check_size(const char *name, int width, int height, int band_count, nacre_dtype dtype,
                               nacre_error *err)
{
    if (width < 1 || height < 1 || band_count < 1 || band_count > UINT16_MAX)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a raster of %d x %d pixels and %d bands", name, width,
                             height, band_count);
    if (!ncr_dtype_size(dtype))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown data type %d", name, (int)dtype);
    return NACRE_OK;
}

/* What the saver is given; the destination is to be released. */
static nacre_status begin_save(nacre_dataset *dataset, const edit *e, ncr_call *call, ncr_save *out, nacre_error *err)
{
    *out = (ncr_save){.dataset = dataset,
                      .condition = {.absent = !e->overwrite && !e->is_update},
                      .creation = (const char *const *)e->creation,
                      .call = call,
                      .is_update = e->is_update,
                      .overview_factors = e->factors,
                      .overview_count = e->factor_count,
                      .overview_resampling = e->resampling};
    if (e->is_update)
        out->condition.version = &ncr_file_facts(dataset->file)->version;
    return ncr_vfs_resolve(dataset->path, NULL, call, &out->destination, err);
}

/* Asks the saver what the file will be like; without `blocks` the dataset is only described. */
static nacre_status describe(nacre_dataset *dataset, const edit *e, ncr_call *call, ncr_save_form *form,
                             nacre_error *err)
{
    ncr_save save;
    *form = (ncr_save_form){0};
    nacre_status status = begin_save(dataset, e, call, &save, err);
    if (status == NACRE_OK)
        status = ncr_save_check_destination(&save, err);
    if (status == NACRE_OK)
        status = ncr_web_describe(e->saver, &save, form, err);
    ncr_object_unref(save.destination);
    return status;
}

static nacre_status make_canvas(const char *path, int width, int height, int band_count, nacre_dtype dtype, edit *e,
                                ncr_call *call, ncr_canvas **out, nacre_error *err)
{
    ncr_canvas *first = NULL;
    ncr_save_form form = {0};
    *out = NULL;
    nacre_status status = ncr_canvas_new(path, width, height, band_count, dtype, width, 1, &first, err);
    if (status == NACRE_OK)
        status = describe(&first->base, e, call, &form, err);
    if (first)
        ncr_dataset_unref(&first->base);
    if (status != NACRE_OK)
        return status;
    status = ncr_canvas_new(path, width, height, band_count, dtype, form.block_width ? form.block_width : width,
                            form.block_height ? form.block_height : 1, out, err);
    if (status != NACRE_OK)
        return status;
    nacre_dataset *dataset = &(*out)->base;
    dataset->is_tiled = form.is_tiled;
    dataset->interleave = form.interleave ? form.interleave : "";
    dataset->compression = ncr_text_copy(form.compression ? form.compression : "");
    (*out)->is_changed = true;
    return dataset->compression ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status create(const char *path, int width, int height, int band_count, nacre_dtype dtype,
                           const nacre_create_options *create_options, ncr_call *call, nacre_dataset **out,
                           nacre_error *err)
{
    edit *e = calloc(1, sizeof *e);
    ncr_canvas *canvas = NULL;
    nacre_status status = e ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK) {
        e->overwrite = create_options->overwrite;
        status = ncr_saver_find(create_options->format, path, &e->saver, err);
    }
    if (status == NACRE_OK)
        status = copy_creation(e, create_options->creation, err);
    if (status == NACRE_OK)
        status = make_canvas(path, width, height, band_count, dtype, e, call, &canvas, err);
    if (status == NACRE_OK) {
        canvas->owner = e;
        canvas->free_owner = free_edit;
        *out = &canvas->base;
        return NACRE_OK;
    }
    free_edit(e);
    if (canvas)
        ncr_dataset_unref(&canvas->base);
    return status;
}

nacre_status nacre_dataset_create(const char *path, int width, int height, int band_count, nacre_dtype dtype,
                                  const nacre_create_options *create_options, const nacre_io_options *options,
                                  nacre_dataset **out, nacre_error *err)
{
    static const nacre_create_options defaults = NACRE_CREATE_OPTIONS_INIT;
    *out = NULL;
    if (!path || !*path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "create: no path is given");
    nacre_status status = check_size(path, width, height, band_count, dtype, err);
    if (status != NACRE_OK)
        return status;
    ncr_drivers_register();
    ncr_call *call = NULL;
    status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status =
        create(path, width, height, band_count, dtype, create_options ? create_options : &defaults, call, out, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

static nacre_status update(nacre_dataset *below, ncr_call *call, nacre_dataset **out, nacre_error *err)
{
    ncr_canvas *canvas = NULL;
    ncr_save_form form;
    if (!below->file || strcmp(below->class->driver, "GTiff") != 0)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: a %s cannot be updated", ncr_dataset_name(below),
                             below->class->driver);
    nacre_status status = ncr_canvas_over(below, &canvas, err);
    if (status != NACRE_OK)
        return status;
    edit *e = calloc(1, sizeof *e);
    canvas->owner = e;
    canvas->free_owner = free_edit;
    status = e ? ncr_saver_find("GTiff", NULL, &e->saver, err) : ncr_error_memory(err);
    if (status == NACRE_OK) {
        e->is_update = true;
        status = describe(&canvas->base, e, call, &form, err);
    }
    if (status == NACRE_OK)
        *out = &canvas->base;
    else
        ncr_dataset_unref(&canvas->base);
    return status;
}

nacre_status nacre_dataset_update(const char *path, const nacre_open_options *open_options,
                                  const nacre_io_options *options, nacre_dataset **out, nacre_error *err)
{
    nacre_dataset *below = NULL;
    ncr_call *call = NULL;
    *out = NULL;
    nacre_status status = nacre_dataset_open(path, open_options, options, &below, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status == NACRE_OK) {
        status = update(below, call, out, err);
        ncr_call_report(call, options);
    }
    ncr_call_unref(call);
    ncr_dataset_unref(below);
    return status;
}

nacre_status nacre_dataset_from_memory(int width, int height, int band_count, nacre_dtype dtype, const void *pixels,
                                       ptrdiff_t pixel_stride, ptrdiff_t row_stride, ptrdiff_t band_stride,
                                       nacre_dataset **out, nacre_error *err)
{
    ncr_dataset *below = NULL;
    ncr_canvas *canvas = NULL;
    *out = NULL;
    nacre_status status = check_size("memory", width, height, band_count, dtype, err);
    if (status != NACRE_OK)
        return status;
    if (!pixel_stride && !row_stride && !band_stride) {
        pixel_stride = (ptrdiff_t)ncr_dtype_size(dtype);
        row_stride = pixel_stride * width;
        band_stride = row_stride * height;
    }
    status = ncr_memory_dataset_new(width, height, band_count, dtype, pixels, pixel_stride, row_stride, band_stride,
                                    &below, err);
    if (status == NACRE_OK)
        status = ncr_canvas_over(below, &canvas, err);
    *out = canvas ? &canvas->base : NULL;
    ncr_dataset_unref(below);
    return status;
}

/* --- Writing --- */

static nacre_status find_rect(const nacre_dataset *dataset, const nacre_window *window, ncr_rect *out, nacre_error *err)
{
    nacre_window w = *window;
    if (w.x == 0 && w.y == 0 && w.width == 0 && w.height == 0)
        w = (nacre_window){0, 0, dataset->width, dataset->height};
    bool is_whole = w.x == floor(w.x) && w.y == floor(w.y) && w.width == floor(w.width) && w.height == floor(w.height);
    if (!is_whole || !(w.x >= 0) || !(w.y >= 0) || !(w.width >= 1) || !(w.height >= 1) ||
        !(w.x + w.width <= dataset->width) || !(w.y + w.height <= dataset->height))
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: window %g,%g,%g,%g is not of whole pixels inside the raster of %dx%d",
                             ncr_dataset_name(dataset), w.x, w.y, w.width, w.height, dataset->width, dataset->height);
    *out = (ncr_rect){(int64_t)w.x, (int64_t)w.y, (int64_t)w.width, (int64_t)w.height};
    return NACRE_OK;
}

/* Adds (count - 1) * stride to *size; false: overflow, or a stride that is not positive. */
static bool add_extent(size_t *size, int64_t count, ptrdiff_t stride)
{
    size_t extent;
    if (count <= 1)
        return true;
    return stride > 0 && ncr_size_mul((size_t)(count - 1), (size_t)stride, &extent) &&
           ncr_size_add(*size, extent, size);
}

static nacre_status check_buffer(const nacre_dataset *dataset, ncr_write_request *r, size_t buffer_size,
                                 nacre_error *err)
{
    size_t value = ncr_dtype_size(r->dtype), needed = value;
    if (!r->pixel_stride && !r->row_stride && !r->band_stride) {
        r->pixel_stride = (ptrdiff_t)value;
        r->row_stride = r->pixel_stride * (ptrdiff_t)r->window.width;
        r->band_stride = r->row_stride * (ptrdiff_t)r->window.height;
    }
    bool fits = add_extent(&needed, r->window.width, r->pixel_stride) &&
                add_extent(&needed, r->window.height, r->row_stride) &&
                add_extent(&needed, r->band_count, r->band_stride);
    if (fits && r->buffer && needed <= buffer_size)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: the buffer has %zu bytes, and %zu are needed",
                         ncr_dataset_name(dataset), r->buffer ? buffer_size : 0, needed);
}

static nacre_status check_bands(const nacre_dataset *dataset, const ncr_write_request *r, nacre_error *err)
{
    for (int i = 0; i < r->band_count && !r->mask; i++)
        if (r->bands[i] < 1 || r->bands[i] > dataset->band_count)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset),
                                 r->bands[i], dataset->band_count);
    if (!ncr_dtype_size(r->dtype) || (r->mask && r->dtype != NACRE_DTYPE_UINT8))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s of data type %d", ncr_dataset_name(dataset),
                             r->mask ? "a mask" : "values", (int)r->dtype);
    return NACRE_OK;
}

static nacre_status write_pixels(ncr_canvas *canvas, const nacre_dataset_write_options *w, const void *buffer,
                                 size_t buffer_size, ncr_call *call, nacre_error *err)
{
    nacre_dataset *dataset = &canvas->base;
    bool is_all = !w->bands || w->band_count <= 0;
    int *all = is_all ? ncr_alloc_array((size_t)dataset->band_count, sizeof *all) : NULL;
    for (int i = 0; all && i < dataset->band_count; i++)
        all[i] = i + 1;
    nacre_dtype own = w->dataset_mask ? NACRE_DTYPE_UINT8 : dataset->bands[0].dtype;
    ncr_write_request r = {.bands = is_all ? all : w->bands,
                           .band_count = w->dataset_mask ? 1
                                         : is_all        ? dataset->band_count
                                                         : w->band_count,
                           .mask = w->dataset_mask,
                           .dtype = w->dtype == NACRE_DTYPE_UNKNOWN ? own : w->dtype,
                           .buffer = buffer,
                           .pixel_stride = w->pixel_stride,
                           .row_stride = w->row_stride,
                           .band_stride = w->band_stride};
    nacre_status status = is_all && !all ? ncr_error_memory(err) : find_rect(dataset, &w->window, &r.window, err);
    if (status == NACRE_OK)
        status = check_bands(dataset, &r, err);
    if (status == NACRE_OK)
        status = check_buffer(dataset, &r, buffer_size, err);
    if (status == NACRE_OK)
        status = ncr_canvas_write(canvas, &r, call, err);
    free(all);
    return status;
}

nacre_status nacre_dataset_write(nacre_dataset *dataset, const nacre_dataset_write_options *write_options,
                                 const nacre_io_options *options, const void *buffer, size_t buffer_size,
                                 nacre_error *err)
{
    static const nacre_dataset_write_options defaults = NACRE_DATASET_WRITE_OPTIONS_INIT;
    ncr_canvas *canvas;
    edit *e;
    ncr_call *call = NULL;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = write_pixels(canvas, write_options ? write_options : &defaults, buffer, buffer_size, call, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

nacre_status nacre_warp_onto(nacre_dataset *destination, nacre_dataset *source, const nacre_warp_options *warp_options,
                             nacre_progress_function progress, void *user, const nacre_io_options *options,
                             nacre_error *err)
{
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    ncr_canvas *canvas;
    edit *e;
    ncr_call *call = NULL;
    nacre_status status = find_edit(destination, &canvas, &e, err);
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_warp_onto(canvas, source, warp_options ? warp_options : &defaults, progress, user, call, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

/* --- Describing --- */

nacre_status nacre_dataset_set_crs(nacre_dataset *dataset, nacre_crs *crs, nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK)
        ncr_canvas_set_crs(canvas, crs);
    return status;
}

nacre_status nacre_dataset_set_transform(nacre_dataset *dataset, const nacre_transform *transform, nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK)
        ncr_canvas_set_transform(canvas, transform);
    return status;
}

nacre_status nacre_dataset_set_gcps(nacre_dataset *dataset, const nacre_gcp *gcps, int count, nacre_crs *crs,
                                    nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK && (count < 0 || (count && !gcps)))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %d control points", ncr_dataset_name(dataset), count);
    return status == NACRE_OK ? ncr_canvas_set_gcps(canvas, gcps, count, crs, err) : status;
}

static nacre_status check_band(const nacre_dataset *dataset, int band, int lowest, nacre_error *err)
{
    if (band >= lowest && band <= dataset->band_count)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset), band,
                         dataset->band_count);
}

nacre_status nacre_dataset_set_metadata(nacre_dataset *dataset, int band, const char *domain, const char *key,
                                        const char *value, nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK)
        status = check_band(dataset, band, 0, err);
    return status == NACRE_OK ? ncr_canvas_set_metadata(canvas, band, domain ? domain : "", key ? key : "", value, err)
                              : status;
}

nacre_status nacre_dataset_set_band(nacre_dataset *dataset, int band, unsigned which, const nacre_band_info *values,
                                    nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK)
        status = check_band(dataset, band, 1, err);
    return status == NACRE_OK ? ncr_canvas_set_band(canvas, band, which, values, err) : status;
}

static nacre_status check_overviews(const nacre_dataset *dataset, const int *factors, int count,
                                    nacre_resampling resampling, nacre_error *err)
{
    if (!ncr_reduce_can(resampling) || count < 1 || count > 30)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %d overviews by resampling %d", ncr_dataset_name(dataset),
                             count, (int)resampling);
    for (int i = 0; i < count; i++)
        if (factors[i] < 2)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: an overview reduced by %d", ncr_dataset_name(dataset),
                                 factors[i]);
    return NACRE_OK;
}

nacre_status nacre_dataset_build_overviews(nacre_dataset *dataset, const int *factors, int count,
                                           nacre_resampling resampling, nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK && !e)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it is in memory", ncr_dataset_name(dataset));
    if (status == NACRE_OK)
        status = check_overviews(dataset, factors, count, resampling, err);
    if (status != NACRE_OK)
        return status;
    int *copy = ncr_alloc_array((size_t)count, sizeof *copy);
    if (!copy)
        return ncr_error_memory(err);
    memcpy(copy, factors, (size_t)count * sizeof *copy);
    free(e->factors);
    e->factors = copy;
    e->factor_count = count;
    e->resampling = resampling;
    canvas->is_changed = true;
    return NACRE_OK;
}

static nacre_status save_overviews(ncr_save *save, const char *path, const nacre_save_options *save_options,
                                   nacre_error *err)
{
    const ncr_saver *saver = NULL;
    size_t count = 0;
    while (save_options->creation && save_options->creation[count])
        count++;
    const char **creation = ncr_alloc_array(count + 2, sizeof *creation);
    if (!creation)
        return ncr_error_memory(err);
    creation[0] = "TILED=YES"; /* a later one counts */
    for (size_t i = 0; i < count; i++)
        creation[i + 1] = save_options->creation[i];
    save->creation = creation;
    nacre_status status = ncr_saver_find("GTiff", path, &saver, err);
    if (status == NACRE_OK)
        status = ncr_vfs_resolve(path, NULL, save->call, &save->destination, err);
    if (status == NACRE_OK)
        status = saver->save(save, err);
    ncr_object_unref(save->destination);
    free(creation);
    return status;
}

void ncr_edit_plan_overviews(ncr_save *save)
{
    const ncr_canvas *canvas = ncr_canvas_of(save->dataset);
    const edit *e = canvas ? canvas->owner : NULL;
    if (!e || e->is_committed || !e->factor_count)
        return;
    save->overview_factors = e->factors;
    save->overview_count = e->factor_count;
    save->overview_resampling = e->resampling;
    save->overviews_are_own = true;
}

nacre_status nacre_dataset_save_overviews(nacre_dataset *dataset, const char *path, const int *factors, int count,
                                          nacre_resampling resampling, const nacre_save_options *save_options,
                                          const nacre_io_options *options, nacre_error *err)
{
    static const nacre_save_options defaults = NACRE_SAVE_OPTIONS_INIT;
    const nacre_save_options *wanted = save_options ? save_options : &defaults;
    ncr_call *call = NULL;
    if (!path || !*path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "save: no path is given");
    if (ncr_dataset_has_own_masks(dataset) ||
        (dataset->band_count && dataset->bands[0].mask_flags == NACRE_MASK_PER_DATASET))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED,
                             "%s: it has a mask, which overviews beside a file would be without: make them inside it",
                             ncr_dataset_name(dataset));
    nacre_status status = check_overviews(dataset, factors, count, resampling, err);
    ncr_drivers_register();
    if (status == NACRE_OK)
        status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    ncr_save save = {.dataset = dataset,
                     .condition = {.absent = !wanted->overwrite},
                     .progress = wanted->progress,
                     .user = wanted->user,
                     .call = call,
                     .overview_factors = factors,
                     .overview_count = count,
                     .overview_resampling = resampling,
                     .overviews_only = true};
    status = save_overviews(&save, path, wanted, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

/* --- Commit --- */

static nacre_status commit(nacre_dataset *dataset, const edit *e, nacre_progress_function progress, void *user,
                           ncr_call *call, nacre_error *err)
{
    ncr_save save;
    nacre_status status = begin_save(dataset, e, call, &save, err);
    save.progress = progress;
    save.user = user;
    if (status == NACRE_OK)
        status = ncr_web_save(e->saver, &save, err);
    ncr_object_unref(save.destination);
    return status;
}

/* What was updated is another version now. Where it cannot be opened again, reading it says why: the commit is done. */
static void open_again(ncr_canvas *canvas, ncr_call *call)
{
    static const char *const drivers[] = {"GTiff", NULL};
    ncr_dataset *fresh = NULL;
    nacre_status status = ncr_dataset_open(canvas->base.path, drivers, call, &fresh, NULL);
    canvas->stale = status == NACRE_OK ? ncr_canvas_settle(canvas, fresh, NULL) : status;
    ncr_dataset_unref(fresh);
}

nacre_status nacre_dataset_commit(nacre_dataset *dataset, nacre_progress_function progress, void *user,
                                  const nacre_io_options *options, nacre_error *err)
{
    ncr_canvas *canvas;
    edit *e;
    ncr_call *call = NULL;
    nacre_status status = find_edit(dataset, &canvas, &e, err);
    if (status == NACRE_OK && !e)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it is in memory: save it somewhere",
                             ncr_dataset_name(dataset));
    if (status == NACRE_OK && canvas->is_changed) {
        status = ncr_call_new(options, &call, err);
        if (status == NACRE_OK) {
            status = commit(dataset, e, progress, user, call, err);
            if (status == NACRE_OK && e->is_update)
                open_again(canvas, call);
            ncr_call_report(call, options);
            ncr_call_unref(call);
        }
    }
    if (status == NACRE_OK)
        e->is_committed = true;
    return status;
}
