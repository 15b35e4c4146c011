/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "raster/dtype.h"
#include "raster/nodata.h"
#include "raster/scaled_rows.h"

/* Resampling that is no weighted sum of values: the most frequent value, and mixed colours of a colour table. */

/* The source rows that one output row is made of, and which of their pixels count. */
typedef struct {
    const uint8_t **rows;  /* first pixel of each */
    const uint8_t **valid; /* of each; NULL: all count */
    uint8_t *marks;        /* room for them */
    int count, most;
} row_set;

static bool init_rows(row_set *set, const ncr_scaled_task *t)
{
    const ncr_scaled_job *job = t->job;
    size_t cells;
    *set = (row_set){0};
    for (int y = t->from; y < t->to; y++)
        set->most = job->rows.runs[y].length > set->most ? job->rows.runs[y].length : set->most;
    bool has_nodata = t->band && (t->band->mask_flags & NACRE_MASK_NODATA);
    if (!ncr_size_mul((size_t)set->most, (size_t)job->source.width, &cells))
        return false;
    set->rows = ncr_alloc_array((size_t)set->most, sizeof *set->rows);
    set->valid = ncr_alloc_array((size_t)set->most, sizeof *set->valid);
    set->marks = ncr_alloc_array(has_nodata ? cells : 1, 1);
    return set->rows && set->valid && set->marks;
}

static void fill_rows(row_set *set, const ncr_scaled_task *t, int y)
{
    const ncr_axis_run *run = &t->job->rows.runs[y];
    size_t width = (size_t)t->job->source.width;
    set->count = run->length;
    for (int j = 0; j < run->length; j++) {
        set->rows[j] = ncr_scaled_source_row(t->job, t->band_index, run->first + j);
        set->valid[j] = ncr_scaled_validity(t, set->rows[j], run->first + j, set->marks + (size_t)j * width);
    }
}

static void free_rows(row_set *set)
{
    free(set->rows);
    free(set->valid);
    free(set->marks);
}

/* A value of the band, or of the mask, to where results go. */
static void store_value(const ncr_scaled_task *t, const void *value, nacre_dtype dtype, uint8_t *out)
{
    nacre_dtype band = t->band ? t->band->dtype : NACRE_DTYPE_UINT8;
    uint8_t rounded[16];
    ncr_convert(value, dtype, 0, rounded, band, 0, 1);
    ncr_convert(rounded, band, 0, out, t->job->to.dtype, 0, 1);
}

/* What a pixel gets where nothing counts. */
static void store_fill(const ncr_scaled_task *t, uint8_t *out)
{
    double fill = t->band ? ncr_nodata_fill(&t->band->nodata, ncr_dtype_part(t->band->dtype)) : 0;
    store_value(t, &fill, NACRE_DTYPE_FLOAT64, out);
}

/* --- Mode --- */

/* Values of fewer cells than this are looked for one after another, which is quicker than a hash of each. */
enum { FEW = 16 };

/* How often a value was seen. A table of them with open addressing, of a power of two, at most half full; its first FEW
 * cells in order as long as there are no more. */
typedef struct {
    uint64_t key[2];      /* the value's bytes; all NaN are one, and so are both zeros */
    const uint8_t *value; /* the first of them */
    size_t count;         /* 0: the cell is empty */
} tally;

typedef struct {
    tally *cells;
    size_t size, used;
    size_t *order; /* the cells that are used, so that clearing the table costs no more than filling it */
} tally_table;

static bool init_table(tally_table *table, size_t size)
{
    *table = (tally_table){.size = size};
    table->cells = ncr_alloc_array(size, sizeof *table->cells);
    table->order = ncr_alloc_array(size / 2, sizeof *table->order);
    return table->cells && table->order;
}

static void free_table(tally_table *table)
{
    free(table->cells);
    free(table->order);
}

static void clear_table(tally_table *table)
{
    for (size_t i = 0; i < table->used; i++)
        table->cells[table->order[i]].count = 0;
    table->used = 0;
}

static tally *find_hashed(const tally_table *table, const uint64_t key[2])
{
    uint64_t hash = (key[0] ^ key[1] * 0xc2b2ae3d27d4eb4fu) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 20) & (table->size - 1);
    while (table->cells[at].count && (table->cells[at].key[0] != key[0] || table->cells[at].key[1] != key[1]))
        at = (at + 1) & (table->size - 1);
    return &table->cells[at];
}

/* The cell of a value, or where it is to be. */
static tally *find_tally(const tally_table *table, const uint64_t key[2])
{
    if (table->used > FEW)
        return find_hashed(table, key);
    for (size_t i = 0; i < table->used; i++)
        if (table->cells[i].key[0] == key[0] && table->cells[i].key[1] == key[1])
            return &table->cells[i];
    return &table->cells[table->used];
}

static void add_tally(tally_table *table, tally *cell, const tally *value)
{
    *cell = *value;
    table->order[table->used++] = (size_t)(cell - table->cells);
}

/* Makes a hashed table of the list that it was. */
static void hash_list(tally_table *table)
{
    tally few[FEW];
    memcpy(few, table->cells, sizeof few);
    clear_table(table);
    for (int i = 0; i < FEW; i++)
        add_tally(table, find_hashed(table, few[i].key), &few[i]);
}

static bool grow_table(tally_table *table)
{
    tally_table larger;
    bool allocated = init_table(&larger, table->size * 2);
    for (size_t i = 0; allocated && i < table->used; i++) {
        const tally *value = &table->cells[table->order[i]];
        add_tally(&larger, find_hashed(&larger, value->key), value);
    }
    if (!allocated) {
        free_table(&larger);
        return false;
    }
    free_table(table);
    *table = larger;
    return true;
}

static void make_key(const uint8_t *value, nacre_dtype dtype, uint64_t key[2])
{
    nacre_dtype part = ncr_dtype_part(dtype);
    size_t size = ncr_dtype_size(dtype), part_size = ncr_dtype_size(part);
    key[0] = key[1] = 0;
    if (size == 2)
        memcpy(key, value, 2);
    else if (size == 4)
        memcpy(key, value, 4);
    else
        memcpy(key, value, size);
    for (size_t at = 0; !ncr_dtype_is_integer(part) && at < size; at += part_size) {
        double number;
        ncr_convert(value + at, part, 0, &number, NACRE_DTYPE_FLOAT64, 0, 1);
        if (number == 0 || isnan(number))
            memset((uint8_t *)key + at, isnan(number) ? 0xff : 0, part_size);
    }
}

/* Counts one value; *best is the first value that was as frequent as any is now. */
static bool count_value(tally_table *table, const uint8_t *value, nacre_dtype dtype, const uint8_t **best, size_t *most)
{
    tally first = {.value = value};
    make_key(value, dtype, first.key);
    tally *cell = find_tally(table, first.key);
    if (!cell->count && (table->used == FEW || table->used == table->size / 2)) {
        if (table->used == FEW)
            hash_list(table);
        else if (!grow_table(table))
            return false;
        cell = find_hashed(table, first.key);
    }
    if (!cell->count)
        add_tally(table, cell, &first);
    if (++cell->count > *most) {
        *most = cell->count;
        *best = cell->value;
    }
    return true;
}

static bool count_run(const ncr_scaled_task *t, const row_set *set, const ncr_axis_run *run, tally_table *table,
                      uint8_t *out)
{
    const ncr_scaled_job *job = t->job;
    size_t size = ncr_dtype_size(job->dtype), begin = (size_t)(run->first - job->source.x), most = 0;
    const uint8_t *best = NULL;
    clear_table(table);
    for (int j = 0; j < set->count; j++)
        for (size_t x = begin; x < begin + (size_t)run->length; x++)
            if ((!set->valid[j] || set->valid[j][x]) &&
                !count_value(table, set->rows[j] + x * size, job->dtype, &best, &most))
                return false;
    if (best)
        store_value(t, best, job->dtype, out);
    else
        store_fill(t, out);
    return true;
}

/* Likewise of bytes, for which a table of all values does. */
static void count_bytes(const ncr_scaled_task *t, const row_set *set, const ncr_axis_run *run, uint32_t counts[256],
                        uint8_t *out)
{
    size_t begin = (size_t)(run->first - t->job->source.x), end = begin + (size_t)run->length;
    uint32_t most = 0;
    uint8_t best = 0;
    for (int j = 0; j < set->count; j++)
        for (size_t x = begin; x < end; x++) {
            uint8_t value = set->rows[j][x];
            if (set->valid[j] && !set->valid[j][x])
                continue;
            if (++counts[value] > most) {
                most = counts[value];
                best = value;
            }
        }
    for (int j = 0; j < set->count; j++)
        for (size_t x = begin; x < end; x++)
            counts[set->rows[j][x]] = 0;
    if (most)
        store_value(t, &best, NACRE_DTYPE_UINT8, out);
    else
        store_fill(t, out);
}

/* GDAL does not look at masks where it counts bytes, but at the nodata value only. */
static void forget_masks(const ncr_scaled_task *t, row_set *set)
{
    bool has_nodata = t->band && (t->band->mask_flags & NACRE_MASK_NODATA);
    for (int j = 0; !has_nodata && j < set->count; j++)
        set->valid[j] = NULL;
}

bool ncr_scaled_count_rows(const ncr_scaled_task *t)
{
    const ncr_scaled_job *job = t->job;
    bool is_bytes = job->dtype == NACRE_DTYPE_UINT8;
    uint32_t counts[256] = {0};
    tally_table table = {0};
    row_set set;
    bool allocated = init_rows(&set, t) && (is_bytes || init_table(&table, 256));
    for (int y = t->from; allocated && y < t->to; y++) {
        uint8_t *out = ncr_scaled_out_row(job, t->band_index, y);
        fill_rows(&set, t, y);
        if (is_bytes)
            forget_masks(t, &set);
        for (int x = 0; allocated && x < job->out.width; x++, out += job->to.pixel_stride) {
            const ncr_axis_run *run = &job->columns.runs[job->out.x + x];
            if (is_bytes)
                count_bytes(t, &set, run, counts, out);
            else
                allocated = count_run(t, &set, run, &table, out);
        }
    }
    free_rows(&set);
    free_table(&table);
    return allocated;
}

/* --- Colours --- */

typedef struct {
    const ncr_scaled_task *of;
    nacre_color_entry *entries; /* owned; alpha 0: is left out */
    int count;
    int nothing;     /* the index that a pixel gets where nothing counts */
    double *indices; /* room for the indices of the source rows under an output row */
} mixer;

/* As GDAL: the entry of the nodata value is transparent; without one, nothing is the first transparent entry. */
static bool init_mixer(mixer *m, const ncr_scaled_task *t, int rows)
{
    const ncr_band *band = t->band;
    size_t cells;
    *m = (mixer){.of = t, .count = band->color_count, .nothing = -1};
    m->entries = ncr_alloc_array((size_t)m->count, sizeof *m->entries);
    if (!m->entries || !ncr_size_mul((size_t)rows, (size_t)t->job->source.width, &cells))
        return false;
    memcpy(m->entries, band->colors, (size_t)m->count * sizeof *m->entries);
    m->indices = ncr_alloc_array(cells, sizeof *m->indices);
    double nodata = band->nodata.value;
    if (band->nodata.is_set && nodata >= 0 && nodata < m->count)
        m->entries[(int)nodata].alpha = 0;
    for (int i = 0; !band->nodata.is_set && m->nothing < 0 && i < m->count; i++)
        m->nothing = m->entries[i].alpha ? -1 : i;
    return m->indices;
}

/* The opaque entry whose colour is nearest; of several, the first. */
static int nearest_entry(const mixer *m, const double color[3])
{
    int best = 0;
    double least = INFINITY;
    for (int i = 0; i < m->count; i++) {
        const nacre_color_entry *entry = &m->entries[i];
        double red = entry->red - color[0], green = entry->green - color[1], blue = entry->blue - color[2];
        double distance = red * red + green * green + blue * blue;
        if (entry->alpha && distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

/* The weight of a pixel: parts of pixels count whole. */
static double weight_of(const ncr_axis *axis, const ncr_axis_run *run, int at, bool by_weight)
{
    return by_weight ? axis->weights[run->weights + (size_t)at] : 1;
}

static double add_colors(const mixer *m, int y, const ncr_axis_run *run, double sums[3])
{
    const ncr_scaled_job *job = m->of->job;
    const ncr_axis_run *rows = &job->rows.runs[y];
    bool by_weight = job->resampling == NACRE_RESAMPLING_GAUSS, is_rms = job->resampling == NACRE_RESAMPLING_RMS;
    double total = 0;
    for (int j = 0; j < rows->length; j++)
        for (int i = 0; i < run->length; i++) {
            double index = m->indices[(int64_t)j * job->source.width + run->first - job->source.x + i];
            if (!(index >= 0 && index < m->count) || !m->entries[(int)index].alpha)
                continue;
            const nacre_color_entry *entry = &m->entries[(int)index];
            double weight = weight_of(&job->rows, rows, j, by_weight) * weight_of(&job->columns, run, i, by_weight);
            double color[3] = {entry->red, entry->green, entry->blue};
            for (int c = 0; c < 3; c++)
                sums[c] += weight * (is_rms ? color[c] * color[c] : color[c]);
            total += weight;
        }
    return total;
}

/* Halves are rounded up, also where weights have made a little less of them. */
static int mix_run(const mixer *m, int y, const ncr_axis_run *run)
{
    double sums[3] = {0, 0, 0}, total = add_colors(m, y, run, sums);
    if (total == 0)
        return -1;
    for (int c = 0; c < 3; c++) {
        double mean = sums[c] / total;
        sums[c] = floor((m->of->job->resampling == NACRE_RESAMPLING_RMS ? sqrt(floor(mean)) : mean) + 0.5 + 1e-9);
    }
    return nearest_entry(m, sums);
}

static void mix_row(mixer *m, int y)
{
    const ncr_scaled_task *t = m->of;
    const ncr_scaled_job *job = t->job;
    const ncr_axis_run *rows = &job->rows.runs[y];
    size_t width = (size_t)job->source.width;
    uint8_t *out = ncr_scaled_out_row(job, t->band_index, y);
    for (int j = 0; j < rows->length; j++)
        ncr_convert(ncr_scaled_source_row(job, t->band_index, rows->first + j), job->dtype,
                    (ptrdiff_t)ncr_dtype_size(job->dtype), m->indices + (size_t)j * width, NACRE_DTYPE_FLOAT64,
                    sizeof(double), width);
    for (int x = 0; x < job->out.width; x++, out += job->to.pixel_stride) {
        int mixed = mix_run(m, y, &job->columns.runs[job->out.x + x]);
        double index = mixed < 0 ? m->nothing : mixed;
        if (index < 0)
            store_fill(t, out);
        else
            store_value(t, &index, NACRE_DTYPE_FLOAT64, out);
    }
}

bool ncr_scaled_mix_colors(const ncr_scaled_task *t)
{
    int rows = 1;
    for (int y = t->from; y < t->to; y++)
        rows = t->job->rows.runs[y].length > rows ? t->job->rows.runs[y].length : rows;
    mixer m;
    bool allocated = init_mixer(&m, t, rows);
    for (int y = t->from; allocated && y < t->to; y++)
        mix_row(&m, y);
    free(m.entries);
    free(m.indices);
    return allocated;
}
