/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

/* The items of the domain, and what they are called in an RPB file. Optional ones may be missing. */
typedef struct item {
    const char *key, *name;
    bool is_list, is_optional;
} item;

static const item items[] = {
    {"ERR_BIAS", "errBias", false, true},           {"ERR_RAND", "errRand", false, true},
    {"LINE_OFF", "lineOffset", false, false},       {"SAMP_OFF", "sampOffset", false, false},
    {"LAT_OFF", "latOffset", false, false},         {"LONG_OFF", "longOffset", false, false},
    {"HEIGHT_OFF", "heightOffset", false, false},   {"LINE_SCALE", "lineScale", false, false},
    {"SAMP_SCALE", "sampScale", false, false},      {"LAT_SCALE", "latScale", false, false},
    {"LONG_SCALE", "longScale", false, false},      {"HEIGHT_SCALE", "heightScale", false, false},
    {"LINE_NUM_COEFF", "lineNumCoef", true, false}, {"LINE_DEN_COEFF", "lineDenCoef", true, false},
    {"SAMP_NUM_COEFF", "sampNumCoef", true, false}, {"SAMP_DEN_COEFF", "sampDenCoef", true, false},
};

enum { ITEMS = sizeof items / sizeof *items, LIST = 20, NAME_SIZE = 40, FILE_MAX = 64 * 1024 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What follows `name` and `mark` where a line begins with them; NULL: no line does. */
static const char *value_of(const char *text, const char *name, char mark)
{
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        while (is_space(*line))
            line++;
        const char *at = line + length;
        if (!*line)
            return NULL;
        if (strncasecmp(line, name, length) != 0)
            continue;
        while (*at == ' ' || *at == '\t')
            at++;
        if (*at != mark)
            continue;
        at++;
        while (*at == ' ' || *at == '\t')
            at++;
        return at;
    }
    return NULL;
}

static bool append_until(ncr_buffer *out, const char *value, const char *ends)
{
    size_t size = strcspn(value, ends);
    while (size && is_space(value[size - 1]))
        size--;
    return ncr_buffer_append(out, value, size);
}

/* --- _RPC.TXT: "KEY: value", lists as KEY_1 to KEY_20; GDAL's list ends with a space. --- */

static bool read_line(const char *text, const item *it, ncr_buffer *out, bool *found)
{
    const char *value = value_of(text, it->key, ':');
    *found = value;
    return !value || append_until(out, value, "\r\n");
}

static bool read_lines(const char *text, const item *it, ncr_buffer *out, bool *found)
{
    bool is_kept = true;
    *found = true;
    for (int i = 1; i <= LIST && *found && is_kept; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s_%d", it->key, i);
        const char *value = value_of(text, name, ':');
        *found = value;
        is_kept = !value || (append_until(out, value, "\r\n") && ncr_buffer_append(out, " ", 1));
    }
    return is_kept;
}

/* --- .RPB: "name = value;", lists "(1, 2, ...)" over several lines. --- */

static bool read_field(const char *text, const item *it, ncr_buffer *out, bool *found)
{
    const char *value = value_of(text, it->name, '=');
    *found = value;
    return !value || append_until(out, value, ";\r\n");
}

static bool read_bracket(const char *text, const item *it, ncr_buffer *out, bool *found)
{
    const char *at = value_of(text, it->name, '=');
    int count = 0;
    bool is_kept = true;
    *found = at && *at == '(';
    if (!*found)
        return true;
    for (at++; *at && *at != ')' && is_kept; count++) {
        while (is_space(*at) || *at == ',')
            at++;
        size_t size = strcspn(at, ",) \t\r\n");
        is_kept = (!count || ncr_buffer_append(out, " ", 1)) && ncr_buffer_append(out, at, size);
        at += size;
        while (is_space(*at))
            at++;
    }
    *found = count == LIST;
    return is_kept;
}

/* --- Both --- */

static nacre_status read_items(const char *text, bool is_rpb, ncr_metadata *found, bool *whole, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    *whole = true;
    for (size_t i = 0; i < ITEMS && *whole && status == NACRE_OK; i++) {
        const item *it = &items[i];
        bool is_there = false, is_kept;
        ncr_buffer value;
        ncr_buffer_init(&value, FILE_MAX);
        if (is_rpb)
            is_kept = (it->is_list ? read_bracket : read_field)(text, it, &value, &is_there);
        else
            is_kept = (it->is_list ? read_lines : read_line)(text, it, &value, &is_there);
        if (!is_kept || !ncr_buffer_append(&value, "", 1))
            status = ncr_error_memory(err);
        else if (is_there)
            status = ncr_metadata_set(found, "RPC", it->key, (const char *)value.data, err);
        *whole = is_there || it->is_optional;
        ncr_buffer_clear(&value);
    }
    return status;
}

nacre_status ncr_tiff_rpc_read(const char *text, size_t size, ncr_metadata *out, nacre_error *err)
{
    if (size > FILE_MAX)
        return NACRE_OK;
    char *copy = ncr_text_copy_n(text, size);
    if (!copy)
        return ncr_error_memory(err);
    bool is_rpb = value_of(copy, "lineOffset", '='), whole = false;
    ncr_metadata found = {0};
    nacre_status status = read_items(copy, is_rpb, &found, &whole, err);
    for (size_t i = 0; i < found.count && whole && status == NACRE_OK; i++)
        status = ncr_metadata_set(out, "RPC", found.items[i].key, found.items[i].value, err);
    ncr_metadata_clear(&found);
    free(copy);
    return status;
}
