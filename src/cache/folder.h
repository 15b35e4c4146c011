/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_FOLDER_H
#define NCR_CACHE_FOLDER_H

#include <sys/types.h>

#include "cache/disk.h"

/* The folder under the disk tier: whole files by name, of a bounded size together, whatever is in them. Private to
 * disk.c. */

enum { NCR_FOLDER_NAME = 40 }; /* room for "xx/" and 30 hexadecimal digits more */

/* Up to size bytes of a file; 0 also where it cannot be read, -1: there is none. */
ssize_t ncr_folder_read(ncr_disk *disk, const char *name, uint8_t *out, size_t size);
/* Puts a file in place of what has the name; false: it could not, or there is no room, and that stays. For keep_s
 * seconds it is not among the oldest, and with these it is written though there is no room (but where the limit is
 * less). */
bool ncr_folder_write(ncr_disk *disk, const char *name, const uint8_t *file, size_t size, unsigned keep_s);
/* Keeps others of this and other processes that lock it from what stands beside the name, for who must look before it
 * writes. Waits a tenth of a second at most; -1: not to be had. To be given to ncr_folder_unlock(), which takes that.
 */
int ncr_folder_lock(ncr_disk *disk, const char *name);
void ncr_folder_unlock(int held);
void ncr_folder_drop(ncr_disk *disk, const char *name);
/* The same, counted and logged. */
void ncr_folder_damaged(ncr_disk *disk, const char *name);
void ncr_folder_stats(nacre_cache_stats *out);

#endif
