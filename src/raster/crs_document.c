/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "raster/crs.h"

/* A CRS that a document tells. PROJ opens files which a definition names: the grids of a PROJ string or of a
 * PARAMETERFILE, the dictionary of +init. A name alone is looked for among PROJ's own data, which is harmless; one with
 * a separator leads anywhere. So separators are looked for where PROJ takes a text for a file: everywhere in a PROJ
 * string, in strings that hold one, in two nodes of WKT and in the string values of PROJJSON. */

typedef struct span {
    const char *text;
    size_t length;
} span;

/* The word with the first separator. */
static bool find_path(span in, span *out)
{
    static const char ends[] = " \t\r\n\",=";
    const char *end = in.text + in.length;
    for (const char *at = in.text; at < end; at++) {
        if (*at != '/' && *at != '\\')
            continue;
        const char *first = at;
        while (first > in.text && !strchr(ends, first[-1]))
            first--;
        while (at < end && !strchr(ends, *at))
            at++;
        *out = (span){first, (size_t)(at - first)};
        return true;
    }
    return false;
}

static bool has(span in, const char *part)
{
    return memmem(in.text, in.length, part, strlen(part)) != NULL;
}

static bool holds_proj_string(span in)
{
    return has(in, "proj=") || has(in, "init=");
}

/* --- WKT --- */

/* Where a string ends whose opening mark was before `at`; marks are doubled inside of it. */
static const char *string_end(const char *at, const char *close)
{
    for (; *at; at++) {
        if (!ncr_text_starts(at, close))
            continue;
        if (*at != '"' || at[1] != '"')
            break;
        at++;
    }
    return at;
}

/* Whether the word before a bracket is one of those whose strings are files. */
static bool opens_file_node(const char *text, const char *bracket)
{
    static const char *const words[] = {"EXTENSION", "PARAMETERFILE"};
    while (bracket > text && strchr(" \t\r\n", bracket[-1]))
        bracket--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(bracket - text) >= length && ncr_text_starts_nocase(bracket - length, words[i]))
            return true;
    }
    return false;
}

static bool wkt_names_file(const char *text, span *out)
{
    int depth = 0, file_depth = 0; /* of the outermost node of files that is open; 0: none */
    for (const char *at = text; *at; at++) {
        const char *close = *at == '"' ? "\"" : ncr_text_starts(at, "\xE2\x80\x9C") ? "\xE2\x80\x9D" : NULL;
        if (close) {
            const char *begin = at + strlen(close), *end = string_end(begin, close);
            span string = {begin, (size_t)(end - begin)};
            if ((file_depth || holds_proj_string(string)) && find_path(string, out))
                return true;
            if (!*end)
                return false;
            at = end + strlen(close) - 1;
        } else if (*at == '[' || *at == '(') {
            depth++;
            if (!file_depth && opens_file_node(text, at))
                file_depth = depth;
        } else if (*at == ']' || *at == ')') {
            file_depth = depth == file_depth ? 0 : file_depth;
            depth--;
        } else if (*at == '/' || *at == '\\') { /* PROJ takes values without marks, too */
            return find_path((span){at, strcspn(at, "])")}, out);
        }
    }
    return false;
}

/* PROJ takes for WKT what begins with a word and a bracket. */
static bool is_wkt(const char *text)
{
    size_t word = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    size_t blanks = strspn(text + word, " \t\r\n");
    return word && (text[word + blanks] == '[' || text[word + blanks] == '(');
}

/* --- PROJJSON --- */

static bool json_names_file(const json_t *value, bool is_value, span *out)
{
    const char *key;
    json_t *child;
    size_t index;
    if (json_is_string(value)) {
        span string = {json_string_value(value), json_string_length(value)};
        return (is_value || holds_proj_string(string)) && find_path(string, out);
    }
    json_object_foreach ((json_t *)value, key, child)
        if (json_names_file(child, strcmp(key, "value") == 0, out))
            return true;
    json_array_foreach (value, index, child)
        if (json_names_file(child, false, out))
            return true;
    return false;
}

/* --- All forms --- */

static nacre_status refuse(const char *name, span file, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_REFUSED,
                         "%s: refused: the document, which is not local, has a CRS that names the file %.*s; "
                         "sources=any allows that",
                         name, (int)(file.length < 200 ? file.length : 200), file.text);
}

static nacre_status check_files(const char *name, const char *text, nacre_error *err)
{
    span file;
    if (*text == '{') {
        json_t *root = json_loads(text, 0, NULL);
        if (!root)
            return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: unknown CRS: it is no PROJJSON", name);
        nacre_status status = json_names_file(root, false, &file) ? refuse(name, file, err) : NACRE_OK;
        json_decref(root);
        return status;
    }
    span whole = {text, strlen(text)};
    bool names_file = is_wkt(text) ? wkt_names_file(text, &file) : holds_proj_string(whole) && find_path(whole, &file);
    return names_file ? refuse(name, file, err) : NACRE_OK;
}

nacre_status ncr_crs_from_document(const char *name, const char *text, bool may_name_files, nacre_crs **out,
                                   nacre_error *err)
{
    *out = NULL;
    text += strspn(text, " \t\r\n");
    nacre_error reason = {0};
    nacre_status status = may_name_files ? NACRE_OK : check_files(name, text, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_crs_from_text(text, out, &reason);
    if (status == NACRE_OK || status == NACRE_ERROR_MEMORY)
        return status == NACRE_OK ? status : ncr_error_memory(err);
    return ncr_error_set(err, status, "%s: %s", name, reason.message);
}
