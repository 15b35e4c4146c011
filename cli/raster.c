/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jobs.h"

/* --- Opening --- */

typedef struct open_job {
    const char *path;
    nacre_dataset **out;
} open_job;

static nacre_status open_one(cli_context *context, void *user, nacre_error *err)
{
    const open_job *job = user;
    return nacre_dataset_open(job->path, NULL, &context->io, job->out, err);
}

static const cli_jobs_kind opening = {
    .run = open_one, .job_free = free, .done = "opened", .is_alone = true, .stops = true};

int cli_open_all(cli_context *context, const char *const *paths, size_t count, nacre_dataset ***out)
{
    *out = calloc(count, sizeof(nacre_dataset *));
    cli_jobs *jobs = *out ? cli_jobs_begin(context, &opening) : NULL;
    if (!jobs)
        return cli_error(context, "out of memory");
    bool adding = true;
    for (size_t i = 0; i < count && adding; i++) {
        open_job *job = malloc(sizeof *job);
        adding = job != NULL;
        if (job) {
            *job = (open_job){paths[i], &(*out)[i]};
            adding = cli_jobs_add(jobs, job, 0);
        }
    }
    int status = cli_jobs_end(jobs);
    return status == CLI_OK && !adding ? cli_error(context, "out of memory") : status;
}

void cli_close_all(nacre_dataset **datasets, size_t count)
{
    for (size_t i = 0; datasets && i < count; i++)
        nacre_dataset_close(datasets[i]);
    free(datasets);
}

/* --- Saving --- */

int cli_save(cli_context *context, nacre_dataset *dataset, const char *path, const char *format,
             const cli_save_ids *ids)
{
    nacre_error error;
    nacre_save_options save = NACRE_SAVE_OPTIONS_INIT;
    const char **creation = cli_all(&context->values, ids->creation);
    save.creation = creation;
    save.format = format ? format : cli_text(&context->values, ids->format);
    save.overwrite = cli_has(&context->values, ids->overwrite);
    save.progress = cli_progress;
    save.user = context;
    nacre_status status = nacre_dataset_save(dataset, path, &save, &context->io, &error);
    free(creation);
    cli_progress_end(context);
    if (status == NACRE_OK)
        return CLI_OK;
    if (status == NACRE_ERROR_EXISTS && !save.overwrite && !cli_interrupted()) {
        fprintf(stderr, "nacre: %s (--overwrite replaces it)\n", error.message);
        return CLI_FAILED;
    }
    return cli_fail(context, status, &error);
}

/* --- Options --- */

int cli_read_resampling(cli_context *context, int id, nacre_resampling *out)
{
    const char *text = cli_text(&context->values, id);
    if (!text || nacre_resampling_from_name(text, out))
        return CLI_OK;
    return cli_usage(context, "no such resampling: %s", text);
}

int cli_read_dtype(cli_context *context, int id, nacre_dtype *out)
{
    const char *text = cli_text(&context->values, id);
    if (!text)
        return CLI_OK;
    *out = nacre_dtype_from_name(text);
    return *out != NACRE_DTYPE_UNKNOWN ? CLI_OK : cli_usage(context, "no such data type: %s", text);
}

int cli_read_number(cli_context *context, int id, double *out, bool *is_set)
{
    const char *text = cli_text(&context->values, id);
    *is_set = text != NULL;
    if (!text)
        return CLI_OK;
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end ? CLI_OK : cli_usage(context, "'%s' is not a number", text);
}

int cli_read_nodata(cli_context *context, int id, double **out, int *count, bool *is_none)
{
    const char *text = cli_text(&context->values, id);
    *out = NULL;
    *count = 0;
    *is_none = text && strcasecmp(text, "none") == 0;
    if (!text || *is_none)
        return CLI_OK;
    *out = calloc(strlen(text) + 1, sizeof **out);
    if (!*out)
        return cli_error(context, "out of memory");
    const char *at = text + strspn(text, ", ");
    do {
        char *end;
        (*out)[*count] = strtod(at, &end);
        if (end == at || (*end && *end != ',' && *end != ' '))
            return cli_usage(context, "nodata is a number, one for each band, or none, not '%s'", text);
        ++*count;
        at = end + strspn(end, ", ");
    } while (*at);
    return CLI_OK;
}

int cli_read_resolution(cli_context *context, int id, double *x, double *y)
{
    const char *text = cli_text(&context->values, id);
    double numbers[2];
    if (!text)
        return CLI_OK;
    if (cli_numbers(text, 1, numbers))
        numbers[1] = numbers[0];
    else if (!cli_numbers(text, 2, numbers))
        return cli_usage(context, "a resolution is X or X,Y, not '%s'", text);
    if (!(numbers[0] > 0) || !(numbers[1] > 0))
        return cli_usage(context, "a resolution is above 0, not '%s'", text);
    *x = numbers[0];
    *y = numbers[1];
    return CLI_OK;
}

int cli_read_bounds(cli_context *context, int id, double out[4], bool *is_set)
{
    const char *text = cli_text(&context->values, id);
    *is_set = text != NULL;
    if (!text)
        return CLI_OK;
    if (!cli_numbers(text, 4, out))
        return cli_usage(context, "bounds are LEFT,BOTTOM,RIGHT,TOP, not '%s'", text);
    if (!(out[0] < out[2]) || !(out[1] < out[3]))
        return cli_usage(context, "bounds '%s' are empty: left is below right, and bottom below top", text);
    return CLI_OK;
}

int cli_read_crs(cli_context *context, int id, nacre_crs **out)
{
    const char *text = cli_text(&context->values, id);
    nacre_error error;
    *out = NULL;
    if (!text)
        return CLI_OK;
    if (!*text)
        return cli_usage(context, "an empty CRS: give one such as EPSG:4326");
    nacre_status status = nacre_crs_from_text(text, out, &error);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

int cli_read_bands(cli_context *context, int id, int bands[CLI_BANDS_MAX], int *count)
{
    *count = 0;
    for (size_t i = 0; i < context->values.count; i++) {
        if (context->values.values[i].id != id)
            continue;
        const char *text = context->values.values[i].text;
        if (!*text)
            return cli_usage(context, "bands are numbers from 1, not nothing");
        while (*text) {
            char *end;
            long band = strtol(text, &end, 10);
            if (end == text || band < 1 || band > 65535 || *count == CLI_BANDS_MAX ||
                (*end && *end != ',' && *end != ' '))
                return cli_usage(context, "bands are numbers from 1, not '%s'", context->values.values[i].text);
            bands[(*count)++] = (int)band;
            text = end + strspn(end, ", ");
        }
    }
    return CLI_OK;
}

int cli_read_text(cli_context *context, const char *path, const char *what, char **out)
{
    enum { TEXT_MAX = 64 * 1024 * 1024 };
    nacre_file *file;
    nacre_error error;
    *out = NULL;
    nacre_status status = nacre_file_open(path, &context->io, &file, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    uint64_t size = nacre_file_size(file);
    char *text = size <= TEXT_MAX ? calloc(1, (size_t)size + 1) : NULL;
    nacre_range range = {.offset = 0, .length = (size_t)size, .buffer = text};
    if (text && size)
        status = nacre_file_read(file, &range, 1, &context->io, &error);
    nacre_file_close(file);
    if (text && status == NACRE_OK) {
        *out = text;
        return CLI_OK;
    }
    free(text);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    return cli_error(context, "%s: it is too large to be %s", path, what);
}
