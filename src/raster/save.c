/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/save.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "raster/execute.h"

enum { MAX_SAVERS = 8 };
static const ncr_saver *savers[MAX_SAVERS];
static int saver_count;

void ncr_saver_register(const ncr_saver *saver)
{
    assert(saver_count < MAX_SAVERS);
    if (saver_count < MAX_SAVERS)
        savers[saver_count++] = saver;
}

static bool has_ending(const ncr_saver *saver, const char *path)
{
    for (const char *const *ending = saver->endings; ending && *ending; ending++)
        if (ncr_text_ends_nocase(path, *ending))
            return true;
    return false;
}

/* The names of all formats, "COG, GTiff, VRT". */
static void list_formats(char *out, size_t size)
{
    ncr_buffer names;
    ncr_buffer_init(&names, size);
    for (int i = 0; i < saver_count && savers[i]; i++)
        ncr_text_appendf(&names, "%s%s", i ? ", " : "", savers[i]->format);
    snprintf(out, size, "%s", names.data ? (const char *)names.data : "");
    ncr_buffer_clear(&names);
}

nacre_status ncr_saver_find(const char *format, const char *path, const ncr_saver **out, nacre_error *err)
{
    *out = NULL;
    for (int i = 0; i < saver_count && !*out; i++)
        if (format ? ncr_text_equal_nocase(savers[i]->format, format) : has_ending(savers[i], path))
            *out = savers[i];
    if (*out)
        return NACRE_OK;
    char formats[256];
    list_formats(formats, sizeof formats);
    if (format)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: format %s cannot be written: there are %s", path,
                             format, formats);
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: its ending names no format: say which of %s", path,
                         formats);
}

nacre_status ncr_save_check_destination(const ncr_save *save, nacre_error *err)
{
    ncr_object_facts facts;
    if (!save->condition.absent || ncr_vfs_stat(save->destination, save->call, &facts, NULL) != NACRE_OK)
        return NACRE_OK; /* whatever is wrong with it, the writer will say so */
    return ncr_error_set(err, NACRE_ERROR_EXISTS, "%s: exists already", save->destination->name);
}

nacre_status ncr_save_progress(const ncr_save *save, double fraction, nacre_error *err)
{
    const char *name = save->destination->name;
    nacre_status status = ncr_call_check(save->call, name, err);
    if (status == NACRE_OK && save->progress && !save->progress(save->user, fraction))
        return ncr_error_set(err, NACRE_ERROR_CANCELLED, "%s: cancelled", name);
    return status;
}

/* The length of the name in "NAME=VALUE". */
static size_t name_length(const char *option)
{
    return strcspn(option, "=");
}

static bool is_named(const char *option, const char *name)
{
    size_t length = name_length(option);
    return option[length] == '=' && strlen(name) == length && ncr_text_starts_nocase(option, name);
}

const char *ncr_save_option(const ncr_save *save, const char *name, const char *fallback)
{
    const char *value = fallback;
    for (const char *const *option = save->creation; option && *option; option++)
        if (is_named(*option, name))
            value = *option + name_length(*option) + 1;
    return value;
}

nacre_status ncr_save_check_options(const ncr_save *save, const char *const *names, nacre_error *err)
{
    for (const char *const *option = save->creation; option && *option; option++) {
        if (!strchr(*option, '='))
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: creation option %s is not KEY=VALUE",
                                 save->destination->name, *option);
        const char *const *name = names;
        while (*name && !is_named(*option, *name))
            name++;
        if (!*name)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown creation option %.*s", save->destination->name,
                                 (int)name_length(*option), *option);
    }
    return NACRE_OK;
}

nacre_status ncr_save_read(const ncr_save *save, const ncr_read_request *request, nacre_error *err)
{
    ncr_plan *plan = NULL;
    nacre_status status = ncr_dataset_plan_read(save->dataset, request, save->call, &plan, err);
    if (status == NACRE_OK)
        status = ncr_execute(plan, err);
    ncr_plan_free(plan);
    return status;
}
