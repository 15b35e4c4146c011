/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/ram.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* The number in a file; SIZE_MAX where there is none ("max"). */
static size_t read_limit(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return SIZE_MAX;
    char text[32] = "";
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    uint64_t value;
    return ncr_text_to_uint64(text, &value) && value < SIZE_MAX ? (size_t)value : SIZE_MAX;
}

/* The least limit of a group and the groups above it. */
static size_t group_limit(const char *root, char *group, const char *file)
{
    size_t least = SIZE_MAX;
    for (;;) {
        char path[1024];
        snprintf(path, sizeof path, "%s%s/%s", root, group, file);
        size_t limit = read_limit(path);
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* One line of /proc/self/cgroup: "0::/path" (version 2) or "5:memory:/path" (version 1). */
static size_t limit_of_line(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return SIZE_MAX;
    *group++ = '\0';
    if (strcmp(group, "/") == 0)
        *group = '\0';
    if (!controllers[1])
        return group_limit("/sys/fs/cgroup", group, "memory.max");
    if (strcmp(controllers + 1, "memory") == 0)
        return group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    return SIZE_MAX;
}

static size_t cgroup_limit(void)
{
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return least;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        size_t limit = limit_of_line(line);
        least = limit < least ? limit : least;
    }
    fclose(file);
    return least;
}

size_t ncr_ram_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    size_t machine = pages > 0 && page_size > 0 ? (size_t)pages * (size_t)page_size : (size_t)1 << 30;
    size_t group = cgroup_limit();
    return group < machine ? group : machine;
}

size_t ncr_ram_default_cache(void)
{
    size_t share = ncr_ram_bytes() / 8, least = (size_t)64 << 20;
    return share < least ? least : share;
}
