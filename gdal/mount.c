/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "file.h"
#include "gdal_nacre.h"
#include "handlers.h"
#include "names.h"

nacre_status ncr_gdal_prefixes_parse(const char *text, unsigned *out, nacre_error *err)
{
    static const char *const known[NCR_GDAL_PREFIX_COUNT] = NCR_GDAL_PREFIX_NAMES;
    *out = 0;
    for (const char *at = text; *at; at += strspn(at, ", ")) {
        const size_t length = strcspn(at, ", ");
        size_t i = 0;
        while (i < NCR_GDAL_PREFIX_COUNT && (strlen(known[i]) != length || strncmp(at, known[i], length) != 0))
            i++;
        if (length && i == NCR_GDAL_PREFIX_COUNT)
            return ncr_error_set(err, NACRE_ERROR_INVALID,
                                 "GDAL: '%.*s' is no prefix that can be taken over; those "
                                 "are %s",
                                 (int)length, at, NACRE_GDAL_PREFIXES);
        if (length)
            *out |= 1u << i;
        at += length;
    }
    return NACRE_OK;
}

/* --- Installing.
 *
 * GDAL keeps the pointer to the prefix that it is given, and cuts so many bytes off each name before it calls us. That
 * would be harmless, but for its Unlink(), which gives the cut name to libc's unlink(), and so deletes a file in the
 * current directory. So the text that GDAL keeps is emptied after the installation: nothing is cut off, we are given
 * whole names, and unlink() a path that no file has (what becomes of it then: unlink.h). Whether it works so is tried
 * at once, by a stat; where a GDAL copies the text, names come without the prefix, and unlink must stay off. --- */

static const char *const probe_name = "nacre-probe-of-names";
static _Thread_local const char *probed; /* set while the probe is under way: what the callback was given */
static _Thread_local bool is_probing, is_whole;

bool ncr_gdal_mount_is_probe(const ncr_gdal_mount *mount, const char *name)
{
    if (!is_probing)
        return false;
    probed = mount->prefix;
    is_whole = ncr_text_starts(name, mount->prefix);
    return true;
}

static bool names_are_whole(const ncr_gdal_mount *mount)
{
    char *name = ncr_text_format("%s%s", mount->prefix, probe_name);
    if (!name)
        return false;
    gdal_stat ignored;
    is_probing = true;
    is_whole = false;
    probed = NULL;
    mount->host->api.VSIStatExL(name, &ignored, GDAL_STAT_EXISTS);
    is_probing = false;
    free(name);
    return probed == mount->prefix && is_whole;
}

/* A text that GDAL keeps for ever, and does not free: known here so that it is no leak. */
typedef struct kept_text {
    struct kept_text *next;
    char prefix[16];
} kept_text;
static kept_text *kept_texts; /* nobody else installs meanwhile */

static nacre_status install(ncr_gdal_mount *mount, bool with_unlink, nacre_error *err)
{
    const ncr_gdal_host *host = mount->host;
    gdal_callbacks *callbacks = host->api.VSIAllocFilesystemPluginCallbacksStruct();
    kept_text *kept = calloc(1, sizeof *kept);
    nacre_status status = callbacks && kept ? NACRE_OK : ncr_error_memory(err);
    if (status == NACRE_OK) {
        snprintf(kept->prefix, sizeof kept->prefix, "%s", mount->prefix);
        callbacks->user = mount;
        ncr_gdal_name_callbacks(callbacks, with_unlink);
        ncr_gdal_file_callbacks(callbacks, host->version);
        if (host->api.VSIInstallPluginHandler(kept->prefix, callbacks) != 0)
            status = ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: GDAL takes no handler for %s", host->path,
                                   mount->prefix);
    }
    if (status == NACRE_OK) {
        kept->prefix[0] = '\0';
        kept->next = kept_texts;
        kept_texts = kept;
    } else {
        free(kept);
    }
    if (callbacks)
        host->api.VSIFreeFilesystemPluginCallbacksStruct(callbacks);
    return status;
}

/* Makes our handler, and tries how names come to it. */
static nacre_status make_handler(ncr_gdal_mount *mount, nacre_error *err)
{
    const char *why;
    nacre_status status = install(mount, true, err);
    if (status != NACRE_OK)
        return status;
    mount->is_taken = true;
    mount->names_are_whole = names_are_whole(mount);
    if (!mount->names_are_whole)
        status = install(mount, false, err);
    if (status == NACRE_OK && mount->before)
        mount->ours = ncr_gdal_handler_get(mount->host->library, mount->prefix, &why);
    return status;
}

static nacre_status take(ncr_gdal_mount *mount, nacre_error *err)
{
    ncr_gdal_host *host = mount->host;
    const char *why;
    mount->before = ncr_gdal_handler_get(host->library, mount->prefix, &why);
    if (!mount->before)
        host->no_undo = why;
    if (!mount->ours)
        return make_handler(mount, err);
    ncr_gdal_handler_set(host->library, mount->prefix, mount->ours);
    mount->is_taken = true;
    return NACRE_OK;
}

nacre_status ncr_gdal_mount_take(ncr_gdal_host *host, unsigned prefixes, nacre_error *err)
{
    for (size_t i = 0; i < NCR_GDAL_PREFIX_COUNT; i++) {
        if (!(prefixes >> i & 1) || host->mounts[i].is_taken)
            continue;
        nacre_status status = take(&host->mounts[i], err);
        if (status != NACRE_OK)
            return status;
    }
    return NACRE_OK;
}

nacre_status ncr_gdal_mount_give_back(ncr_gdal_host *host, nacre_error *err)
{
    bool all = true;
    for (size_t i = 0; i < NCR_GDAL_PREFIX_COUNT; i++) {
        ncr_gdal_mount *mount = &host->mounts[i];
        if (mount->is_taken && mount->before) {
            ncr_gdal_handler_set(host->library, mount->prefix, mount->before);
            ncr_gdal_handler_free(mount->before);
            mount->before = NULL;
            mount->is_taken = false;
        }
        all = all && !mount->is_taken;
    }
    return all ? NACRE_OK
               : ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: nacre stays: %s", host->path, host->no_undo);
}
