/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vfs/path.h"

/* The path grammar. The input is a path, or two of them with a newline between: a document, and a name in it. Besides
 * not crashing, what is promised of paths is checked: writing a path in either spelling and reading it again names the
 * same object, and a relative name leads back. */

static void require(int holds, const char *what, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

static int same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Whether two local paths are one, as far as that can be told from their texts. */
static int same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    ncr_path_absolute(a, &x, NULL);
    ncr_path_absolute(b, &y, NULL);
    int same = same_text(x, y);
    free(x);
    free(y);
    return same;
}

static int same_object(const ncr_path *a, const ncr_path *b)
{
    if (strcmp(a->scheme, "file") == 0 && strcmp(b->scheme, "file") == 0)
        return same_file(a->key, b->key);
    return same_text(a->scheme, b->scheme) && same_text(a->location, b->location) && same_text(a->bucket, b->bucket) &&
           same_text(a->key, b->key);
}

static void check_spelling(const ncr_path *path, ncr_spelling spelling)
{
    ncr_path again;
    char *text = ncr_path_text(path, spelling);
    require(text && ncr_path_parse(text, &again, NULL) == NACRE_OK, "not read again", text);
    require(same_object(path, &again), "another object", text);
    ncr_path_clear(&again);
    free(text);
}

static void check_path(const char *text)
{
    ncr_path path;
    nacre_error err;
    char *shown = ncr_path_shown(text);
    require(shown != NULL, "not shown", text);
    free(shown);
    nacre_status status = ncr_path_parse(text, &path, &err);
    if (status != NACRE_OK) {
        require(err.status == status && err.message[0] && !path.scheme, "failure without an error", text);
        return;
    }
    require(path.scheme && path.bucket && path.key, "half a path", text);
    check_spelling(&path, NCR_SPELLING_URL);
    check_spelling(&path, NCR_SPELLING_GDAL);
    ncr_path_clear(&path);
}

static void check_pair(const char *base, const char *name)
{
    char *joined = NULL, *relative = NULL, *back = NULL;
    ncr_path target, again;
    if (ncr_path_join(base, name, &joined, NULL) == NACRE_OK)
        check_path(joined);
    if (ncr_path_relative(base, name, &relative, NULL) == NACRE_OK && relative) {
        require(ncr_path_join(base, relative, &back, NULL) == NACRE_OK, "not joined", relative);
        require(ncr_path_parse(name, &target, NULL) == NACRE_OK, "not parsed", name);
        require(ncr_path_parse(back, &again, NULL) == NACRE_OK, "not parsed", back);
        /* Where a local name leads depends on links, too. */
        if (strcmp(target.scheme, "file") != 0)
            require(same_object(&target, &again), "does not lead back", relative);
        ncr_path_clear(&target);
        ncr_path_clear(&again);
    }
    free(joined);
    free(relative);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = ncr_text_copy_n((const char *)data, size);
    if (!text)
        return 0;
    char *name = strchr(text, '\n');
    if (name)
        *name++ = '\0';
    check_path(text);
    if (name)
        check_pair(text, name);
    free(text);
    return 0;
}
