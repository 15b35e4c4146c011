/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef GDAL_NACRE_H
#define GDAL_NACRE_H

#include <nacre/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The GDAL plugin: a library that puts nacre's files in the place of GDAL's own network file systems, in the process
 * that loads it. It is not linked with GDAL: it looks for every libgdal that the process has loaded (a process may have
 * several, as each wheel brings its own) and works with all releases from 3.4 on. Once loaded it stays until the
 * process ends.
 *
 * It brings its own libnacre_io, whose cache and settings are not those of a libnacre in the same process: that is what
 * nacre_gdal_config_set(), nacre_gdal_cache_policy() and nacre_gdal_cache_invalidate() are for.
 *
 * All functions are synchronised, but for installing and uninstalling: GDAL looks its handlers up without a lock, so no
 * other thread may be opening files then. Texts are UTF-8. `err` may be NULL everywhere. */

/* The prefixes that are taken over by default. */
#define NACRE_GDAL_PREFIXES "/vsigs/,/vsis3/,/vsiaz/,/vsicurl/"

/* Takes prefixes over in every libgdal of the process. prefixes: separated by commas, NULL or "" for
 * NACRE_GDAL_PREFIXES; others than those four are NACRE_ERROR_INVALID. cache: the policy of opens through GDAL
 * ("fresh", "ttl=SECONDS", "immutable", "offline") where none of a prefix holds; NULL or "": by the key `cache`.
 *
 * GDAL's option GDAL_MAX_RAW_BLOCK_CACHE_SIZE, where it is not set, is 64 MiB until nacre_gdal_uninstall().
 *
 * May be called again: for libraries that were loaded since, for more prefixes, for another policy. Prefixes that were
 * taken before stay taken. NACRE_ERROR_NOT_FOUND: no libgdal is loaded; NACRE_ERROR_UNSUPPORTED: one is, but older than
 * 3.4 or without what the plugin needs; NACRE_ERROR_INVALID; NACRE_ERROR_MEMORY, and some may be taken. A libgdal
 * that will not do is passed over where another one will. */
NACRE_API nacre_status nacre_gdal_install(const char *prefixes, const char *cache, nacre_error *err);

/* Gives all prefixes back to the handlers that had them. Datasets that were opened through nacre may still be used and
 * closed. NACRE_OK also where nothing was installed; NACRE_ERROR_UNSUPPORTED: a libgdal lacks the functions by which
 * handlers are restored, so there nacre stays, and the message names it. */
NACRE_API nacre_status nacre_gdal_uninstall(nacre_error *err);

/* What failed when files were closed, which GDAL itself tells nobody (it drops the result of close for most formats):
 * uploads that could not be finished. Copies at most `count` of the oldest into errors (NULL where count is 0), forgets
 * all of them and returns how many there were; after the first 64 more are only counted. */
NACRE_API uint64_t nacre_gdal_check(nacre_error *errors, size_t count);

/* Writes what is installed where as JSON: an object with "schema": 1, "version", and "hosts", a list of objects
 * {"library": path, "gdal": "3.12.2", "prefixes": [...], "missing": [features that are off, each with its reason]}.
 * Cut at size bytes with the final NUL; returns the whole length, as snprintf() does, 0 where memory is short. */
NACRE_API size_t nacre_gdal_report(char *out, size_t size);

/* The version of the plugin, "0.1.0". */
NACRE_API const char *nacre_gdal_version(void);

/* As nacre_config_set_global(), nacre_cache_policy(), nacre_cache_invalidate() and nacre_cache_invalidate_all(), for
 * files that are opened through GDAL. */
NACRE_API nacre_status nacre_gdal_config_set(const char *key, const char *value, nacre_error *err);
NACRE_API nacre_status nacre_gdal_cache_policy(const char *prefix, const char *policy, nacre_error *err);
NACRE_API nacre_status nacre_gdal_cache_invalidate(const char *path, nacre_error *err);
NACRE_API void nacre_gdal_cache_invalidate_all(void);

/* Requests and bytes of all files opened through GDAL so far, as nacre_io_stats_total(). */
typedef struct nacre_gdal_stats {
    uint64_t requests, retries, connections, bytes_received, bytes_sent;
} nacre_gdal_stats;
NACRE_API void nacre_gdal_stats_get(nacre_gdal_stats *out);

/* What GDAL calls when it finds gdal_nacre.so in a folder of GDAL_DRIVER_PATH: installs as the environment says.
 * NACRE_GDAL_PREFIXES and NACRE_GDAL_CACHE are the arguments of nacre_gdal_install(); a failure is a GDAL error. */
NACRE_API void GDALRegister_nacre(void);

#ifdef __cplusplus
}
#endif

#endif
