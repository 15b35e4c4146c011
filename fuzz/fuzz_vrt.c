/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdint.h>
#include <stdlib.h>

#include "raster/wants.h"
#include "vrt/driver.h"
#include "vrt/view.h"

/* A VRT from outside: parsed, made a view of, written and parsed again, and its reads planned up to the first request.
 * Nothing is opened: sources are only named. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plan_reads(ncr_dataset *view, ncr_call *call)
{
    if (!view->band_count)
        return;
    uint8_t buffer[16];
    ncr_scaled_request request = {
        .window = {0, 0, view->width, view->height},
        .out_width = view->width < 4 ? view->width : 4,
        .out_height = view->height < 4 ? view->height : 4,
        .to = {.bands = (int[]){1}, .band_count = 1, .dtype = NACRE_DTYPE_UINT8, .buffer = buffer, .pixel_stride = 1},
    };
    request.to.row_stride = request.out_width;
    request.to.band_stride = (ptrdiff_t)request.out_width * request.out_height;
    ncr_plan *plan;
    if (ncr_dataset_plan_scaled(view, &request, call, &plan, NULL) != NACRE_OK)
        return;
    ncr_wants wants = {0};
    bool more = false;
    plan->class->step(plan, &wants, &more, NULL);
    ncr_wants_clear(&wants);
    ncr_plan_free(plan);
}

static void write_again(ncr_dataset *view, const ncr_vrt_document *document)
{
    ncr_xml *tree, *again;
    if (ncr_vrt_tree(view, document, &tree, NULL) != NACRE_OK)
        return;
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 26);
    if (ncr_xml_write(tree, &text, NULL) == NACRE_OK) {
        /* What we write we can read. */
        if (ncr_xml_parse((const char *)text.data, text.size, "again", &again, NULL) != NACRE_OK)
            abort();
        ncr_xml_free(again);
    }
    ncr_buffer_clear(&text);
    ncr_xml_free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ncr_call *call;
    if (!call && ncr_call_new(NULL, &call, NULL) != NACRE_OK)
        return 0;
    ncr_xml *root;
    nacre_error err;
    if (ncr_xml_parse((const char *)data, size, "fuzz.vrt", &root, &err) != NACRE_OK)
        return 0;
    ncr_vrt_document document = {.path = "mem://fuzz/dir/v.vrt"};
    ncr_dataset *view;
    if (ncr_vrt_view_read(root, &document, NULL, &view, &err) == NACRE_OK) {
        plan_reads(view, call);
        write_again(view, &document);
        ncr_dataset_unref(view);
    }
    ncr_xml_free(root);
    return 0;
}
