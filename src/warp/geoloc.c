/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "warp/geoloc.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "vfs/path.h"
#include "warp/geoloc_index.h"

typedef struct {
    ncr_georef base; /* first */
    ncr_geoloc_spec spec;
    _Atomic(ncr_geoloc_index *) index; /* NULL: not loaded yet */
} geoloc;

void ncr_geoloc_spec_clear(ncr_geoloc_spec *spec)
{
    ncr_lazy_unref(spec->sources[0]);
    ncr_lazy_unref(spec->sources[1]);
    free(spec->crs);
    *spec = (ncr_geoloc_spec){0};
}

/* --- Reading --- */

static nacre_status bad_item(const ncr_geoloc_place *place, const char *key, const char *text, nacre_error *err)
{
    if (!text)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: its geolocation arrays lack %s", place->name, key);
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: %s of its geolocation arrays is \"%.60s\"", place->name, key,
                         text);
}

typedef struct {
    const ncr_geoloc_place *place;
    const char *(*text_of)(void *user, const char *key);
    void *user;
} reader;

static nacre_status read_number(const reader *r, const char *key, double *out, nacre_error *err)
{
    const char *text = r->text_of(r->user, key);
    if (!text || !ncr_text_to_double(text, out) || !isfinite(*out))
        return bad_item(r->place, key, text, err);
    return NACRE_OK;
}

static bool is_yes(const reader *r, const char *key)
{
    bool yes = false;
    const char *text = r->text_of(r->user, key);
    return text && ncr_text_to_bool(text, &yes) && yes;
}

static nacre_status read_source(const reader *r, int axis, ncr_lazy **out, nacre_error *err)
{
    static const char *const datasets[] = {"X_DATASET", "Y_DATASET"};
    static const char *const relative[] = {"X_DATASET_RELATIVE_TO_SOURCE", "Y_DATASET_RELATIVE_TO_SOURCE"};
    const ncr_geoloc_place *place = r->place;
    const char *path = r->text_of(r->user, datasets[axis]);
    char *joined = NULL;
    bool is_own = !path || (place->path && strcmp(path, place->path) == 0);
    if (is_own && place->dataset) {
        *out = ncr_lazy_of(place->dataset);
        return *out ? NACRE_OK : ncr_error_memory(err);
    }
    if (!path && !place->path)
        return bad_item(place, datasets[axis], NULL, err);
    if (path && is_yes(r, relative[axis]) && place->path) {
        nacre_status status = ncr_path_join(place->path, path, &joined, err);
        if (status)
            return status;
    }
    ncr_open_request request = {.path = joined ? joined
                                        : path ? path
                                               : place->path,
                                .document = place->document,
                                .depth = place->depth + 1,
                                .pins = place->pins};
    *out = ncr_lazy_new(&request);
    free(joined);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status read_axis(const reader *r, int axis, ncr_geoloc_spec *spec, nacre_error *err)
{
    static const char *const bands[] = {"X_BAND", "Y_BAND"}, *const offsets[] = {"PIXEL_OFFSET", "LINE_OFFSET"},
                             *const steps[] = {"PIXEL_STEP", "LINE_STEP"};
    const char *text = r->text_of(r->user, bands[axis]);
    if (!text || !ncr_text_to_int(text, &spec->bands[axis]))
        return bad_item(r->place, bands[axis], text, err);
    spec->bands[axis] = spec->bands[axis] < 1 ? 1 : spec->bands[axis];
    nacre_status status = read_number(r, offsets[axis], &spec->offset[axis], err);
    if (!status)
        status = read_number(r, steps[axis], &spec->step[axis], err);
    if (!status && spec->step[axis] == 0)
        status = bad_item(r->place, steps[axis], r->text_of(r->user, steps[axis]), err);
    return status ? status : read_source(r, axis, &spec->sources[axis], err);
}

nacre_status ncr_geoloc_read(const ncr_geoloc_place *place, const char *(*text_of)(void *user, const char *key),
                             void *user, ncr_geoloc_spec *spec, nacre_error *err)
{
    reader r = {place, text_of, user};
    const char *convention = text_of(user, "GEOREFERENCING_CONVENTION"), *crs = text_of(user, "SRS");
    *spec = (ncr_geoloc_spec){0};
    spec->is_centre = convention && !ncr_text_equal_nocase(convention, "TOP_LEFT_CORNER");
    spec->swaps = is_yes(&r, "SWAP_XY");
    spec->crs = ncr_text_copy(crs);
    nacre_status status = crs && !spec->crs ? ncr_error_memory(err) : NACRE_OK;
    for (int axis = 0; axis < 2 && !status; axis++)
        status = read_axis(&r, axis, spec, err);
    if (status)
        ncr_geoloc_spec_clear(spec);
    return status;
}

/* --- The georef --- */

static nacre_status run(const ncr_georef *georef, bool to_pixels, size_t count, double *x, double *y, nacre_error *err)
{
    (void)err;
    const geoloc *g = (const geoloc *)georef;
    const ncr_geoloc_spec *spec = &g->spec;
    const ncr_geoloc_index *index = atomic_load(&g->index);
    double convention = spec->is_centre ? 0.5 : 0;
    for (size_t i = 0; i < count; i++) {
        double from[2] = {x[i], y[i]}, to[2];
        bool found = from[0] != HUGE_VAL;
        if (found && to_pixels) {
            bool swaps = spec->swaps;
            found = ncr_geoloc_index_find(index, from[swaps], from[!swaps], &to[0], &to[1]);
            for (int axis = 0; axis < 2 && found; axis++)
                to[axis] = (to[axis] + convention) * spec->step[axis] + spec->offset[axis];
        } else if (found) {
            for (int axis = 0; axis < 2; axis++)
                from[axis] = (from[axis] - spec->offset[axis]) / spec->step[axis] - convention;
            found = ncr_geoloc_index_place(index, from[0], from[1], &to[spec->swaps], &to[!spec->swaps]);
        }
        x[i] = found ? to[0] : HUGE_VAL;
        y[i] = found ? to[1] : HUGE_VAL;
    }
    return NACRE_OK;
}

/* Around the arrays, as far as their squares reach. */
static bool edge(const ncr_georef *georef, size_t index, double *column, double *row)
{
    const geoloc *g = (const geoloc *)georef;
    size_t width, height;
    ncr_geoloc_index_size(atomic_load(&g->index), &width, &height);
    double convention = g->spec.is_centre ? 0.5 : 0, at[2];
    size_t along = 2 * (width + 1), beside = 2 * (height + 1);
    if (index >= along + beside)
        return false;
    int axis = index < along ? 0 : 1;
    index -= axis ? along : 0;
    size_t step = index / 2;
    at[axis] = (double)step;
    at[!axis] = (index % 2 ? (double)(axis ? width : height) : 0) - convention;
    *column = (at[0] + convention) * g->spec.step[0] + g->spec.offset[0];
    *row = (at[1] + convention) * g->spec.step[1] + g->spec.offset[1];
    return true;
}

static void free_geoloc(ncr_georef *georef)
{
    geoloc *g = (geoloc *)georef;
    ncr_geoloc_index_free(atomic_load(&g->index));
    ncr_geoloc_spec_clear(&g->spec);
    free(g);
}

static nacre_status choose(ncr_georef *georef, int index, ncr_patch *patch, nacre_error *err)
{
    const ncr_dataset *dataset = patch->dataset;
    int band = ((geoloc *)georef)->spec.bands[index];
    if (band > dataset->band_count)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: it has no band %d, which holds a geolocation array",
                             ncr_dataset_name(dataset), band);
    patch->band = band;
    patch->window = (ncr_rect){0, 0, dataset->width, dataset->height};
    return NACRE_OK;
}

static nacre_status finish(ncr_georef *georef, ncr_patch *patches, nacre_error *err)
{
    geoloc *g = (geoloc *)georef;
    ncr_geoloc_index *index = NULL, *none = NULL;
    nacre_status status = ncr_geoloc_index_new(patches, g->spec.is_centre, g->spec.is_round, &index, err);
    if (status || !atomic_compare_exchange_strong(&g->index, &none, index))
        ncr_geoloc_index_free(index);
    return status;
}

static nacre_status plan_load(ncr_georef *georef, ncr_call *call, ncr_plan **out, nacre_error *err)
{
    geoloc *g = (geoloc *)georef;
    *out = NULL;
    if (atomic_load(&g->index))
        return NACRE_OK;
    ncr_patch_loading loading = {.georef = georef,
                                 .sources = {g->spec.sources[0], g->spec.sources[1]},
                                 .count = 2,
                                 .choose = choose,
                                 .finish = finish};
    return ncr_patch_plan_load(&loading, call, out, err);
}

static void tell_sources(ncr_georef *georef,
                         void (*function)(void *user, const char *path, const char *version, const char *snapshot),
                         void *user)
{
    const ncr_geoloc_spec *spec = &((const geoloc *)georef)->spec;
    ncr_lazy_sources(spec->sources[0], function, user);
    if (strcmp(ncr_lazy_path(spec->sources[0]), ncr_lazy_path(spec->sources[1])) != 0)
        ncr_lazy_sources(spec->sources[1], function, user);
}

static const ncr_georef_class geoloc_class = {
    .run = run, .free = free_geoloc, .plan_load = plan_load, .edge = edge, .sources = tell_sources};

nacre_status ncr_georef_geoloc(ncr_geoloc_spec *spec, ncr_georef **out, nacre_error *err)
{
    *out = NULL;
    geoloc *g = calloc(1, sizeof *g);
    if (!g) {
        ncr_geoloc_spec_clear(spec);
        return ncr_error_memory(err);
    }
    atomic_init(&g->base.references, 1);
    g->base.class = &geoloc_class;
    g->base.is_rough = true;
    g->spec = *spec;
    *spec = (ncr_geoloc_spec){0};
    *out = &g->base;
    return NACRE_OK;
}

const ncr_geoloc_spec *ncr_georef_geoloc_spec(const ncr_georef *georef)
{
    return georef && georef->class == &geoloc_class ? &((const geoloc *)georef)->spec : NULL;
}
