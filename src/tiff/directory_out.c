/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/directory_out.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tiff/index.h"

void ncr_out_directory_clear(ncr_out_directory *directory)
{
    for (size_t i = 0; i < directory->entry_count; i++)
        free(directory->entries[i].data);
    *directory = (ncr_out_directory){0};
}

/* --- Adding tags --- */

/* Entries stay sorted by number, as TIFF wants them. */
static ncr_out_entry *add_entry(ncr_out_directory *directory, unsigned id, unsigned type, ncr_out_kind kind,
                                uint64_t count)
{
    assert(directory->entry_count < NCR_OUT_ENTRIES);
    size_t at = directory->entry_count++;
    for (; at && directory->entries[at - 1].id > id; at--)
        directory->entries[at] = directory->entries[at - 1];
    directory->entries[at] = (ncr_out_entry){.id = (uint16_t)id, .type = (uint16_t)type, .kind = kind, .count = count};
    return &directory->entries[at];
}

/* values are in the machine's byte order. */
static void add_values(ncr_out_directory *directory, unsigned id, unsigned type, const void *values, size_t count)
{
    size_t unit = ncr_tiff_type_size(type), size;
    if (!count)
        return;
    uint8_t *data = ncr_size_mul(count, unit, &size) ? malloc(size) : NULL;
    if (!data) {
        directory->failed = true;
        return;
    }
    memcpy(data, values, size);
    if (ncr_machine_is_big_endian()) {
        size_t number = type == NCR_TYPE_RATIONAL ? unit / 2 : unit;
        ncr_swap_bytes(data, number, size / number);
    }
    ncr_out_entry *entry = add_entry(directory, id, type, NCR_OUT_VALUES, count);
    entry->data = data;
    entry->size = size;
}

void ncr_out_short(ncr_out_directory *directory, unsigned id, unsigned value)
{
    uint16_t number = (uint16_t)value;
    add_values(directory, id, NCR_TYPE_SHORT, &number, 1);
}

void ncr_out_long(ncr_out_directory *directory, unsigned id, uint32_t value)
{
    add_values(directory, id, NCR_TYPE_LONG, &value, 1);
}

void ncr_out_shorts(ncr_out_directory *directory, unsigned id, const uint16_t *values, size_t count)
{
    add_values(directory, id, NCR_TYPE_SHORT, values, count);
}

void ncr_out_longs(ncr_out_directory *directory, unsigned id, const uint32_t *values, size_t count)
{
    add_values(directory, id, NCR_TYPE_LONG, values, count);
}

void ncr_out_rationals(ncr_out_directory *directory, unsigned id, const uint32_t *values, size_t count)
{
    add_values(directory, id, NCR_TYPE_RATIONAL, values, count);
}

void ncr_out_doubles(ncr_out_directory *directory, unsigned id, const double *values, size_t count)
{
    add_values(directory, id, NCR_TYPE_DOUBLE, values, count);
}

void ncr_out_text(ncr_out_directory *directory, unsigned id, const char *text)
{
    if (text)
        add_values(directory, id, NCR_TYPE_ASCII, text, strlen(text) + 1);
}

void ncr_out_bytes(ncr_out_directory *directory, unsigned id, unsigned type, const void *bytes, size_t size)
{
    add_values(directory, id, type, bytes, size);
}

void ncr_out_arrays(ncr_out_directory *directory, bool is_tiled, size_t block_count)
{
    directory->block_count = block_count;
    add_entry(directory, is_tiled ? NCR_TAG_TILE_OFFSETS : NCR_TAG_STRIP_OFFSETS, 0, NCR_OUT_OFFSETS, block_count);
    add_entry(directory, is_tiled ? NCR_TAG_TILE_BYTE_COUNTS : NCR_TAG_STRIP_BYTE_COUNTS, 0, NCR_OUT_SIZES,
              block_count);
}

/* --- Placing --- */

typedef struct form {
    size_t header, count, entry, next, inline_size;
} form;

static form form_of(const ncr_out_head *head)
{
    return head->is_big ? (form){16, 8, 20, 8, 8} : (form){8, 2, 12, 4, 4};
}

/* Bytes of an array's element: byte counts always fit into 32 bits. */
static size_t element_size(const ncr_out_head *head, ncr_out_kind kind)
{
    return kind == NCR_OUT_OFFSETS && head->is_big ? 8 : 4;
}

static uint64_t entry_size(const ncr_out_head *head, const ncr_out_entry *entry)
{
    return entry->kind == NCR_OUT_VALUES ? entry->size : entry->count * element_size(head, entry->kind);
}

/* Places the values of one sort that do not fit into their entries. */
static uint64_t place_values(const ncr_out_head *head, ncr_out_directory *directory, bool arrays, uint64_t at)
{
    for (size_t i = 0; i < directory->entry_count; i++) {
        ncr_out_entry *entry = &directory->entries[i];
        uint64_t size = entry_size(head, entry);
        if ((entry->kind != NCR_OUT_VALUES) != arrays || size <= form_of(head).inline_size)
            continue;
        entry->position = at;
        at += size + size % 2;
    }
    return at;
}

uint64_t ncr_out_head_size(ncr_out_head *head)
{
    form f = form_of(head);
    uint64_t at = f.header + (head->ghost ? strlen(head->ghost) : 0);
    for (size_t i = 0; i < head->directory_count; i++) {
        ncr_out_directory *directory = &head->directories[i];
        at += at % 2;
        directory->position = at;
        at += f.count + directory->entry_count * f.entry + f.next;
        at = place_values(head, directory, false, at);
    }
    for (size_t i = 0; i < head->directory_count; i++)
        at = place_values(head, &head->directories[i], true, at);
    return at;
}

/* --- Writing --- */

static void put(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_data(const ncr_out_head *head, const ncr_out_directory *directory, const ncr_out_entry *entry,
                     uint8_t *at)
{
    if (entry->kind == NCR_OUT_VALUES) {
        memcpy(at, entry->data, entry->size);
        return;
    }
    const uint64_t *numbers = entry->kind == NCR_OUT_OFFSETS ? directory->offsets : directory->sizes;
    size_t unit = element_size(head, entry->kind);
    for (uint64_t i = 0; i < entry->count; i++)
        put(at + i * unit, numbers[i], unit);
}

static unsigned type_of(const ncr_out_head *head, const ncr_out_entry *entry)
{
    if (entry->kind == NCR_OUT_VALUES)
        return entry->type;
    return element_size(head, entry->kind) == 8 ? NCR_TYPE_LONG8 : NCR_TYPE_LONG;
}

static void put_directory(const ncr_out_head *head, size_t number, uint8_t *base)
{
    const ncr_out_directory *directory = &head->directories[number];
    form f = form_of(head);
    uint8_t *at = base + directory->position;
    put(at, directory->entry_count, f.count);
    at += f.count;
    for (size_t i = 0; i < directory->entry_count; i++, at += f.entry) {
        const ncr_out_entry *entry = &directory->entries[i];
        uint8_t *value = at + f.entry - f.inline_size;
        put(at, entry->id, 2);
        put(at + 2, type_of(head, entry), 2);
        put(at + 4, entry->count, f.inline_size);
        if (entry_size(head, entry) <= f.inline_size) {
            put_data(head, directory, entry, value);
        } else {
            put(value, entry->position, f.inline_size);
            put_data(head, directory, entry, base + entry->position);
        }
    }
    if (number + 1 < head->directory_count)
        put(at, head->directories[number + 1].position, f.next);
}

nacre_status ncr_out_head_write(const ncr_out_head *head, ncr_buffer *out, nacre_error *err)
{
    form f = form_of(head);
    ncr_out_head placed = *head;
    uint64_t size = ncr_out_head_size(&placed);
    for (size_t i = 0; i < head->directory_count; i++)
        if (head->directories[i].failed)
            return ncr_error_memory(err);
    uint8_t *base = size <= SIZE_MAX ? ncr_buffer_reserve(out, (size_t)size) : NULL;
    if (!base)
        return ncr_error_memory(err);
    memset(base, 0, (size_t)size);
    memcpy(base, "II", 2);
    put(base + 2, head->is_big ? 43 : 42, 2);
    if (head->is_big)
        put(base + 4, 8, 2);
    put(base + f.header - f.next, head->directories[0].position, f.next);
    if (head->ghost)
        memcpy(base + f.header, head->ghost, strlen(head->ghost));
    for (size_t i = 0; i < head->directory_count; i++)
        put_directory(head, i, base);
    out->size += (size_t)size;
    return NACRE_OK;
}
