/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file/file.h"

/* Listings of local directories, in the order of the keys' bytes and with the rules of a store: a prefix is a run of
 * bytes, so "/data/sc" lists what in /data begins with "sc". A directory counts as its name with a "/" at the end,
 * which is also where it sorts. A page goes on after the last key of the page before; to get there, only directories
 * on the way to that key are read again. Links to directories are named but never walked into, so a loop of links
 * cannot be entered. */

typedef struct child {
    char *name; /* with "/" at the end for a directory */
    bool is_directory, is_link;
} child;

typedef struct children {
    child *items;
    size_t count, capacity;
} children;

typedef struct walk {
    ncr_list_op *op;
    size_t capacity; /* of op->entries */
    size_t most;
    bool full;
} walk;

static void children_clear(children *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static int compare_children(const void *a, const void *b)
{
    return strcmp(((const child *)a)->name, ((const child *)b)->name);
}

/* Adds a name of a directory if it is an object or a directory; what vanished in the meantime, dangling links,
 * sockets and pipes are left out. */
static nacre_status add_child(int directory, const struct dirent *entry, children *list, nacre_error *err)
{
    struct stat st;
    bool is_link = entry->d_type == DT_LNK;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || is_link) {
        if (entry->d_type == DT_UNKNOWN && fstatat(directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            is_link = S_ISLNK(st.st_mode);
        if (fstatat(directory, entry->d_name, &st, 0) != 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
            return NACRE_OK;
        is_directory = S_ISDIR(st.st_mode);
    } else if (entry->d_type != DT_DIR && entry->d_type != DT_REG) {
        return NACRE_OK;
    }
    char *name = ncr_text_format(is_directory ? "%s/" : "%s", entry->d_name);
    if (!name || !ncr_array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        free(name);
        return ncr_error_memory(err);
    }
    list->items[list->count++] = (child){.name = name, .is_directory = is_directory, .is_link = is_link};
    return NACRE_OK;
}

/* The sorted names in a directory that begin with `beginning`. */
static nacre_status read_directory(int fd, DIR *stream, const char *path, const char *beginning, children *out,
                                   nacre_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno)
            return ncr_error_errno(err, errno, path, "list");
        if (!entry)
            break;
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || ncr_file_is_temporary(name))
            continue;
        if (!ncr_text_starts(name, beginning))
            continue;
        nacre_status status = add_child(fd, entry, out, err);
        if (status != NACRE_OK)
            return status;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare_children);
    return NACRE_OK;
}

/* Whether everything at or below key was given by an earlier page. */
static bool is_before_page(const walk *w, const char *key, bool walked_into)
{
    const char *page = w->op->page;
    if (!page)
        return false;
    if (walked_into && ncr_text_starts(page, key))
        return false;
    return strcmp(key, page) <= 0;
}

static nacre_status add_entry(walk *w, const char *key, bool is_prefix, const ncr_object_facts *facts)
{
    ncr_list_op *op = w->op;
    if (op->entry_count == w->most) {
        w->full = true;
        op->next_page = ncr_text_copy(op->entries[op->entry_count - 1].key);
        return op->next_page ? NACRE_OK : ncr_error_memory(&op->error);
    }
    return ncr_list_op_add(op, &w->capacity, key, is_prefix, facts) ? NACRE_OK : ncr_error_memory(&op->error);
}

static nacre_status walk_directory(walk *w, const char *directory, const char *beginning);

/* A directory that cannot be listed, in the words of who asked: the name, and what lies below the key it stands for. */
static nacre_status cannot_list(const walk *w, const char *path, int why)
{
    const ncr_object *object = w->op->object;
    const char *rest = ncr_text_starts(path, object->key) ? path + strlen(object->key) : "";
    char *shown = ncr_text_format("%s%s", object->name, rest);
    nacre_status status = ncr_error_errno(&w->op->error, why, shown ? shown : path, "list");
    free(shown);
    return status;
}

static nacre_status walk_child(walk *w, const char *key, const child *c)
{
    bool walked_into = c->is_directory && w->op->recursive;
    if (is_before_page(w, key, walked_into) || (walked_into && c->is_link))
        return NACRE_OK;
    if (walked_into)
        return walk_directory(w, key, "");
    if (c->is_directory)
        return add_entry(w, key, true, NULL);
    ncr_object_facts facts;
    struct stat st;
    if (stat(key, &st) != 0) /* gone since the directory was read, or a link that leads nowhere */
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES ? NACRE_OK
                                                                                        : cannot_list(w, key, errno);
    if (!S_ISREG(st.st_mode))
        return NACRE_OK;
    ncr_file_facts_from(&st, &facts);
    return add_entry(w, key, false, &facts);
}

/* `directory` is "" (the current one) or ends with "/"; keys are it and the names in it. */
static nacre_status walk_directory(walk *w, const char *directory, const char *beginning)
{
    const char *path = *directory ? directory : ".";
    nacre_status status = ncr_call_check(w->op->call, w->op->object->name, &w->op->error);
    if (status != NACRE_OK)
        return status;
    DIR *stream = opendir(path);
    if (!stream && (errno == ENOENT || errno == ENOTDIR))
        return NACRE_OK; /* no key begins so */
    if (!stream)
        return cannot_list(w, path, errno);
    children list = {0};
    status = read_directory(dirfd(stream), stream, path, beginning, &list, &w->op->error);
    closedir(stream);
    for (size_t i = 0; i < list.count && status == NACRE_OK && !w->full; i++) {
        char *key = ncr_text_format("%s%s", directory, list.items[i].name);
        status = key ? walk_child(w, key, &list.items[i]) : ncr_error_memory(&w->op->error);
        free(key);
    }
    children_clear(&list);
    return status;
}

void ncr_file_list(ncr_list_op *op)
{
    walk w = {.op = op, .most = op->max_entries ? op->max_entries : 1000};
    const char *slash = strrchr(op->object->key, '/');
    const char *beginning = slash ? slash + 1 : op->object->key;
    char *directory = ncr_text_copy_n(op->object->key, (size_t)(beginning - op->object->key));
    nacre_status status = directory ? walk_directory(&w, directory, beginning) : ncr_error_memory(&op->error);
    free(directory);
    ncr_list_op_end(op, status);
}
