/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "cache/map.h"
#include "vfs/zip_format.h"
#include "vfs/zip_names.h"

/* The central directory: from its bytes to entries, sorted by name. */

enum { CENTRAL_SIZE = 46, SIGNATURE_CENTRAL = 0x02014b50, EXTRA_ZIP64 = 1, EXTRA_TIMES = 0x5455 };

/* What is being made. Names are noted by where they begin while their buffer may still move. */
typedef struct making {
    const char *name; /* the archive's */
    const ncr_zip_end *end;
    int64_t limit;
    ncr_buffer names;
    ncr_zip_entry *entries;
    size_t *begins; /* of names, for each entry */
    size_t count, capacity, begins_capacity;
    uint64_t seen; /* with those that are left out */
} making;

static uint16_t u16(const uint8_t *at)
{
    return ncr_read_u16(at, false);
}

static uint32_t u32(const uint8_t *at)
{
    return ncr_read_u32(at, false);
}

static nacre_status corrupt(const making *m, const char *what, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: not a sound ZIP archive: %s", m->name, what);
}

/* Days since 1970 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The time of the extra field where it has one, else DOS's, which names no zone and is taken for UTC. */
static int64_t modified_ms(const uint8_t *central, const uint8_t *extra, size_t extra_length)
{
    size_t size;
    const uint8_t *times = ncr_zip_extra(extra, extra_length, EXTRA_TIMES, &size);
    if (times && size >= 5 && (times[0] & 1))
        return (int64_t)(int32_t)u32(times + 1) * 1000;
    uint16_t time = u16(central + 12), date = u16(central + 14);
    if (!date)
        return -1;
    int64_t days = days_of(1980 + (date >> 9), date >> 5 & 15, date & 31);
    return (days * 86400 + (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2) * 1000;
}

/* Puts zip64's value where the 32 bits are all ones. */
static bool widen(uint64_t *value, const uint8_t **field, size_t *left)
{
    if (*value != UINT32_MAX)
        return true;
    if (*left < 8)
        return false;
    *value = ncr_read_u64(*field, false);
    *field += 8;
    *left -= 8;
    return true;
}

static nacre_status read_sizes(const making *m, const uint8_t *central, const uint8_t *extra, ncr_zip_entry *entry,
                               nacre_error *err)
{
    size_t left = 0;
    const uint8_t *field = ncr_zip_extra(extra, entry->extra_length, EXTRA_ZIP64, &left);
    entry->packed = u32(central + 20);
    entry->size = u32(central + 24);
    entry->header = u32(central + 42);
    /* Without the field the 32 bits are the value, were they all ones. */
    if (field && (!widen(&entry->size, &field, &left) || !widen(&entry->packed, &field, &left) ||
                  !widen(&entry->header, &field, &left)))
        return corrupt(m, "a zip64 field of its directory is too short", err);
    uint64_t end;
    if (__builtin_add_overflow(entry->header, m->end->shift, &entry->header) ||
        __builtin_add_overflow(entry->header, entry->packed, &end) || end > m->end->offset)
        entry->fault = NCR_ZIP_OUTSIDE;
    return NACRE_OK;
}

static nacre_status too_large(const making *m, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: its directory is larger than limit.directories; raise that",
                         m->name);
}

/* The bytes that the value takes with one entry more. */
static bool is_over_limit(const making *m)
{
    size_t size = (m->count + 1) * sizeof *m->entries + m->names.size;
    return m->limit >= 0 && size > (uint64_t)m->limit;
}

static nacre_status add_entry(making *m, const uint8_t *central, nacre_error *err)
{
    ncr_zip_entry entry = {.flags = u16(central + 8),
                           .method = u16(central + 10),
                           .crc = u32(central + 16),
                           .raw_length = u16(central + 28),
                           .extra_length = u16(central + 30)};
    const uint8_t *name = central + CENTRAL_SIZE, *extra = name + entry.raw_length;
    const ncr_zip_raw_name raw = {.bytes = name,
                                  .length = entry.raw_length,
                                  .extra = extra,
                                  .extra_length = entry.extra_length,
                                  .is_utf8 = entry.flags >> 11 & 1};
    bool is_usable;
    size_t begin = m->names.size;
    if (is_over_limit(m))
        return too_large(m, err);
    if (!ncr_zip_append_name(&m->names, &raw, &is_usable))
        return ncr_error_memory(err);
    nacre_status status = is_usable ? read_sizes(m, central, extra, &entry, err) : NACRE_OK;
    if (!is_usable || status != NACRE_OK)
        return status;
    entry.raw_hash = ncr_hash(0, name, entry.raw_length);
    entry.modified_ms = modified_ms(central, extra, entry.extra_length);
    if (!ncr_array_reserve(&m->entries, &m->capacity, m->count + 1, sizeof *m->entries) ||
        !ncr_array_reserve(&m->begins, &m->begins_capacity, m->count + 1, sizeof *m->begins))
        return ncr_error_memory(err);
    m->begins[m->count] = begin;
    m->entries[m->count++] = entry;
    return NACRE_OK;
}

static nacre_status read_entries(making *m, const uint8_t *data, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    size_t size = (size_t)m->end->size;
    for (size_t at = 0, whole; at < size && status == NACRE_OK; at += whole, m->seen++) {
        const uint8_t *central = data + at;
        if (size - at < CENTRAL_SIZE || u32(central) != SIGNATURE_CENTRAL)
            return corrupt(m, "its directory is cut short or is none", err);
        whole = (size_t)CENTRAL_SIZE + u16(central + 28) + u16(central + 30) + u16(central + 32);
        if (whole > size - at)
            return corrupt(m, "an entry of its directory is cut short", err);
        status = add_entry(m, central, err);
    }
    uint64_t count = m->end->count_is_short ? m->seen & 0xffff : m->seen;
    if (status == NACRE_OK && count != m->end->count)
        return corrupt(m, "its directory has another number of entries than its end record says", err);
    return status;
}

/* --- What overlaps. --- */

static int by_header(const void *a, const void *b)
{
    uint64_t x = (*(ncr_zip_entry *const *)a)->header, y = (*(ncr_zip_entry *const *)b)->header;
    return x < y ? -1 : x > y;
}

static uint64_t least_end(const ncr_zip_entry *entry)
{
    return entry->header + NCR_ZIP_HEADER + entry->raw_length + entry->packed; /* read_sizes() has checked the sum */
}

/* Notes where each member must have ended, and which ones share bytes: a bomb's do. */
static bool find_overlaps(making *m)
{
    ncr_zip_entry **order = m->count ? ncr_alloc_array(m->count, sizeof(ncr_zip_entry *)) : NULL;
    size_t count = 0;
    if (m->count && !order)
        return false;
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].fault == NCR_ZIP_SOUND)
            order[count++] = &m->entries[i];
    if (count)
        qsort(order, count, sizeof(ncr_zip_entry *), by_header);
    ncr_zip_entry *furthest = NULL;
    for (size_t i = 0; i < count; i++) {
        order[i]->until = i + 1 < count ? order[i + 1]->header : m->end->offset;
        if (furthest && least_end(furthest) > order[i]->header)
            furthest->fault = order[i]->fault = NCR_ZIP_OVERLAPS;
        if (!furthest || least_end(order[i]) > least_end(furthest))
            furthest = order[i];
    }
    if (furthest && least_end(furthest) > m->end->offset && furthest->fault == NCR_ZIP_SOUND)
        furthest->fault = NCR_ZIP_OUTSIDE;
    free(order);
    return true;
}

/* --- The value. --- */

/* By name; of equal ones the first in the archive is the first here: its name lies first. */
static int by_name(const void *a, const void *b)
{
    const ncr_zip_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->name > y->name) - (x->name < y->name);
}

static void free_directory(ncr_value *value)
{
    ncr_zip_directory *directory = (ncr_zip_directory *)value;
    free(directory->entries);
    free(directory->names);
    free(directory);
}

static void sort_entries(making *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++)
        m->entries[i].name = (const char *)m->names.data + m->begins[i];
    if (m->count)
        qsort(m->entries, m->count, sizeof *m->entries, by_name);
    for (size_t i = 0; i < m->count; i++)
        if (!kept || strcmp(m->entries[kept - 1].name, m->entries[i].name) != 0)
            memmove(&m->entries[kept++], &m->entries[i], sizeof *m->entries);
    m->count = kept;
}

static ncr_zip_directory *finish(making *m)
{
    ncr_zip_directory *directory = find_overlaps(m) ? calloc(1, sizeof *directory) : NULL;
    if (!directory)
        return NULL;
    sort_entries(m);
    atomic_init(&directory->value.references, 1);
    directory->value.free = free_directory;
    directory->value.size = ncr_alloc_size(sizeof *directory) + ncr_alloc_size(m->capacity * sizeof *m->entries) +
                            ncr_alloc_size(m->names.capacity);
    directory->entries = m->entries;
    directory->count = m->count;
    directory->names = (char *)m->names.data;
    m->entries = NULL;
    m->names = (ncr_buffer){0};
    return directory;
}

nacre_status ncr_zip_parse_directory(const char *name, const uint8_t *data, const ncr_zip_end *end, int64_t limit,
                                     ncr_zip_directory **out, nacre_error *err)
{
    making m = {.name = name, .end = end, .limit = limit};
    *out = NULL;
    ncr_buffer_init(&m.names, SIZE_MAX);
    nacre_status status = read_entries(&m, data, err);
    if (status == NACRE_OK && !(*out = finish(&m)))
        status = ncr_error_memory(err);
    ncr_buffer_clear(&m.names);
    free(m.entries);
    free(m.begins);
    return status;
}

/* --- Looking up. --- */

size_t ncr_zip_lower_bound(const ncr_zip_directory *directory, const char *name)
{
    size_t low = 0, high = directory->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(directory->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_directory(const ncr_zip_entry *entry)
{
    return entry->name[strlen(entry->name) - 1] == '/';
}

static ncr_zip_entry *find_only(const ncr_zip_directory *directory)
{
    ncr_zip_entry *only = NULL;
    for (size_t i = 0; i < directory->count; i++) {
        if (is_directory(&directory->entries[i]))
            continue;
        if (only)
            return NULL;
        only = &directory->entries[i];
    }
    return only;
}

ncr_zip_entry *ncr_zip_find(const ncr_zip_directory *directory, const char *name)
{
    if (!*name)
        return find_only(directory);
    size_t at = ncr_zip_lower_bound(directory, name);
    bool is_there = at < directory->count && strcmp(directory->entries[at].name, name) == 0;
    return is_there && !is_directory(&directory->entries[at]) ? &directory->entries[at] : NULL;
}
