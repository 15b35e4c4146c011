/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "paths.h"

cli_pair *cli_pair_new(const char *source, const char *destination)
{
    cli_pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->source = strdup(source);
    pair->destination = strdup(destination);
    if (pair->source && pair->destination)
        return pair;
    cli_pair_free(pair);
    return NULL;
}

void cli_pair_free(void *user)
{
    cli_pair *pair = user;
    free(pair->source);
    free(pair->destination);
    free(pair);
}

nacre_write_options cli_pair_write_options(const cli_context *context, const cli_pair_options *ids)
{
    nacre_write_options out = NACRE_WRITE_OPTIONS_INIT;
    out.no_clobber = cli_has(&context->values, ids->no_clobber);
    out.if_version = cli_text(&context->values, ids->if_match);
    return out;
}

int cli_pair_check(cli_context *context, const cli_pair_options *ids)
{
    size_t sources = context->values.operand_count - 1;
    const char *destination = context->values.operands[sources];
    bool is_many = sources > 1 || cli_has(&context->values, ids->recursive);
    if (cli_has(&context->values, ids->no_clobber) && cli_has(&context->values, ids->if_match))
        return cli_usage(context, "--no-clobber and --if-match exclude each other");
    if (is_many && cli_has(&context->values, ids->if_match))
        return cli_usage(context, "--if-match is the version of one object, so give one, without -r");
    if (sources > 1 && strcmp(destination, "-") != 0 && !cli_path_is_folder(destination))
        return cli_usage(context, "several sources need a destination that ends with a slash");
    /* Nothing is read twice here, and what a million small objects would leave in the cache is of no use. */
    nacre_error error;
    if (nacre_config_set(context->config, "cache.size", "1 MiB", &error) != NACRE_OK)
        return cli_error(context, "%s", error.message);
    return CLI_OK;
}

static nacre_status out_of_memory(nacre_error *err)
{
    *err = (nacre_error){.status = NACRE_ERROR_MEMORY};
    snprintf(err->message, sizeof err->message, "out of memory");
    return NACRE_ERROR_MEMORY;
}

nacre_status cli_pair_make_parents(const cli_pair *pair, nacre_error *err)
{
    if (cli_make_parents(pair->destination))
        return NACRE_OK;
    *err = (nacre_error){.status = NACRE_ERROR_IO};
    snprintf(err->message, sizeof err->message, "%s: cannot make its folder: %s", pair->destination, strerror(errno));
    return NACRE_ERROR_IO;
}

/* --- Memory: copies within one store are the store's work. --- */

static bool is_within_store(const char *a, const char *b)
{
    const char *end = strstr(a, "://");
    return end && strncmp(a, b, (size_t)(end - a) + 3) == 0;
}

static uint64_t weight(const char *source, const char *destination, uint64_t size)
{
    return is_within_store(source, destination) ? 0 : cli_copy_weight(size);
}

static uint64_t size_of(const char *path)
{
    struct stat found;
    if (cli_path_is_local(path) && stat(path, &found) == 0 && S_ISREG(found.st_mode))
        return (uint64_t)found.st_size;
    return UINT64_MAX;
}

static bool add_pair(cli_jobs *jobs, const char *source, const char *destination, uint64_t size)
{
    cli_pair *pair = cli_pair_new(source, destination);
    nacre_error error;
    if (pair)
        return cli_jobs_add(jobs, pair, weight(source, destination, size));
    out_of_memory(&error);
    cli_jobs_refuse(jobs, &error);
    return false;
}

/* --- All that lies below a path. --- */

typedef struct tree {
    cli_jobs *jobs;
    const char *source, *destination;
    bool stopped;
} tree;

/* Objects such as "d/" are how stores keep folders: there is nothing in them to copy. Of local names only those are
 * taken that lead to a place below the destination which no other key leads to. */
static bool takes(tree *t, const nacre_object_info *info, const char *rest)
{
    size_t length = strlen(rest);
    bool is_local = cli_path_is_local(t->destination);
    if (!length || (is_local && rest[length - 1] == '/' && info->size == 0))
        return false;
    const char *bad = is_local ? cli_bad_local_name(rest) : NULL;
    if (!bad)
        return true;
    nacre_error error = {.status = NACRE_ERROR_INVALID};
    snprintf(error.message, sizeof error.message, "%s: its key has %s, which no local name can have: copy it by itself",
             info->path, bad);
    cli_jobs_refuse(t->jobs, &error);
    return false;
}

static bool on_entry(void *user, const nacre_object_info *info)
{
    tree *t = user;
    if (info->is_prefix)
        return !cli_interrupted();
    size_t length = strlen(t->source), destination_length = strlen(t->destination);
    bool ends = length && t->source[length - 1] == '/';
    bool below = strncmp(info->path, t->source, length) == 0 && (info->path[length] || ends);
    const char *rest = below ? info->path + length : cli_path_base(info->path);
    rest += below && *rest == '/' && !ends;
    if (!takes(t, info, rest))
        return !cli_interrupted();
    bool slash = destination_length && t->destination[destination_length - 1] == '/';
    char *destination = NULL;
    if (asprintf(&destination, "%s%s%s", t->destination, slash ? "" : "/", rest) < 0)
        return false;
    t->stopped = !add_pair(t->jobs, info->path, destination, info->size);
    free(destination);
    return !t->stopped;
}

static bool add_tree(cli_context *context, cli_jobs *jobs, const char *source, const char *destination)
{
    nacre_error error = {.status = NACRE_ERROR_INVALID};
    nacre_list_options list = NACRE_LIST_OPTIONS_INIT;
    list.recursive = true;
    tree t = {jobs, source, destination, false};
    if (cli_path_is_below(destination, source)) {
        snprintf(error.message, sizeof error.message, "%s: lies below %s, which would never end", destination, source);
        cli_jobs_refuse(jobs, &error);
        return true;
    }
    nacre_status status = nacre_list(source, &list, &context->io, on_entry, &t, &error);
    if (status != NACRE_OK)
        cli_jobs_refuse(jobs, &error);
    return !t.stopped && !cli_interrupted();
}

bool cli_pairs_add(cli_context *context, cli_jobs *jobs, const char *source, const char *destination,
                   const cli_pair_options *ids)
{
    if (cli_has(&context->values, ids->recursive))
        return add_tree(context, jobs, source, destination);
    char *target = cli_destination(source, destination);
    nacre_error error;
    bool added = target && add_pair(jobs, source, target, size_of(source));
    if (!target) {
        out_of_memory(&error);
        cli_jobs_refuse(jobs, &error);
    }
    free(target);
    return added;
}
