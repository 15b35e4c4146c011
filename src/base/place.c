/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/place.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file that holds this code. The loader has no name for the program itself, and argv[0] is what its caller likes.
 */
static bool find_self(char *out)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((const void *)(uintptr_t)find_self, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return false;
    if (*map->l_name)
        return realpath(map->l_name, out) != NULL;
    ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
    out[length > 0 ? length : 0] = '\0';
    return length > 0;
}

bool ncr_place_find(const char *name, char *out)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    *out = '\0';
    if (!find_self(self) || !strrchr(self, '/'))
        return false;
    *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/%s", self, name);
    if (realpath(path, out))
        return true;
    *out = '\0';
    return false;
}
