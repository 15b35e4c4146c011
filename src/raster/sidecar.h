/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_RASTER_SIDECAR_H
#define NCR_RASTER_SIDECAR_H

#include "raster/plan.h"

/* Files beside a raster, by the rule of docs/internals/raster.md: on local disk they are looked for one by one; on a
 * store by one listing with the object's own key as prefix; by single requests where there are no listings. */
typedef enum ncr_sidecar_kind {
    NCR_SIDECAR_OVR,
    NCR_SIDECAR_MSK,
    NCR_SIDECAR_AUX_XML,
    NCR_SIDECAR_RPC,   /* rational polynomial coefficients (.RPB, _RPC.TXT in place of the ending) */
    NCR_SIDECAR_WORLD, /* a world file: the raster's name with another ending (.tfw, .tifw, .wld) */
    NCR_SIDECAR_KINDS
} ncr_sidecar_kind;

typedef struct ncr_sidecars {
    char *paths[NCR_SIDECAR_KINDS]; /* in the spelling of the raster; NULL: there is none */
} ncr_sidecars;
void ncr_sidecars_clear(ncr_sidecars *sidecars);

/* Whether the key `sidecars` lets them be looked for at all. */
bool ncr_sidecars_are_wanted(const ncr_call *call);

/* A plan (one round) after which *out tells which sidecars the object of `file` has; those that stand in place of its
 * ending only with_replaced, and not where there are neither a local disk nor a listing, unless the key `sidecars` says
 * always. It says never: none, without a request. A listing does not tell of _RPC.TXT, whose name does not begin with
 * the raster's up to its ending. */
nacre_status ncr_sidecars_plan(ncr_file *file, bool with_replaced, ncr_call *call, ncr_sidecars *out, ncr_plan **plan,
                               nacre_error *err);

#endif
