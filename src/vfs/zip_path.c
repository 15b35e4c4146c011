/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/zip_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vfs/url.h"
#include "vfs/zip_format.h"

static const char gdal_prefix[] = "/vsizip/";

bool ncr_zip_path_is(const char *text)
{
    const char *begin, *end;
    return ncr_text_starts(text, gdal_prefix) || ncr_text_starts_nocase(text, "zip://") ||
           (ncr_text_starts_nocase(text, "zip+") && ncr_url_authority(text, &begin, &end));
}

/* Length of an archive's name at the beginning of a text: up to an ending that archives have, before a slash or the
 * text's end. 0: there is none. */
static size_t archive_length(const char *text)
{
    static const char *const endings[] = {".zip", ".kmz", ".dwf", ".ods", ".xlsx", ".xlsm"};
    for (const char *dot = text; (dot = strchr(dot, '.')); dot++) {
        for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
            size_t length = strlen(endings[i]);
            if (ncr_text_starts_nocase(dot, endings[i]) && (dot[length] == '/' || !dot[length]))
                return (size_t)(dot - text) + length;
        }
    }
    return 0;
}

/* The brace that closes the one at *text; NULL: none does. */
static const char *closing(const char *text)
{
    size_t depth = 0;
    for (; *text; text++) {
        depth += *text == '{';
        if (*text == '}' && --depth == 0)
            return text;
    }
    return NULL;
}

bool ncr_zip_path_is_balanced(const char *text)
{
    size_t depth = 0;
    for (; *text; text++) {
        if (*text == '}' && !depth)
            return false;
        depth += *text == '{';
        depth -= *text == '}';
    }
    return !depth;
}

/* A text in three parts: what stands before the archive, the archive, what follows it. */
typedef struct cut {
    const char *archive;
    size_t length;
    const char *member; /* behind what parts them */
    bool lacks_slash;   /* "/vsizip/vsigs/...": GDAL's short way to write a second slash */
} cut;

static const char *cut_braces(const char *text, cut *out)
{
    const char *end = closing(text);
    if (!end)
        return "a brace in it is not closed";
    if (end[1] && end[1] != '/')
        return "a slash and a member's name come after the closing brace";
    *out = (cut){.archive = text + 1, .length = (size_t)(end - text) - 1, .member = end + 1 + (end[1] == '/')};
    return NULL;
}

static const char *cut_gdal(const char *text, cut *out)
{
    if (*text == '{')
        return cut_braces(text, out);
    size_t length = archive_length(text);
    if (!length)
        return "no name in it ends as an archive's does (.zip, ...); write the archive in braces: /vsizip/{...}/NAME";
    *out = (cut){.archive = text, .length = length, .member = text + length + (text[length] == '/')};
    out->lacks_slash = ncr_text_starts(text, "vsi");
    return NULL;
}

/* NULL, or why it cannot be cut. */
static const char *cut_text(const char *text, cut *out)
{
    if (ncr_text_starts(text, gdal_prefix))
        return cut_gdal(text + strlen(gdal_prefix), out);
    const char *archive = text + (text[3] == '+' ? strlen("zip+") : strlen("zip://"));
    const char *mark = strchr(archive, '!');
    size_t length = mark ? (size_t)(mark - archive) : archive_length(archive);
    if (!length && !mark)
        length = strlen(archive);
    *out = (cut){.archive = archive, .length = length};
    out->member = archive + length + (archive[length] ? 1 : 0);
    return NULL;
}

nacre_status ncr_zip_path_cut(const char *text, char **archive, char **member, const char **why, nacre_error *err)
{
    cut parts;
    bool above = false;
    *archive = *member = NULL;
    *why = cut_text(text, &parts);
    if (!*why && !parts.length)
        *why = "names no archive";
    if (*why)
        return NACRE_ERROR_INVALID;
    char *name = ncr_text_copy_n(parts.archive, parts.length);
    *archive = name ? ncr_text_format("%s%s", parts.lacks_slash ? "/" : "", name) : NULL;
    free(name);
    *member = *archive ? ncr_zip_member_name(parts.member, &above) : NULL;
    if (*member)
        return NACRE_OK;
    free(*archive);
    *archive = NULL;
    if (above)
        *why = "leads out of the archive";
    return above ? NACRE_ERROR_INVALID : ncr_error_memory(err);
}

/* --- Writing. --- */

/* "/vsizip/ARCHIVE/MEMBER", where that is read again as the same, else with braces. */
static char *gdal_text(const char *archive, const char *member)
{
    const char *slash = *member ? "/" : "";
    char *text = ncr_text_format("%s%s%s%s", gdal_prefix, archive, slash, member);
    cut parts;
    if (!text)
        return NULL;
    bool is_same = *archive != '{' && !cut_text(text, &parts) && !parts.lacks_slash && parts.length == strlen(archive);
    if (is_same)
        return text;
    free(text);
    return ncr_text_format("%s{%s}%s%s", gdal_prefix, archive, slash, member);
}

char *ncr_zip_path_text(const ncr_path *path, ncr_spelling spelling)
{
    char *url = ncr_path_text(path->archive, NCR_SPELLING_URL);
    char *gdal = ncr_path_text(path->archive, NCR_SPELLING_GDAL), *text = NULL;
    bool has_mark = url && strchr(url, '!');
    if (url && gdal && (has_mark || (spelling == NCR_SPELLING_GDAL && ncr_zip_path_is_balanced(gdal))))
        text = gdal_text(gdal, path->key);
    else if (url && gdal)
        text =
            ncr_text_format("%s%s!%s", strcmp(path->archive->scheme, "file") == 0 ? "zip://" : "zip+", url, path->key);
    free(url);
    free(gdal);
    return text;
}

const char *ncr_zip_path_mark(const char *text)
{
    size_t length = strlen(text);
    if (!length || text[length - 1] == '/')
        return "";
    if (ncr_text_starts(text, gdal_prefix))
        return "/";
    return strchr(text, '!') ? "" : "!";
}

char *ncr_zip_path_shown(const char *text)
{
    cut parts;
    if (cut_text(text, &parts) || !parts.length) {
        char *copy = ncr_text_copy(text);
        if (copy)
            ncr_text_hide_secrets(copy);
        return copy;
    }
    char *name = ncr_text_copy_n(parts.archive, parts.length);
    char *archive = name ? ncr_text_format("%s%s", parts.lacks_slash ? "/" : "", name) : NULL;
    char *shown = NULL, *whole = NULL;
    if (archive && ncr_zip_path_is(archive)) { /* which is refused: archives in archives are not read */
        shown = ncr_text_copy(archive);
        if (shown)
            ncr_text_hide_secrets(shown);
    } else if (archive) {
        shown = ncr_path_shown(archive);
    }
    char *before = ncr_text_copy_n(text, (size_t)(parts.archive - text));
    if (shown && before)
        whole = ncr_text_format("%s%s%s", before, shown + (parts.lacks_slash && *shown == '/'),
                                parts.archive + parts.length);
    free(name);
    free(archive);
    free(shown);
    free(before);
    return whole;
}
