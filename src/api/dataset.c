/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/dataset.h>

#include "api/drivers.h"
#include "api/future.h"
#include "raster/dataset.h"
#include "raster/refresh.h"

nacre_status nacre_dataset_open(const char *path, const nacre_open_options *open_options,
                                const nacre_io_options *options, nacre_dataset **out, nacre_error *err)
{
    *out = NULL;
    if (!path || !*path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "open: no path is given");
    ncr_drivers_register();
    ncr_call *call = NULL;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_dataset_open(path, open_options ? open_options->drivers : NULL, call, out, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

nacre_status nacre_dataset_open_start(const char *path, const nacre_open_options *open_options,
                                      const nacre_io_options *options, nacre_dataset **out, nacre_future **future,
                                      nacre_error *err)
{
    nacre_future *f = NULL;
    *out = NULL;
    *future = NULL;
    if (!path || !*path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "open: no path is given");
    ncr_drivers_register();
    nacre_status status = ncr_future_new(options, &f, err);
    if (status != NACRE_OK)
        return status;
    ncr_open_request request = {.path = path, .drivers = open_options ? open_options->drivers : NULL};
    f->out = out;
    status = ncr_dataset_plan_open(&request, f->call, out, &f->plan, err);
    if (status != NACRE_OK) {
        ncr_future_clear(f);
        return status;
    }
    ncr_future_start(f, future);
    return NACRE_OK;
}

nacre_status nacre_dataset_refresh(nacre_dataset *dataset, const nacre_open_options *open_options,
                                   const nacre_io_options *options, nacre_dataset **out, nacre_error *err)
{
    *out = NULL;
    ncr_call *call = NULL;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    call->proves_again = true;
    status = ncr_dataset_refresh(dataset, open_options ? open_options->drivers : NULL, call, out, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

nacre_status nacre_dataset_check_alike(const nacre_dataset *was, const nacre_dataset *now, nacre_error *err)
{
    return ncr_dataset_check_alike(was, now, err);
}

nacre_dataset *nacre_dataset_ref(nacre_dataset *dataset)
{
    return ncr_dataset_ref(dataset);
}

void nacre_dataset_close(nacre_dataset *dataset)
{
    ncr_dataset_unref(dataset);
}

void nacre_dataset_info_get(const nacre_dataset *dataset, nacre_dataset_info *out)
{
    *out = (nacre_dataset_info){
        .path = dataset->path,
        .driver = dataset->class->driver,
        .width = dataset->width,
        .height = dataset->height,
        .band_count = dataset->band_count,
        .has_transform = dataset->has_transform,
        .transform = dataset->transform,
        .crs = dataset->crs,
        .gcp_count = dataset->gcp_count,
        .gcps = dataset->gcps,
        .gcp_crs = dataset->gcp_crs,
        .compression = dataset->compression ? dataset->compression : "",
        .interleave = dataset->interleave,
        .is_tiled = dataset->is_tiled,
        .is_cog = dataset->is_cog,
        .overview_count = dataset->overview_count,
        .overviews = (const int(*)[2])dataset->overviews,
    };
}

nacre_status nacre_dataset_band_get(const nacre_dataset *dataset, int band, nacre_band_info *out, nacre_error *err)
{
    *out = (nacre_band_info){0};
    if (band < 1 || band > dataset->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no band %d: it has %d", ncr_dataset_name(dataset), band,
                             dataset->band_count);
    const ncr_band *b = &dataset->bands[band - 1];
    *out = (nacre_band_info){
        .dtype = b->dtype,
        .bits = b->bits,
        .block_width = b->block_width,
        .block_height = b->block_height,
        .nodata = b->nodata,
        .scale = b->scale,
        .offset = b->offset,
        .unit = b->unit ? b->unit : "",
        .description = b->description ? b->description : "",
        .color = b->color,
        .mask_flags = b->mask_flags,
        .color_count = b->color_count,
        .colors = b->colors,
    };
    return NACRE_OK;
}

bool nacre_dataset_metadata(const nacre_dataset *dataset, int band, size_t index, const char **domain, const char **key,
                            const char **value)
{
    *domain = *key = *value = "";
    if (band < 0 || band > dataset->band_count)
        return false;
    const ncr_metadata *metadata = band ? &dataset->bands[band - 1].metadata : &dataset->metadata;
    if (index >= metadata->count)
        return false;
    *domain = metadata->items[index].domain;
    *key = metadata->items[index].key;
    *value = metadata->items[index].value;
    return true;
}
