/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_PATHS_H
#define NCR_CLI_PATHS_H

#include "cli.h"

/* Whether a path is a local one, in whatever spelling but "file://". */
bool cli_path_is_local(const char *path);

/* What follows the last slash; of "a/b/" it is "b/". */
const char *cli_path_base(const char *path);

/* Where source goes: destination itself, or below it where it ends with a slash or is a local folder. malloc'd. */
char *cli_destination(const char *source, const char *destination);

/* Whether the path can only be a folder: it ends with a slash or is a local folder. */
bool cli_path_is_folder(const char *path);

/* Makes the folders above a local path; does nothing for others. False, and errno. */
bool cli_make_parents(const char *path);

/* Removes a local folder with all that is still in it: folders, links (never what they lead to), pipes. False, and
 * errno; *at is what could not be removed, until the next call. */
bool cli_remove_folder(const char *path, const char **at);

/* Removes a local folder and those in it that hold nothing, and leaves the others; does nothing for other paths. */
void cli_remove_empty_folders(const char *path);

/* Whether a path lies below a folder, or is it, as far as their names tell. */
bool cli_path_is_below(const char *path, const char *folder);

/* Why a key that lies below a prefix cannot be the name of a local file below a folder, or NULL: "..", "." and empty
 * parts would lead elsewhere, or to the file of another key. */
const char *cli_bad_local_name(const char *rest);

/* Standard input to standard output. Failures are printed; a status. */
int cli_copy_input(cli_context *context);

/* "2026-11-22T21:44:23Z"; "" for -1. */
enum { CLI_TIME_SIZE = 40 };
void cli_time(int64_t time_ms, char out[CLI_TIME_SIZE]);

/* An entry of ls and stat; a new reference. */
json_t *cli_object_json(const nacre_object_info *info);

/* Reads an object from offset, at most length bytes, and hands them to a stream. Failures are printed; a status. */
int cli_write_object(cli_context *context, const char *path, const char *range, FILE *out);

#endif
