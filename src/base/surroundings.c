/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/surroundings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/memory.h"
#include "base/text.h"

/* A file that was changed within so many seconds may be changed again within one tick of its clock. */
enum { YOUNG_S = 2 };

typedef struct {
    int error; /* of stat; 0: the rest counts */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
} file_state;

struct ncr_surroundings {
    ncr_settings settings;
    char *cache, *path;
    file_state file;
    char **variables; /* the pointers of the environment: setenv() never changes a text that is in it */
    char **texts;     /* copies of those that count, since putenv() leaves them to the program; NULL for others */
    size_t count;
};

static bool begins_with_name(const char *variable, const char *name)
{
    size_t length = strlen(name);
    return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool counts(const char *variable)
{
    if (strncmp(variable, "NACRE_", 6) == 0 || begins_with_name(variable, "HOME") ||
        begins_with_name(variable, "XDG_CONFIG_HOME"))
        return true;
    for (int key = 0; key < NCR_KEY_COUNT; key++)
        for (int i = 0; i < 4 && ncr_key_rows[key].community[i]; i++)
            if (begins_with_name(variable, ncr_key_rows[key].community[i]))
                return true;
    return false;
}

static void look_at(const char *path, file_state *out)
{
    struct stat found;
    *out = (file_state){.error = ENOENT};
    if (!path)
        return;
    out->error = stat(path, &found) ? errno : 0;
    if (!out->error)
        *out = (file_state){.device = found.st_dev,
                            .inode = found.st_ino,
                            .size = found.st_size,
                            .modified = found.st_mtim,
                            .changed = found.st_ctim};
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same_file(const file_state *a, const file_state *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

static bool is_young(const file_state *file)
{
    return !file->error && time(NULL) - file->changed.tv_sec < YOUNG_S;
}

/* The environment; one without variables where the program has taken it away. */
static char **environment(void)
{
    static char *none[1];
    return environ ? environ : none;
}

static bool note_variables(ncr_surroundings *noted)
{
    char **variables = environment();
    while (variables[noted->count])
        noted->count++;
    if (!noted->count)
        return true;
    noted->variables = ncr_alloc_array(noted->count, sizeof *noted->variables);
    noted->texts = ncr_alloc_array(noted->count, sizeof *noted->texts);
    if (!noted->variables || !noted->texts)
        return false;
    for (size_t i = 0; i < noted->count; i++) {
        noted->variables[i] = variables[i];
        if (counts(variables[i]) && !(noted->texts[i] = ncr_text_copy(variables[i])))
            return false;
    }
    return true;
}

static bool has_same_variables(const ncr_surroundings *noted)
{
    char **variables = environment();
    for (size_t i = 0; i < noted->count; i++)
        if (variables[i] != noted->variables[i] || (noted->texts[i] && strcmp(noted->texts[i], variables[i]) != 0))
            return false;
    return !variables[noted->count];
}

ncr_surroundings *ncr_surroundings_note(const ncr_settings *settings, const char *path)
{
    ncr_surroundings *noted = calloc(1, sizeof *noted);
    if (!noted)
        return NULL;
    noted->settings = *settings;
    noted->cache = settings->cache ? ncr_text_copy(settings->cache) : NULL;
    noted->path = path ? ncr_text_copy(path) : NULL;
    look_at(path, &noted->file);
    bool is_whole = (noted->cache || !settings->cache) && (noted->path || !path) && note_variables(noted);
    if (is_whole && !is_young(&noted->file))
        return noted;
    ncr_surroundings_free(noted);
    return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool ncr_surroundings_last(const ncr_surroundings *noted, const ncr_settings *settings)
{
    if (noted->settings.own != settings->own || noted->settings.global != settings->global ||
        !is_same_text(noted->cache, settings->cache) || !has_same_variables(noted))
        return false;
    file_state now;
    look_at(noted->path, &now);
    return is_same_file(&noted->file, &now);
}

void ncr_surroundings_free(ncr_surroundings *noted)
{
    if (!noted)
        return;
    for (size_t i = 0; noted->texts && i < noted->count; i++)
        free(noted->texts[i]);
    free(noted->texts);
    free(noted->variables);
    free(noted->cache);
    free(noted->path);
    free(noted);
}
