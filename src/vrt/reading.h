/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VRT_READING_H
#define NCR_VRT_READING_H

#include "vrt/place.h"
#include "vrt/view.h"

/* A read of a view under way: what cut.c, group.c and read.c share.
 *
 * A request is cut into parts: one source under one output band. Parts of neighbouring bands that are the same
 * rectangle of the same source are one group, read by one child plan. Everything goes out together: the first round
 * opens all sources (and, around this plan, looks for the view's own sidecars); each source goes on to its pixels as
 * soon as it is open, without waiting for the others.
 *
 * A group reads straight into the caller's buffer where nothing else is drawn on its pixels and no value has to be
 * changed; other groups read into buffers of their own, which are drawn at the end in the order of the document. */

/* Beyond so many groups none is compared with all others: they are small then, and drawn quickly. */
enum { NCR_VRT_MANY_GROUPS = 512 };

/* One source object that must be opened first. */
typedef struct ncr_vrt_opening {
    uint32_t lazy;
    ncr_plan *plan;
    bool done;
} ncr_vrt_opening;

typedef struct ncr_vrt_group {
    const ncr_vrt_source *source; /* of its first part */
    bool is_mask;                 /* reads the source's mask */
    int first_output;
    int *bands; /* of the source, one an output from first_output on */
    int band_count;
    ncr_rect bound; /* of the output; no pixel outside is written */
    bool begun, done;
    bool is_direct;
    ncr_vrt_place place; /* empty: nothing to draw */
    nacre_dtype dtype;   /* of the buffer */
    uint8_t *buffer;     /* owned; NULL where it is direct or empty */
    ptrdiff_t row_stride, band_stride;
    const ncr_dataset *dataset; /* borrowed from the lazy */
    ncr_plan *plan;
} ncr_vrt_group;

typedef struct ncr_vrt_part {
    const ncr_vrt_source *source;
    size_t group;
    int plane;         /* of the group */
    size_t mask_group; /* SIZE_MAX: none */
} ncr_vrt_part;

typedef struct ncr_vrt_read {
    ncr_plan plan;
    ncr_vrt_view *view; /* referenced */
    ncr_scaled_request request;
    int *bands;       /* owned copy of the request's */
    int output_count; /* bands, or 1 for the mask */
    bool started, filled;
    bool must_choose;     /* whether the view itself is resampled is seen when all sources are open */
    ncr_plan *resampling; /* of the view itself, instead of its groups; NULL */
    ncr_vrt_part *parts;
    size_t part_count, part_capacity;
    size_t *starts; /* of each output's parts; one more than outputs */
    ncr_vrt_group *groups;
    size_t group_count, group_capacity;
    ncr_vrt_opening *openings;
    size_t opening_count;
} ncr_vrt_read;

/* Of an output: its layer, the type of its band, and the address of a pixel. */
ncr_vrt_layer *ncr_vrt_read_layer_of(const ncr_vrt_read *read, int output);
nacre_dtype ncr_vrt_read_dtype_of(const ncr_vrt_read *read, int output);
uint8_t *ncr_vrt_read_output_at(const ncr_vrt_read *read, int output, int64_t x, int64_t y);

/* Cuts the request into parts, groups and openings. */
nacre_status ncr_vrt_read_cut(ncr_vrt_read *read, nacre_error *err);

/* Gives every pixel of the output the value of none, once. */
void ncr_vrt_read_fill(ncr_vrt_read *read);
/* Whether a group alone writes every pixel of the output when it writes rect. */
bool ncr_vrt_group_covers(const ncr_vrt_read *read, const ncr_vrt_group *group, const ncr_rect *rect);
/* Finds where an open source lies, and makes its child plan; done where there is nothing to see of it. */
nacre_status ncr_vrt_group_begin(ncr_vrt_read *read, ncr_vrt_group *group, ncr_dataset *dataset, nacre_error *err);
/* Only the place; false: nothing is to be seen. */
bool ncr_vrt_group_place(const ncr_vrt_read *read, const ncr_vrt_group *group, const ncr_dataset *dataset,
                         ncr_vrt_place *out);

#endif
