/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/probe.h>

#include "vfs/probe.h"

/* See nacre/probe.h. */

nacre_status nacre_probe(const char *path, const nacre_probe_options *probe_options, const nacre_io_options *options,
                         nacre_probe_function function, void *user, nacre_probe_result *out, nacre_error *err)
{
    if (out)
        *out = (nacre_probe_result){.verdict = NACRE_PROBE_FAILS};
    if (!path || !function || !out)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s is NULL", !path ? "path" : !out ? "out" : "function");
    return ncr_vfs_probe(path, probe_options, options, function, user, out, err);
}
