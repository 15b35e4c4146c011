/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_KEYS_H
#define NCR_EMULATOR_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Where a key's bytes lie, relative to the bucket's folder. A plain key is its own relative path. A key that is no
 * path ("d//k", "a/../b", "a/", a very long part), or whose path is taken by a folder or passes through a file, lies
 * under .nacre/keys: all but letters, digits, '-' and '_' as %XX, cut into folders, the last name closed with '='.
 * Both ways are reversible and none leads out of the bucket. */

#define NCR_EMU_STATE_DIRECTORY    ".nacre"
#define NCR_EMU_KEYS_DIRECTORY     ".nacre/keys"
#define NCR_EMU_VERSIONS_DIRECTORY ".nacre/versions"

enum { NCR_EMU_KEY_MAX = 1024, NCR_EMU_PATH_MAX = 4096 };

/* 1 to 1024 bytes of UTF-8 without carriage return or line feed, as Google demands of object names. */
bool ncr_emu_key_is_valid(const char *key);

/* Whether the key can be its own relative path. */
bool ncr_emu_key_is_plain(const char *key);

/* The relative path of a valid key. */
void ncr_emu_key_path(const char *key, bool escaped, char path[NCR_EMU_PATH_MAX]);

/* The key of a file below .nacre/keys, given as its path from there; false where it is none. */
bool ncr_emu_key_from_escaped(const char *path, char key[NCR_EMU_KEY_MAX + 1]);

/* Google's rules for bucket names, and capitals. */
bool ncr_emu_bucket_name_is_valid(const char *name);

/* A hexadecimal digit's value, -1 for other characters. */
int ncr_emu_hex(char c);

#endif
