/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/latch.h"
#include "base/memory.h"
#include "cache/limits.h"

void ncr_gdal_reader_init(ncr_gdal_reader *reader, ncr_file *file)
{
    *reader = (ncr_gdal_reader){.file = file, .expected = UINT64_MAX};
}

static void drop_oldest(ncr_gdal_reader *reader)
{
    ncr_slice *slice = &reader->recent[reader->first].slice;
    reader->bytes -= slice->size;
    ncr_slice_clear(slice);
    reader->first = (reader->first + 1) % NCR_GDAL_RECENT;
    reader->count--;
}

void ncr_gdal_reader_clear(ncr_gdal_reader *reader)
{
    while (reader->count)
        drop_oldest(reader);
    free(reader->recent);
    reader->recent = NULL;
}

/* Takes the slice. */
static void hold(ncr_gdal_reader *reader, uint64_t offset, ncr_slice slice)
{
    while (reader->count && (reader->count == NCR_GDAL_RECENT || reader->bytes + slice.size > NCR_GDAL_RECENT_BYTES))
        drop_oldest(reader);
    reader->recent[(reader->first + reader->count++) % NCR_GDAL_RECENT] = (struct ncr_gdal_window){offset, slice};
    reader->bytes += slice.size;
}

/* Copies what a slice has of a range's beginning. */
static size_t copy_from(const ncr_slice *slice, uint64_t slice_offset, uint64_t offset, void *buffer, size_t size)
{
    if (offset < slice_offset || offset - slice_offset >= slice->size)
        return 0;
    const size_t at = (size_t)(offset - slice_offset), there = slice->size - at;
    const size_t step = size < there ? size : there;
    memcpy(buffer, slice->data + at, step);
    return step;
}

static size_t copy_held(const ncr_gdal_reader *reader, uint64_t offset, void *buffer, size_t size)
{
    size_t step = copy_from(ncr_file_head(reader->file), 0, offset, buffer, size);
    for (size_t i = reader->count; i-- > 0 && !step;) { /* the newest first */
        const struct ncr_gdal_window *window = &reader->recent[(reader->first + i) % NCR_GDAL_RECENT];
        step = copy_from(&window->slice, window->offset, offset, buffer, size);
    }
    return step;
}

/* The window that is fetched for a range that nothing is held of: never beyond the end. */
static void choose_window(ncr_gdal_reader *reader, uint64_t offset, size_t size, uint64_t *start, size_t *length)
{
    const uint64_t end = ncr_file_size(reader->file), mask = NCR_GDAL_WINDOW_MIN - 1;
    const bool goes_on = offset == reader->expected;
    if (goes_on && reader->window < NCR_GDAL_WINDOW_MAX)
        reader->window *= 2;
    else if (!goes_on)
        reader->window = NCR_GDAL_WINDOW_MIN;
    *start = goes_on ? offset : offset & ~mask;
    uint64_t stop = (offset + size + mask) & ~mask;
    if (stop < *start + reader->window)
        stop = *start + reader->window;
    if (stop > end || stop < *start)
        stop = end;
    *length = (size_t)(stop - *start);
    reader->expected = stop;
}

static void fetched(ncr_fetch *fetch)
{
    ncr_latch_down(fetch->user);
}

static nacre_status fetch_window(ncr_gdal_reader *reader, ncr_call *call, uint64_t offset, size_t size, bool is_exact,
                                 nacre_error *err)
{
    uint64_t start = offset;
    size_t length = size;
    if (!reader->recent && !(reader->recent = ncr_alloc_array(NCR_GDAL_RECENT, sizeof *reader->recent)))
        return ncr_error_memory(err);
    if (!is_exact)
        choose_window(reader, offset, size, &start, &length);
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    ncr_fetch fetch = {.pin = ncr_file_pin(reader->file),
                       .call = call,
                       .offset = start,
                       .length = length,
                       .done = fetched,
                       .user = &latch};
    ncr_fetch *list = &fetch;
    ncr_cache_fetch_start(&list, 1);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    if (fetch.status != NACRE_OK)
        return ncr_error_copy(err, &fetch.error, fetch.status);
    hold(reader, start, fetch.slice);
    return NACRE_OK;
}

/* A long range, in requests beside one another. */
static nacre_status read_large(ncr_gdal_reader *reader, ncr_call *call, uint64_t offset, uint8_t *buffer, size_t size,
                               nacre_error *err)
{
    nacre_range ranges[NCR_GDAL_AT_ONCE / NCR_GET_MAX];
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        const size_t step = size - at < NCR_GET_MAX ? size - at : NCR_GET_MAX;
        ranges[count] = (nacre_range){.offset = offset + at, .length = step, .buffer = buffer + at};
        at += step;
    }
    reader->expected = offset + size;
    return ncr_file_read_wait(reader->file, ranges, count, call, err);
}

nacre_status ncr_gdal_reader_read(ncr_gdal_reader *reader, ncr_call *call, uint64_t offset, void *buffer, size_t size,
                                  bool is_exact, size_t *got, nacre_error *err)
{
    *got = 0;
    const uint64_t end = ncr_file_size(reader->file);
    const size_t wanted = offset >= end ? 0 : end - offset < size ? (size_t)(end - offset) : size;
    size_t done = 0;
    while (done < wanted) {
        size_t step = copy_held(reader, offset + done, (uint8_t *)buffer + done, wanted - done);
        if (!step)
            ncr_cache_copy(ncr_file_pin(reader->file), call, offset + done, wanted - done, (uint8_t *)buffer + done,
                           &step);
        done += step;
        if (step)
            continue;
        size_t left = wanted - done;
        nacre_status status;
        if (left >= NCR_GDAL_LARGE) {
            left = left < NCR_GDAL_AT_ONCE ? left : NCR_GDAL_AT_ONCE;
            status = read_large(reader, call, offset + done, (uint8_t *)buffer + done, left, err);
            done += left;
        } else {
            status = fetch_window(reader, call, offset + done, left, is_exact, err);
        }
        if (status != NACRE_OK)
            return status;
    }
    *got = done;
    return NACRE_OK;
}
