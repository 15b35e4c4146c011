/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "file_steps.h"

#include <string.h>

static nacre_status open_and_read(const char *path, uint64_t *result, nacre_error *err)
{
    static uint8_t buffers[3][5000];
    nacre_file *file;
    nacre_status status = nacre_file_open(path, NULL, &file, err);
    if (status != NACRE_OK)
        return status;
    nacre_range ranges[] = {{0, sizeof buffers[0], buffers[0], 0},
                            {7000, sizeof buffers[1], buffers[1], 0},
                            {nacre_file_size(file) - 100, sizeof buffers[2], buffers[2], 0}};
    status = nacre_file_read(file, ranges, 3, NULL, err);
    nacre_file_close(file);
    for (size_t i = 0; i < 3 && status == NACRE_OK; i++)
        result_add(result, buffers[i], ranges[i].got);
    return status;
}

nacre_status steps_read(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_status status = open_and_read(path, result, err);
    return status == NACRE_OK ? open_and_read(path, result, err) : status;
}

nacre_status steps_write(const char *path, size_t size, nacre_error *err)
{
    static uint8_t piece[1 << 20];
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (uint8_t)(i * 31 + i / 4096);
    nacre_writer *writer;
    nacre_status status = nacre_writer_open(path, NULL, NULL, &writer, err);
    if (status != NACRE_OK)
        return status;
    for (size_t done = 0, now; done < size && status == NACRE_OK; done += now) {
        now = size - done < sizeof piece ? size - done : sizeof piece;
        status = nacre_writer_write(writer, piece, now, err);
    }
    if (status == NACRE_OK)
        status = nacre_writer_commit(writer, err);
    nacre_writer_close(writer);
    return status;
}

nacre_status steps_stat(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_object_info info;
    nacre_status status = nacre_stat(path, NULL, &info, err);
    if (status == NACRE_OK)
        result_add(result, &info.size, sizeof info.size);
    nacre_object_info_free(&info);
    return status;
}

static bool add_entry(void *user, const nacre_object_info *info)
{
    result_add(user, info->path, strlen(info->path));
    result_add(user, &info->size, sizeof info->size);
    return true;
}

nacre_status steps_list(const char *path, uint64_t *result, nacre_error *err)
{
    nacre_list_options options = NACRE_LIST_OPTIONS_INIT;
    options.recursive = true;
    return nacre_list(path, &options, NULL, add_entry, result, err);
}
