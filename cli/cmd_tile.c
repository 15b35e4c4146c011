/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "colors.h"
#include "jobs.h"
#include "paths.h"
#include "raster.h"

enum { ZOOM = 1, OUTPUT, BANDS, RESCALE, COLORMAP, RESAMPLING, TMS, SRC_CRS, SHARD, THREADS };

static const cli_option options[] = {
    {ZOOM, "zoom", 'z', NULL, 0, "Z[-Z]", true, "all tiles of the zoom level, or of some, that show anything"},
    {OUTPUT, "output", 'o', NULL, 0, "FOLDER", false,
     "where Z/X/Y.png are written (.); '-' writes one to standard output"},
    {BANDS, "bands", 'b', "-b", 1, "N[,N...]", true, "one band, or three: red, green, blue"},
    {RESCALE, "rescale", 0, NULL, 0, "MIN,MAX", true, "values shown as 0 and 255; once, or once for each band"},
    {COLORMAP, "colormap", 0, NULL, 0, "NAME", false,
     "colours of one band: gray, viridis, magma, or a file of lines VALUE RED GREEN BLUE [ALPHA]"},
    {RESAMPLING, "resampling", 'r', "-r", 1, "ALG", false,
     "bilinear, or nearest cubic cubic_spline lanczos average mode max min med q1 q3 sum rms"},
    {TMS, "tms", 0, NULL, 0, "FILE", false, "an OGC tile matrix set as JSON (WebMercatorQuad)"},
    {SRC_CRS, "src-crs", 's', "-s_srs", 1, "CRS", false, "system of the raster, instead of its own"},
    {SHARD, "shard", 0, NULL, 0, "I/N", false, "the I-th of N equal parts of the tiles, I from 0 to N-1"},
    {THREADS, "threads", 0, NULL, 0, "N", false, "worker threads (all that the process may use)"},
    {0},
};

enum {
    ZOOMS = 1000,
    SIDE = 8,         /* of the squares that tiles are made in, so that neighbours find their blocks in the cache */
    WEIGHT = 8 << 20, /* memory of a tile that is being made */
};

typedef struct settings {
    nacre_tile_options tile;
    int bands[CLI_BANDS_MAX];
    double *rescale;
    nacre_color_entry colors[CLI_COLORS];
    char *matrix_set;
    bool zooms[ZOOMS], has_zoom;
    int64_t shard, shards;
    const char *folder;
    nacre_tiler *tiler;
} settings;

typedef struct job {
    const settings *s;
    int zoom;
    int64_t column, row;
    bool keeps_empty;
} job;

/* --- Options --- */

static int read_zooms(cli_context *context, settings *s)
{
    for (size_t i = 0; i < context->values.count; i++) {
        const char *text = context->values.values[i].text;
        if (context->values.values[i].id != ZOOM)
            continue;
        s->has_zoom = true;
        for (const char *at = text;; at++) {
            char *end;
            long first = strtol(at, &end, 10), last = first;
            bool good = end != at && *at >= '0' && *at <= '9';
            if (good && *end == '-') {
                at = end + 1;
                last = strtol(at, &end, 10);
                good = end != at && *at >= '0' && *at <= '9';
            }
            if (!good || (*end && *end != ',') || first > last || last >= ZOOMS)
                return cli_usage(context, "zoom levels are numbers from 0, Z or Z-Z, not '%s'", text);
            for (long zoom = first; zoom <= last; zoom++)
                s->zooms[zoom] = true;
            if (!*end)
                break;
            at = end;
        }
    }
    return CLI_OK;
}

static int read_rescale(cli_context *context, settings *s)
{
    const char **all = cli_all(&context->values, RESCALE);
    size_t count = 0;
    while (all && all[count])
        count++;
    s->rescale = calloc(count + 1, 2 * sizeof *s->rescale);
    if (!all || !s->rescale) {
        free(all);
        return cli_error(context, "out of memory");
    }
    int status = CLI_OK;
    for (size_t i = 0; i < count && status == CLI_OK; i++)
        if (!cli_numbers(all[i], 2, s->rescale + 2 * i) || !(s->rescale[2 * i] < s->rescale[2 * i + 1]))
            status = cli_usage(context, "--rescale takes MIN,MAX, the first less, not '%s'", all[i]);
    s->tile.rescale = s->rescale;
    s->tile.rescale_count = (int)count;
    free(all);
    return status;
}

static int read_shard(cli_context *context, settings *s)
{
    const char *text = cli_text(&context->values, SHARD);
    char *end;
    s->shards = 1;
    if (!text)
        return CLI_OK;
    s->shard = strtoll(text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && *end == '/' && end[1] >= '0' && end[1] <= '9';
    s->shards = good ? strtoll(end + 1, &end, 10) : 0;
    if (!good || *end || s->shard >= s->shards)
        return cli_usage(context, "--shard takes I/N, I from 0 to N-1, not '%s'", text);
    return CLI_OK;
}

/* What fits together, and the number of threads. */
static int check_settings(cli_context *context, const settings *s)
{
    const char *threads = cli_text(&context->values, THREADS);
    nacre_error error;
    if (!*s->folder)
        return cli_usage(context, "--output takes a folder, not nothing");
    if (s->has_zoom == (context->values.operand_count > 1))
        return cli_usage(context, "give either tiles as Z/X/Y or --zoom");
    if (strcmp(s->folder, "-") == 0 && context->values.operand_count != 2)
        return cli_usage(context, "standard output takes one tile");
    if (threads && nacre_config_set(context->config, "threads", threads, &error) != NACRE_OK)
        return cli_usage(context, "%s", error.message);
    return CLI_OK;
}

static int read_files(cli_context *context, settings *s)
{
    const char *map = cli_text(&context->values, COLORMAP), *tms = cli_text(&context->values, TMS);
    int status = cli_read_crs(context, SRC_CRS, &s->tile.src_crs);
    if (status == CLI_OK && map)
        status = cli_read_colors(context, map, s->colors);
    s->tile.color_map = map ? s->colors : NULL;
    if (status == CLI_OK && tms)
        status = cli_read_text(context, tms, "a tile matrix set", &s->matrix_set);
    s->tile.matrix_set = s->matrix_set;
    return status;
}

static int read_settings(cli_context *context, settings *s)
{
    int status = read_zooms(context, s);
    s->folder = cli_has(&context->values, OUTPUT) ? cli_text(&context->values, OUTPUT) : ".";
    if (status == CLI_OK)
        status = cli_read_bands(context, BANDS, s->bands, &s->tile.band_count);
    s->tile.bands = s->tile.band_count ? s->bands : NULL;
    if (status == CLI_OK)
        status = read_rescale(context, s);
    if (status == CLI_OK)
        status = cli_read_resampling(context, RESAMPLING, &s->tile.resampling);
    if (status == CLI_OK)
        status = read_shard(context, s);
    if (status == CLI_OK)
        status = check_settings(context, s);
    return status == CLI_OK ? read_files(context, s) : status;
}

/* --- Tiles --- */

/* Reads "Z/X/Y"; false for anything else. */
static bool read_tile(const char *text, job *out)
{
    long long numbers[3];
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*text < '0' || *text > '9')
            return false;
        errno = 0;
        numbers[i] = strtoll(text, &end, 10);
        if (errno || *end != (i < 2 ? '/' : '\0'))
            return false;
        text = end + 1;
    }
    out->zoom = numbers[0] < ZOOMS ? (int)numbers[0] : ZOOMS;
    out->column = numbers[1];
    out->row = numbers[2];
    return true;
}

static nacre_status no_memory(nacre_error *err)
{
    *err = (nacre_error){.status = NACRE_ERROR_MEMORY, .message = "out of memory"};
    return NACRE_ERROR_MEMORY;
}

static char *tile_path(const job *j)
{
    const char *folder = j->s->folder, *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    char *path;
    int length =
        asprintf(&path, "%s%s%d/%lld/%lld.png", folder, slash, j->zoom, (long long)j->column, (long long)j->row);
    return length < 0 ? NULL : path;
}

static nacre_status write_tile(cli_context *context, const char *path, const nacre_tile *tile, nacre_error *err)
{
    nacre_writer *writer;
    nacre_write_options how = NACRE_WRITE_OPTIONS_INIT;
    how.content_type = "image/png";
    if (cli_path_is_local(path) && !cli_make_parents(path)) {
        *err = (nacre_error){.status = NACRE_ERROR_IO};
        snprintf(err->message, sizeof err->message, "%.900s: no folder can be made for it: %s", path, strerror(errno));
        return NACRE_ERROR_IO;
    }
    nacre_status status = nacre_writer_open(path, &how, &context->io, &writer, err);
    if (status == NACRE_OK)
        status = nacre_writer_write(writer, tile->data, tile->size, err);
    if (status == NACRE_OK)
        status = nacre_writer_commit(writer, err);
    nacre_writer_close(writer);
    return status;
}

static nacre_status make_tile(cli_context *context, void *user, nacre_error *err)
{
    const job *j = user;
    nacre_tile tile;
    nacre_status status = nacre_tile_read(j->s->tiler, j->zoom, j->column, j->row, &context->io, &tile, err);
    if (status != NACRE_OK || (tile.is_empty && !j->keeps_empty)) {
        nacre_tile_clear(&tile);
        return status;
    }
    if (strcmp(j->s->folder, "-") == 0) {
        fwrite(tile.data, 1, tile.size, stdout); /* whether it could be written is seen at exit */
    } else {
        char *path = tile_path(j);
        status = path ? write_tile(context, path, &tile, err) : no_memory(err);
        free(path);
    }
    nacre_tile_clear(&tile);
    return status;
}

/* False: no more are wanted. */
static bool add_tile(cli_jobs *jobs, const job *tile)
{
    nacre_error error;
    job *copy = malloc(sizeof *copy);
    if (!copy) {
        no_memory(&error);
        cli_jobs_refuse(jobs, &error);
        return false;
    }
    *copy = *tile;
    return cli_jobs_add(jobs, copy, WEIGHT);
}

static int make_named(cli_context *context, settings *s, cli_jobs *jobs)
{
    for (size_t i = 1; i < context->values.operand_count; i++) {
        job tile = {.s = s, .keeps_empty = true};
        read_tile(context->values.operands[i], &tile);
        if ((int64_t)(i - 1) % s->shards == s->shard && !add_tile(jobs, &tile))
            break;
    }
    return cli_jobs_end(jobs);
}

/* Tiles [first, end) of all in their order. */
typedef struct part {
    int64_t first, end, at;
} part;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The tiles of a square, from its upper left tile on, that belong to the part. False: no more are wanted. */
static bool add_square(settings *s, cli_jobs *jobs, job tile, const nacre_tile_range *range, part *p)
{
    int64_t right = least(tile.column + SIDE, range->right), bottom = least(tile.row + SIDE, range->bottom);
    int64_t left = tile.column, count = (right - left) * (bottom - tile.row);
    if (p->at + count <= p->first || p->at >= p->end) {
        p->at += count;
        return true;
    }
    tile.s = s;
    for (; tile.row < bottom; tile.row++)
        for (tile.column = left; tile.column < right; tile.column++, p->at++)
            if (p->at >= p->first && p->at < p->end && !add_tile(jobs, &tile))
                return false;
    return true;
}

static int make_levels(settings *s, const nacre_tile_range *ranges, int64_t total, cli_jobs *jobs)
{
    /* Parts differ by one tile at most. */
    int64_t size = total / s->shards, rest = total % s->shards;
    part p = {.first = s->shard * size + least(s->shard, rest)};
    p.end = p.first + size + (s->shard < rest ? 1 : 0);
    bool goes_on = true;
    for (int zoom = 0; zoom < ZOOMS && goes_on; zoom++) {
        const nacre_tile_range *r = &ranges[zoom];
        for (int64_t row = r->top; row < r->bottom && goes_on; row += SIDE)
            for (int64_t column = r->left; column < r->right && goes_on; column += SIDE) {
                job tile = {.zoom = zoom, .column = column, .row = row};
                goes_on = add_square(s, jobs, tile, r, &p) && p.at < p.end;
            }
    }
    return cli_jobs_end(jobs);
}

static void job_free(void *user)
{
    free(user);
}

static int make_zooms(cli_context *context, settings *s, const cli_jobs_kind *kind)
{
    nacre_tile_range *ranges = calloc(ZOOMS, sizeof *ranges);
    int64_t total = 0;
    nacre_error error;
    if (!ranges)
        return cli_error(context, "out of memory");
    nacre_status status = NACRE_OK;
    for (int zoom = 0; zoom < ZOOMS && status == NACRE_OK; zoom++) {
        nacre_tile_range *r = &ranges[zoom];
        if (s->zooms[zoom])
            status = nacre_tiler_range(s->tiler, zoom, r, &error);
        int64_t count;
        if (__builtin_mul_overflow(r->right - r->left, r->bottom - r->top, &count) ||
            __builtin_add_overflow(total, count, &total))
            total = INT64_MAX;
    }
    cli_jobs *jobs = status == NACRE_OK ? cli_jobs_begin(context, kind) : NULL;
    int result = status != NACRE_OK ? cli_fail(context, status, &error)
                 : jobs             ? make_levels(s, ranges, total, jobs)
                                    : cli_error(context, "out of memory");
    free(ranges);
    return result;
}

static int make_all(cli_context *context, settings *s)
{
    const cli_jobs_kind kind = {make_tile, job_free, "tiles made", context->values.operand_count == 2, false};
    if (s->has_zoom)
        return make_zooms(context, s, &kind);
    cli_jobs *jobs = cli_jobs_begin(context, &kind);
    return jobs ? make_named(context, s, jobs) : cli_error(context, "out of memory");
}

static int run(cli_context *context)
{
    settings *s = calloc(1, sizeof *s);
    if (!s)
        return cli_error(context, "out of memory");
    s->tile = (nacre_tile_options)NACRE_TILE_OPTIONS_INIT;
    nacre_dataset *source = NULL;
    nacre_error error;
    int result = CLI_OK;
    for (size_t i = 1; i < context->values.operand_count && result == CLI_OK; i++) {
        job tile;
        if (!read_tile(context->values.operands[i], &tile))
            result = cli_usage(context, "a tile is Z/X/Y, three numbers from 0, not '%s'", context->values.operands[i]);
    }
    if (result == CLI_OK)
        result = read_settings(context, s);
    nacre_status status = NACRE_OK;
    if (result == CLI_OK)
        status = nacre_dataset_open(context->values.operands[0], NULL, &context->io, &source, &error);
    if (result == CLI_OK && status == NACRE_OK)
        status = nacre_tiler_new(source, &s->tile, &s->tiler, &error);
    if (result == CLI_OK)
        result = status == NACRE_OK ? make_all(context, s) : cli_fail(context, status, &error);
    nacre_tiler_unref(s->tiler);
    nacre_dataset_close(source);
    nacre_crs_unref(s->tile.src_crs);
    free(s->rescale);
    free(s->matrix_set);
    free(s);
    return result;
}

const cli_command cli_cmd_tile = {
    .name = "tile",
    .summary = "make map tiles of a raster: Z/X/Y.png in a folder or a bucket",
    .operands = "PATH [Z/X/Y...]",
    .operands_min = 1,
    .operands_max = -1,
    .options = options,
    .run = run,
};
