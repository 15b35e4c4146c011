/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_VIEW_H
#define NCR_VRT_VIEW_H

#include <stdatomic.h>

#include "vrt/index.h"
#include "vrt/vrt.h"

/* A dataset whose bands are composed of parts of others: what a VRTDataset without subClass is, and what mosaics and
 * translations are made as. */

/* What a ComplexSource does to values, in this order: colour table, nodata and mask, linear or exponential scaling,
 * look-up table. */
typedef struct ncr_vrt_recipe {
    nacre_nodata nodata; /* pixels of this value are left out */
    bool use_mask;       /* and those that the source's mask says are invalid */
    bool is_linear;
    double ratio, offset; /* value * ratio + offset */
    bool is_exponential, clamp;
    double exponent, src_min, src_max, dst_min, dst_max;
    int color_component; /* 1 to 4: the value's entry in the source's colour table; 0: none */
    double (*lut)[2];    /* ascending input, output; linear in between */
    size_t lut_count;
} ncr_vrt_recipe;

typedef struct ncr_vrt_source {
    uint32_t lazy; /* index in the view */
    int band;      /* from 1 */
    bool is_mask;  /* the mask of that band */
    bool has_resampling;
    nacre_resampling resampling;
    nacre_window src;       /* of the source; width 0: all of it */
    nacre_window dst;       /* of the view */
    ncr_vrt_recipe *recipe; /* owned; NULL: a SimpleSource */
} ncr_vrt_source;

/* What one band, or the mask, is composed of; later sources lie on top. */
typedef struct ncr_vrt_layer {
    ncr_vrt_source *sources;
    size_t count, capacity;
    ncr_vrt_index *index; /* NULL: few sources */
    nacre_nodata fill;    /* pixels without a source; not set: 0. Also where the band hides it */
} ncr_vrt_layer;

typedef struct ncr_vrt_view {
    ncr_dataset base;
    ncr_lazy **lazies; /* each source once */
    size_t lazy_count, lazy_capacity;
    ncr_vrt_layer *layers; /* one a band, then that of the mask */
    bool has_mask;         /* a MaskBand of the dataset */
    int *overview_factors; /* of an OverviewList, one an overview of the dataset; NULL: none */
    nacre_resampling overview_resampling;
} ncr_vrt_view;

extern const ncr_dataset_class ncr_vrt_view_class;

/* Whether a dataset is a view. */
bool ncr_vrt_is_view(const ncr_dataset *dataset);

/* Makes the layers of a view whose bands are there. */
nacre_status ncr_vrt_view_begin(ncr_vrt_view *view, nacre_error *err);
/* Adds a lazy (referenced) and tells its index. */
nacre_status ncr_vrt_view_add_lazy(ncr_vrt_view *view, ncr_lazy *lazy, uint32_t *out, nacre_error *err);
/* Sets the block size of a band (from 0): that of `like`, or the default where like is NULL or has smaller ones. */
void ncr_vrt_view_set_block(ncr_vrt_view *view, int index, const ncr_band *like);
/* Appends a copy of source to a layer; takes over its recipe, also on failure. */
nacre_status ncr_vrt_layer_add(ncr_vrt_layer *layer, const ncr_vrt_source *source, nacre_error *err);
/* Sets the overviews from their factors (copied), each above 1. */
nacre_status ncr_vrt_view_set_overviews(ncr_vrt_view *view, const int *factors, int count, nacre_error *err);
/* Builds the indexes and sets the mask flags; after this the view is immutable. */
nacre_status ncr_vrt_view_end(ncr_vrt_view *view, nacre_error *err);

/* A view without bands' facts, for mosaics and translations; path "". */
nacre_status ncr_vrt_view_new(int width, int height, int band_count, ncr_vrt_view **out, nacre_error *err);

/* Reads and writes the sources of a view and its MaskBand; the rest is common. */
nacre_status ncr_vrt_view_read(const ncr_xml *root, const ncr_vrt_document *document, ncr_file *file, ncr_dataset **out,
                               nacre_error *err);
nacre_status ncr_vrt_view_write(const ncr_vrt_view *view, const ncr_vrt_document *document, ncr_xml *root,
                                nacre_error *err);

/* The class's functions: read.c. */
nacre_status ncr_vrt_view_plan_read(ncr_dataset *dataset, const ncr_read_request *request, ncr_call *call,
                                    ncr_plan **out, nacre_error *err);
nacre_status ncr_vrt_view_plan_scaled(ncr_dataset *dataset, const ncr_scaled_request *request, ncr_call *call,
                                      ncr_plan **out, nacre_error *err);

#endif
