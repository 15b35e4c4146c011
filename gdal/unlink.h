/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_UNLINK_H
#define NCR_GDAL_UNLINK_H

#include "host.h"

/* GDAL's handler for plugins deletes a file by libc's unlink() of its name, and never calls the callback. So the
 * import of unlink() in the host, and in no other library, is bound to a function of ours, which deletes objects for
 * names below a prefix that was taken and passes all others on. Sets host->deletes, or the reason in no_delete: then
 * deleting fails (docs/decisions/0008-gdal-deletes.md). Done once for a host; it stays after uninstalling, when no
 * prefix is taken. */
void ncr_gdal_unlink_install(ncr_gdal_host *host, size_t index);

#endif
