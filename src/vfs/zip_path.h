/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_ZIP_PATH_H
#define NCR_VFS_ZIP_PATH_H

#include <stdbool.h>

#include "vfs/path.h"

/* Paths into archives, as texts: "zip://ARCHIVE!MEMBER", "zip+SCHEME://...!MEMBER", "/vsizip/ARCHIVE/MEMBER",
 * "/vsizip/{ARCHIVE}/MEMBER"; private to this layer. */

/* Whether a text is one. */
bool ncr_zip_path_is(const char *text);

/* Cuts one; both texts are the caller's. NACRE_ERROR_INVALID: it cannot be seen where the archive ends; *why tells. */
nacre_status ncr_zip_path_cut(const char *text, char **archive, char **member, const char **why, nacre_error *err);

/* How a path into an archive is written: see ncr_path_text(). */
char *ncr_zip_path_text(const ncr_path *path, ncr_spelling spelling);

/* Whether braces around a text end where it does. */
bool ncr_zip_path_is_balanced(const char *text);

/* What is to be put between a path that names an archive alone and a member's name: "!", "/" or nothing. */
const char *ncr_zip_path_mark(const char *text);

/* The path as it may be shown, where it can be cut: only the archive's part has secrets. NULL: out of memory. */
char *ncr_zip_path_shown(const char *text);

#endif
