/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/beside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tiff/pam.h"
#include "tiff/rpc.h"

static bool has_role(const ncr_tiff_index *index, ncr_tiff_role role)
{
    for (size_t i = 0; i < index->directory_count; i++)
        if (index->directories[i].role == role)
            return true;
    return false;
}

static nacre_status search(ncr_tiff_beside *beside, ncr_file *file, ncr_call *call, ncr_wants *wants, bool *more,
                           nacre_error *err)
{
    nacre_status status = NACRE_OK;
    if (!beside->search)
        status = ncr_sidecars_plan(file, true, call, &beside->found, &beside->search, err);
    if (status == NACRE_OK)
        status = ncr_plan_step_child(beside->search, wants, more, err);
    beside->is_found = status == NACRE_OK && !*more;
    return status;
}

static nacre_status ask(ncr_tiff_companion *companion, const char *path, const ncr_open_request *request,
                        ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err)
{
    companion->is_done = !path;
    return path ? ncr_pinning_begin(&companion->pinning, request->pins, path, request->document, call, wants, more, err)
                : NACRE_OK;
}

/* What is no TIFF is left alone: other programs use these endings too. */
static nacre_status open_companion(ncr_tiff_companion *companion, ncr_call *call, ncr_wants *wants, bool *more,
                                   nacre_error *err)
{
    if (companion->is_done)
        return NACRE_OK;
    bool is_more = false;
    nacre_status status = ncr_pinning_arrived(&companion->pinning, err);
    if (status == NACRE_OK && !companion->plan) {
        ncr_file *file = companion->pinning.file;
        const ncr_slice *head = ncr_file_head(file);
        companion->is_done = !ncr_tiff_probe(head->data, head->size);
        if (!companion->is_done)
            status =
                ncr_tiff_plan_open_alone(ncr_file_path(file), file, call, &companion->dataset, &companion->plan, err);
    }
    if (status != NACRE_OK || companion->is_done)
        return status;
    status = ncr_plan_step_child(companion->plan, wants, &is_more, err);
    companion->is_done = status == NACRE_OK && !is_more;
    if (companion->is_done)
        ncr_pinning_keep(&companion->pinning);
    *more |= is_more;
    return status;
}

/* --- Notes --- */

enum { NOTE_MAX = 16 * 1024 * 1024 };

static nacre_status ask_note(ncr_tiff_note *note, const char *path, const ncr_open_request *request, ncr_call *call,
                             ncr_wants *wants, bool *more, nacre_error *err)
{
    note->is_done = !path;
    return path ? ncr_pinning_begin(&note->pinning, request->pins, path, request->document, call, wants, more, err)
                : NACRE_OK;
}

static nacre_status read_note(ncr_tiff_note *note, ncr_wants *wants, bool *more, nacre_error *err)
{
    if (note->is_done)
        return NACRE_OK;
    nacre_status status = ncr_pinning_arrived(&note->pinning, err);
    if (status != NACRE_OK)
        return status;
    ncr_file *file = note->pinning.file;
    uint64_t size = ncr_file_size(file);
    if (size > NOTE_MAX)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: it has %" PRIu64 " bytes, more than %d",
                             ncr_file_path(file), size, NOTE_MAX);
    note->is_done = note->is_asked || size <= ncr_file_head(file)->size;
    if (note->is_done) {
        ncr_pinning_keep(&note->pinning);
        return NACRE_OK;
    }
    note->is_asked = *more = true;
    ncr_want want = {.kind = NCR_WANT_READ, .file = file, .length = (size_t)size, .slice_out = &note->rest};
    return ncr_wants_add(wants, &want, err);
}

/* Its bytes; NULL: there is no such file. */
static const ncr_slice *note_text(const ncr_tiff_note *note)
{
    if (!note->pinning.file)
        return NULL;
    return note->is_asked ? &note->rest : ncr_file_head(note->pinning.file);
}

/* Whether tags tell where the raster is. */
static bool has_position(const ncr_tiff_index *index)
{
    return ncr_tiff_tag_find(index->directories, NCR_TAG_MODEL_TIEPOINT) ||
           ncr_tiff_tag_find(index->directories, NCR_TAG_MODEL_TRANSFORMATION);
}

static nacre_status ask_all(ncr_tiff_beside *beside, const ncr_open_request *request, const ncr_tiff_index *index,
                            ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err)
{
    const char *const *paths = (const char *const *)beside->found.paths;
    const char *overviews = has_role(index, NCR_TIFF_ROLE_OVERVIEW) ? NULL : paths[NCR_SIDECAR_OVR];
    const char *mask = has_role(index, NCR_TIFF_ROLE_MASK) ? NULL : paths[NCR_SIDECAR_MSK];
    const char *world = has_position(index) ? NULL : paths[NCR_SIDECAR_WORLD];
    beside->is_asked = true;
    nacre_status status = ask(&beside->overviews, overviews, request, call, wants, more, err);
    if (status == NACRE_OK)
        status = ask(&beside->mask, mask, request, call, wants, more, err);
    if (status == NACRE_OK)
        status = ask_note(&beside->pam, paths[NCR_SIDECAR_AUX_XML], request, call, wants, more, err);
    if (status == NACRE_OK)
        status = ask_note(&beside->rpc, paths[NCR_SIDECAR_RPC], request, call, wants, more, err);
    return status == NACRE_OK ? ask_note(&beside->world, world, request, call, wants, more, err) : status;
}

nacre_status ncr_tiff_beside_step(ncr_tiff_beside *beside, const ncr_open_request *request, const ncr_tiff_index *index,
                                  ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err)
{
    *more = false;
    nacre_status status = beside->is_found ? NACRE_OK : search(beside, request->file, call, wants, more, err);
    if (status != NACRE_OK || !beside->is_found || !index)
        return status;
    if (!beside->is_asked)
        status = ask_all(beside, request, index, call, wants, more, err);
    if (status != NACRE_OK || *more)
        return status;
    status = open_companion(&beside->overviews, call, wants, more, err);
    if (status == NACRE_OK)
        status = open_companion(&beside->mask, call, wants, more, err);
    if (status == NACRE_OK)
        status = read_note(&beside->pam, wants, more, err);
    if (status == NACRE_OK)
        status = read_note(&beside->rpc, wants, more, err);
    return status == NACRE_OK ? read_note(&beside->world, wants, more, err) : status;
}

static void clear_companion(ncr_tiff_companion *companion)
{
    ncr_plan_free(companion->plan);
    ncr_dataset_unref(companion->dataset);
    ncr_pinning_clear(&companion->pinning);
}

static void clear_note(ncr_tiff_note *note)
{
    ncr_slice_clear(&note->rest);
    ncr_pinning_clear(&note->pinning);
}

void ncr_tiff_beside_clear(ncr_tiff_beside *beside)
{
    ncr_plan_free(beside->search);
    ncr_sidecars_clear(&beside->found);
    clear_companion(&beside->overviews);
    clear_companion(&beside->mask);
    clear_note(&beside->pam);
    clear_note(&beside->rpc);
    clear_note(&beside->world);
    *beside = (ncr_tiff_beside){0};
}

/* --- Attaching --- */

/* What GDAL wrote into a .msk of a band's mask: whether it is one for all bands, in its first band, or the band's own;
 * false: it is none of this band. */
static bool read_mask_flags(const ncr_dataset *mask, int band, unsigned *flags)
{
    char key[40];
    int value = 0;
    snprintf(key, sizeof key, "INTERNAL_MASK_FLAGS_%d", band);
    const char *text = ncr_metadata_get(&mask->metadata, "", key);
    if (!text || !ncr_text_to_int(text, &value))
        return false;
    *flags = value & NACRE_MASK_PER_DATASET;
    int last = *flags ? 1 : band;
    return last <= mask->band_count && mask->bands[last - 1].dtype == NACRE_DTYPE_UINT8;
}

static void attach_mask(ncr_tiff_dataset *dataset, ncr_dataset *mask)
{
    ncr_dataset *base = &dataset->base;
    bool is_used = false;
    unsigned flags;
    for (int i = 0; i < base->band_count && mask->width == base->width && mask->height == base->height; i++)
        if (read_mask_flags(mask, i + 1, &flags)) {
            base->bands[i].mask_flags = flags;
            is_used = true;
        }
    dataset->mask_file = is_used ? ncr_dataset_ref(mask) : NULL;
}

static bool is_overview_of(const ncr_dataset *overview, const ncr_dataset *base)
{
    return overview->band_count == base->band_count && overview->bands[0].dtype == base->bands[0].dtype &&
           overview->width <= base->width && overview->height <= base->height;
}

static nacre_status attach_overviews(ncr_tiff_dataset *dataset, ncr_dataset *file, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    int count = file->overview_count + 1;
    base->overviews = ncr_alloc_array((size_t)count, sizeof *base->overviews);
    if (!base->overviews)
        return ncr_error_memory(err);
    base->overviews[0][0] = file->width;
    base->overviews[0][1] = file->height;
    if (file->overview_count)
        memcpy(base->overviews + 1, file->overviews, (size_t)file->overview_count * sizeof *base->overviews);
    base->overview_count = count;
    dataset->overview_file = ncr_dataset_ref(file);
    return NACRE_OK;
}

/* The file's text where there is one; it becomes one of those behind the dataset. */
static const ncr_slice *take_note(ncr_tiff_note *note, ncr_file **to)
{
    const ncr_slice *text = note_text(note);
    if (text)
        *to = ncr_file_ref(note->pinning.file);
    return text;
}

/* What is said in several places counts from the last one. */
static nacre_status attach_notes(ncr_tiff_beside *beside, ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base;
    const ncr_slice *pam = take_note(&beside->pam, &dataset->notes[0]);
    const ncr_slice *rpc = take_note(&beside->rpc, &dataset->notes[1]);
    const ncr_slice *world = take_note(&beside->world, &dataset->notes[2]);
    nacre_status status = NACRE_OK;
    if (world && !base->has_transform && !base->gcp_count)
        base->has_transform = ncr_tiff_world_read((const char *)world->data, world->size, &base->transform);
    if (rpc)
        status = ncr_tiff_rpc_read((const char *)rpc->data, rpc->size, &base->metadata, err);
    if (!pam || status != NACRE_OK)
        return status;
    status =
        ncr_tiff_pam_read(ncr_file_path(beside->pam.pinning.file), (const char *)pam->data, pam->size, dataset, err);
    if (status == NACRE_OK)
        ncr_tiff_describe_masks(dataset);
    return status;
}

nacre_status ncr_tiff_beside_attach(ncr_tiff_beside *beside, ncr_tiff_dataset *dataset, nacre_error *err)
{
    ncr_dataset *base = &dataset->base, *mask = beside->mask.dataset, *overviews = beside->overviews.dataset;
    nacre_status status = attach_notes(beside, dataset, err);
    if (status != NACRE_OK)
        return status;
    if (mask)
        attach_mask(dataset, mask);
    /* A mask inside the file has no overviews beside it. */
    if (overviews && !base->overview_count && !dataset->masks && is_overview_of(overviews, base))
        return attach_overviews(dataset, overviews, err);
    return NACRE_OK;
}
