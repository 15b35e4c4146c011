/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "vrt/common.h"
#include "vrt/driver.h"
#include "vrt/view.h"

/* Writing any dataset as a VRT: a view as itself, one of a higher layer through its subclass, another as a view of one
 * source. */

static nacre_status write_subclass(const ncr_vrt_subclass *subclass, const ncr_dataset *dataset,
                                   const ncr_vrt_document *document, ncr_xml *root, nacre_error *err)
{
    if (!ncr_xml_set_attribute(root, "subClass", subclass->name))
        return ncr_error_memory(err);
    nacre_status status = ncr_vrt_write_root(dataset, root, err);
    for (int i = 1; i <= dataset->band_count && status == NACRE_OK; i++) {
        ncr_xml *band;
        status = ncr_vrt_write_band(dataset, i, NULL, root, &band, err);
        if (status == NACRE_OK && subclass->band_name && !ncr_xml_set_attribute(band, "subClass", subclass->band_name))
            status = ncr_error_memory(err);
    }
    return status == NACRE_OK ? subclass->write(dataset, document, root, err) : status;
}

static nacre_status write_plain(ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml *root, nacre_error *err)
{
    nacre_translate_options options = NACRE_TRANSLATE_OPTIONS_INIT;
    ncr_dataset *view;
    nacre_status status = ncr_vrt_translate_new(dataset, &options, &view, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_vrt_view_write((const ncr_vrt_view *)view, document, root, err);
    ncr_dataset_unref(view);
    return status;
}

nacre_status ncr_vrt_tree(ncr_dataset *dataset, const ncr_vrt_document *document, ncr_xml **out, nacre_error *err)
{
    *out = NULL;
    ncr_xml *root = ncr_xml_new("VRTDataset");
    if (!root)
        return ncr_error_memory(err);
    const ncr_vrt_subclass *subclass = ncr_vrt_subclass_of(dataset);
    nacre_status status;
    if (subclass)
        status = write_subclass(subclass, dataset, document, root, err);
    else if (ncr_vrt_is_view(dataset))
        status = ncr_vrt_view_write((const ncr_vrt_view *)dataset, document, root, err);
    else
        status = write_plain(dataset, document, root, err);
    if (status == NACRE_OK)
        *out = root;
    else
        ncr_xml_free(root);
    return status;
}

/* A VRT over what it is made of would read itself, and its source would be gone. */
typedef struct source_check {
    const ncr_save *save;
    bool found; /* a source is the destination */
} source_check;

static void check_source(void *user, const char *path, const char *version, const char *snapshot)
{
    (void)version;
    (void)snapshot;
    source_check *check = user;
    ncr_object *source = NULL;
    if (check->found || !path[0] || path[0] == '<' ||
        ncr_vfs_resolve(path, NULL, check->save->call, &source, NULL) != NACRE_OK)
        return; /* what cannot be named is found by the writer */
    if (strcmp(source->id, check->save->destination->id) == 0)
        check->found = true;
    ncr_object_unref(source);
}

static nacre_status check_sources(const ncr_save *save, nacre_error *err)
{
    source_check check = {.save = save};
    if (save->condition.absent)
        return NACRE_OK; /* what is not there yet is nobody's source */
    ncr_dataset_sources(save->dataset, check_source, &check);
    if (!check.found)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID,
                         "%s: is a source of the VRT that would be written there; give it another name",
                         save->destination->name);
}

static nacre_status put_text(const ncr_save *save, const ncr_xml *root, nacre_error *err)
{
    int64_t limit = ncr_config_number(save->call->config, NCR_KEY_LIMIT_VRT_TEXT);
    ncr_buffer text;
    ncr_buffer_init(&text, limit > 0 ? (size_t)limit : SIZE_MAX / 2);
    nacre_status status = ncr_xml_write(root, &text, err);
    if (status == NACRE_OK)
        status = ncr_vfs_put(save->destination, text.data, text.size, ncr_content_type(save->destination->name),
                             &save->condition, save->call, err);
    ncr_buffer_clear(&text);
    return status;
}

static nacre_status save_vrt(const ncr_save *save, nacre_error *err)
{
    static const char *const no_options[] = {NULL};
    nacre_status status = ncr_save_check_options(save, no_options, err);
    if (status == NACRE_OK)
        status = check_sources(save, err);
    if (status == NACRE_OK)
        status = ncr_save_progress(save, 0, err);
    if (status != NACRE_OK)
        return status;
    ncr_vrt_document document = {.path = save->destination->name, .object = save->destination};
    ncr_xml *root;
    status = ncr_vrt_tree(save->dataset, &document, &root, err);
    if (status != NACRE_OK)
        return status;
    status = put_text(save, root, err);
    ncr_xml_free(root);
    return status == NACRE_OK ? ncr_save_progress(save, 1, err) : status;
}

static const char *const endings[] = {".vrt", NULL};
const ncr_saver ncr_vrt_saver = {.format = "VRT", .endings = endings, .save = save_vrt};
