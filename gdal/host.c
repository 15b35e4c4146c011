/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cache/map.h"
#include "gdal_nacre.h"

static const char *const prefixes[NCR_GDAL_PREFIX_COUNT] = NCR_GDAL_PREFIX_NAMES;

static ncr_gdal_host *hosts[NCR_GDAL_MOST_HOSTS];
static size_t host_count;

size_t ncr_gdal_hosts(ncr_gdal_host *const **list)
{
    *list = hosts;
    return host_count;
}

/* --- Finding. --- */

/* The names of all loaded objects, copied, since nothing may be opened while they are walked. */
typedef struct name_list {
    char **names;
    size_t count, capacity;
    bool is_full;
} name_list;

static int add_name(struct dl_phdr_info *info, size_t size, void *user)
{
    name_list *list = user;
    (void)size;
    char *name = ncr_text_copy(info->dlpi_name ? info->dlpi_name : "");
    if (!name || !ncr_array_reserve(&list->names, &list->capacity, list->count + 1, sizeof *list->names)) {
        free(name);
        list->is_full = true;
        return 1;
    }
    list->names[list->count++] = name;
    return 0;
}

static void free_names(name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
}

/* A symbol as a function pointer: POSIX lets the two be the same, ISO C does not say so. */
static bool look_up(void *library, const char *name, void *out)
{
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* Fills in the table; the name of the first function that is needed and missing, or NULL. */
static const char *look_up_all(void *library, gdal_api *api)
{
    const struct {
        const char *name;
        void *out;
        bool is_needed;
    } rows[] = {
        {"GDALVersionInfo", &api->GDALVersionInfo, true},
        {"VSIAllocFilesystemPluginCallbacksStruct", &api->VSIAllocFilesystemPluginCallbacksStruct, true},
        {"VSIFreeFilesystemPluginCallbacksStruct", &api->VSIFreeFilesystemPluginCallbacksStruct, true},
        {"VSIInstallPluginHandler", &api->VSIInstallPluginHandler, true},
        {"CPLError", &api->CPLError, true},
        {"CPLGetConfigOption", &api->CPLGetConfigOption, true},
        {"CPLSetConfigOption", &api->CPLSetConfigOption, true},
        {"CSLDestroy", &api->CSLDestroy, true},
        {"VSICalloc", &api->VSICalloc, true},
        {"VSIStatExL", &api->VSIStatExL, true},
        {"VSIError", &api->VSIError, false},
        {"VSIGetPathSpecificOption", &api->VSIGetPathSpecificOption, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!look_up(library, rows[i].name, rows[i].out) && rows[i].is_needed)
            return rows[i].name;
    return NULL;
}

static bool is_known(const void *base)
{
    for (size_t i = 0; i < host_count; i++)
        if (hosts[i]->base == base)
            return true;
    return false;
}

static void free_host(ncr_gdal_host *host)
{
    if (!host)
        return;
    if (host->library)
        dlclose(host->library);
    free(host->path);
    free(host);
}

static nacre_status fill_host(ncr_gdal_host *host, nacre_error *err)
{
    const char *missing = look_up_all(host->library, &host->api);
    if (missing)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: this GDAL has no %s(), which the plugin needs",
                             host->path, missing);
    if (!ncr_text_to_int(host->api.GDALVersionInfo("VERSION_NUM"), &host->version))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: this GDAL does not tell its version", host->path);
    snprintf(host->release, sizeof host->release, "%s", host->api.GDALVersionInfo("RELEASE_NAME"));
    if (host->version < GDAL_OLDEST)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: this is GDAL %s; the plugin needs 3.4 or newer",
                             host->path, host->release);
    for (size_t i = 0; i < NCR_GDAL_PREFIX_COUNT; i++)
        host->mounts[i] = (ncr_gdal_mount){.host = host, .prefix = prefixes[i]};
    return NACRE_OK;
}

/* Makes a host of the object that holds the function at `symbol`, which stays open for good: GDAL cannot go while it
 * has our handlers. */
static nacre_status add_host(const Dl_info *where, nacre_error *err)
{
    if (host_count == NCR_GDAL_MOST_HOSTS)
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: there are more than %d libgdals in this process",
                             where->dli_fname, NCR_GDAL_MOST_HOSTS);
    ncr_gdal_host *host = calloc(1, sizeof *host);
    if (!host)
        return ncr_error_memory(err);
    host->base = where->dli_fbase;
    host->path = ncr_text_copy(where->dli_fname);
    nacre_status status = host->path ? NACRE_OK : ncr_error_memory(err);
    /* The program itself is found by its name too, but for a relative one. */
    host->library = dlopen(where->dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!host->library)
        host->library = dlopen(NULL, RTLD_LAZY);
    if (status == NACRE_OK)
        status = fill_host(host, err);
    if (status != NACRE_OK) {
        free_host(host);
        return status;
    }
    hosts[host_count++] = host;
    return NACRE_OK;
}

/* Whether an object has the function that installs handlers, itself or through what it needs. */
static bool find_installer(const char *name, Dl_info *out)
{
    void *library = dlopen(name[0] ? name : NULL, RTLD_LAZY | RTLD_NOLOAD);
    if (!library)
        return false;
    void *symbol = dlsym(library, "VSIInstallPluginHandler");
    const bool found = symbol && dladdr(symbol, out) && out->dli_fname;
    dlclose(library);
    return found;
}

nacre_status ncr_gdal_hosts_find(ncr_gdal_host *const **list, size_t *count, nacre_error *err)
{
    *list = hosts;
    *count = 0;
    name_list names = {0};
    dl_iterate_phdr(add_name, &names);
    nacre_status status = names.is_full ? ncr_error_memory(err) : NACRE_OK;
    nacre_status failed = NACRE_OK; /* of a host that will not do; others may */
    for (size_t i = 0; i < names.count && status == NACRE_OK; i++) {
        Dl_info where;
        if (find_installer(names.names[i], &where) && !is_known(where.dli_fbase) && add_host(&where, err) != NACRE_OK)
            failed = NACRE_ERROR_UNSUPPORTED;
    }
    free_names(&names);
    *count = host_count;
    if (status != NACRE_OK || host_count)
        return status;
    if (failed != NACRE_OK)
        return failed;
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND,
                         "GDAL: no libgdal is loaded in this process; import rasterio or osgeo.gdal first");
}

/* --- Errors. --- */

static int error_number(nacre_status status)
{
    switch (status) {
    case NACRE_ERROR_NOT_FOUND:
        return GDAL_CPLE_OBJECT_NOT_FOUND;
    case NACRE_ERROR_DENIED:
    case NACRE_ERROR_REFUSED:
        return GDAL_CPLE_ACCESS_DENIED;
    case NACRE_ERROR_UNAVAILABLE:
        return GDAL_CPLE_HTTP_RESPONSE;
    case NACRE_ERROR_UNSUPPORTED:
        return GDAL_CPLE_NOT_SUPPORTED;
    case NACRE_ERROR_INVALID:
        return GDAL_CPLE_ILLEGAL_ARG;
    case NACRE_ERROR_MEMORY:
        return GDAL_CPLE_OUT_OF_MEMORY;
    case NACRE_ERROR_CANCELLED:
        return GDAL_CPLE_USER_INTERRUPT;
    default:
        return GDAL_CPLE_FILE_IO;
    }
}

static _Thread_local uint64_t told_last; /* a hash of the text */

static uint64_t hash_of(const nacre_error *error)
{
    return ncr_hash(1, error->message, strlen(error->message));
}

void ncr_gdal_tell(const ncr_gdal_host *host, const nacre_error *error)
{
    const int before = errno;
    told_last = hash_of(error);
    host->api.CPLError(GDAL_CE_FAILURE, error_number(error->status), "%s", error->message);
    errno = before;
}

uint64_t ncr_gdal_take_told(void)
{
    const uint64_t told = told_last;
    told_last = 0;
    return told;
}

bool ncr_gdal_was_told(uint64_t told, const nacre_error *error)
{
    if (told != hash_of(error))
        return false;
    told_last = told;
    return true;
}

void ncr_gdal_note(const ncr_gdal_host *host, const nacre_error *error)
{
    if (!host->api.VSIError)
        return;
    int number = GDAL_VSIE_FILE;
    if (error->status == NACRE_ERROR_NOT_FOUND)
        number = GDAL_VSIE_OBJECT_NOT_FOUND;
    else if (error->status == NACRE_ERROR_DENIED)
        number = GDAL_VSIE_ACCESS_DENIED;
    else if (error->status == NACRE_ERROR_UNAVAILABLE)
        number = GDAL_VSIE_HTTP;
    host->api.VSIError(number, "%s", error->message);
}

int ncr_gdal_errno(nacre_status status)
{
    switch (status) {
    case NACRE_ERROR_NOT_FOUND:
        return ENOENT;
    case NACRE_ERROR_DENIED:
    case NACRE_ERROR_REFUSED:
        return EACCES;
    case NACRE_ERROR_EXISTS:
        return EEXIST;
    case NACRE_ERROR_CHANGED:
        return ESTALE;
    case NACRE_ERROR_UNSUPPORTED:
        return ENOTSUP;
    case NACRE_ERROR_TOO_LARGE:
        return EFBIG;
    case NACRE_ERROR_MEMORY:
        return ENOMEM;
    case NACRE_ERROR_INVALID:
        return EINVAL;
    case NACRE_ERROR_CANCELLED:
        return EINTR;
    default:
        return EIO;
    }
}
