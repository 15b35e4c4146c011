/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/view.h>

#include "api/drivers.h"
#include "api/edit.h"
#include "api/web.h"
#include "raster/save.h"
#include "vrt/vrt.h"
#include "warp/warp.h"

nacre_status nacre_view_warp(nacre_dataset *source, const nacre_warp_options *warp_options, nacre_dataset **out,
                             nacre_error *err)
{
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    *out = NULL;
    return ncr_warp_view_new(source, warp_options ? warp_options : &defaults, out, err);
}

nacre_status nacre_warp_grid(nacre_dataset *source, const nacre_warp_options *warp_options, nacre_grid *out,
                             nacre_error *err)
{
    static const nacre_warp_options defaults = NACRE_WARP_OPTIONS_INIT;
    *out = (nacre_grid){0};
    return ncr_warp_grid(source, warp_options ? warp_options : &defaults, out, err);
}

nacre_status nacre_warp_grid_of(const nacre_grid *source, const nacre_warp_options *warp_options, nacre_grid *out,
                                nacre_error *err)
{
    *out = (nacre_grid){0};
    if (!warp_options || !warp_options->src_crs || !warp_options->dst_crs)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "grid: both CRSs must be given");
    return ncr_warp_grid_of(source, warp_options, out, err);
}

nacre_status nacre_view_mosaic(nacre_dataset *const *sources, size_t count, const nacre_mosaic_options *mosaic_options,
                               nacre_dataset **out, nacre_error *err)
{
    static const nacre_mosaic_options defaults = NACRE_MOSAIC_OPTIONS_INIT;
    *out = NULL;
    if (!count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "mosaic: no source is given");
    return ncr_vrt_mosaic_new(sources, count, mosaic_options ? mosaic_options : &defaults, out, err);
}

nacre_status nacre_view_translate(nacre_dataset *source, const nacre_translate_options *translate_options,
                                  nacre_dataset **out, nacre_error *err)
{
    static const nacre_translate_options defaults = NACRE_TRANSLATE_OPTIONS_INIT;
    *out = NULL;
    return ncr_vrt_translate_new(source, translate_options ? translate_options : &defaults, out, err);
}

static nacre_status save(nacre_dataset *dataset, const char *path, const nacre_save_options *save_options,
                         ncr_call *call, nacre_error *err)
{
    const ncr_saver *saver = NULL;
    nacre_status status = ncr_saver_find(save_options->format, path, &saver, err);
    if (status != NACRE_OK)
        return status;
    ncr_object *destination = NULL;
    status = ncr_vfs_resolve(path, NULL, call, &destination, err);
    if (status != NACRE_OK)
        return status;
    ncr_save task = {
        .dataset = dataset,
        .destination = destination,
        .condition = {.absent = !save_options->overwrite},
        .creation = save_options->creation,
        .progress = save_options->progress,
        .user = save_options->user,
        .call = call,
    };
    ncr_edit_plan_overviews(&task);
    status = ncr_web_save(saver, &task, err);
    ncr_object_unref(destination);
    return status;
}

nacre_status nacre_dataset_save(nacre_dataset *dataset, const char *path, const nacre_save_options *save_options,
                                const nacre_io_options *options, nacre_error *err)
{
    static const nacre_save_options defaults = NACRE_SAVE_OPTIONS_INIT;
    if (!path || !*path)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "save: no path is given");
    ncr_drivers_register();
    ncr_call *call = NULL;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = save(dataset, path, save_options ? save_options : &defaults, call, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}
