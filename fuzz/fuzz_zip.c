/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/zip_format.h"

/* ZIP archives. The input is one; each of its members is read. What is promised of directories is checked: names are
 * sorted, found again, and lead nowhere else; and what a member is said to be lies within the archive. */

enum { MOST_MEMBERS = 64, LARGEST_MEMBER = 1 << 20, LIMIT = 1 << 24 };

static void require(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* The entry's parts of the archive in memory of their own, so that what is read beyond them shows. */
static uint8_t *part_of(const uint8_t *data, uint64_t begin, uint64_t length)
{
    uint8_t *part = malloc(length + (length == 0));
    if (part && length)
        memcpy(part, data + begin, length);
    return part;
}

static void read_member(ncr_zip_entry *entry, const uint8_t *data, size_t size)
{
    nacre_error err;
    if (ncr_zip_check_entry("m", entry, &err) != NACRE_OK)
        return;
    require(entry->until <= size && entry->header <= entry->until, "a member lies beyond the archive");
    uint64_t length = (uint64_t)NCR_ZIP_HEADER + entry->raw_length;
    if (length > entry->until - entry->header)
        length = entry->until - entry->header;
    uint8_t *header = part_of(data, entry->header, length);
    if (header && ncr_zip_check_header("m", entry, header, length, &err) == NACRE_OK && entry->size <= LARGEST_MEMBER) {
        require(entry->data + entry->packed <= entry->until, "a member runs into what follows it");
        uint8_t *packed = part_of(data, entry->data, entry->packed), *out = malloc(entry->size + 1);
        if (packed && out)
            ncr_zip_unpack("m", entry, packed, out, &err);
        free(packed);
        free(out);
    }
    free(header);
}

static void read_directory(const uint8_t *data, size_t size, const ncr_zip_end *end)
{
    nacre_error err;
    ncr_zip_directory *directory = NULL;
    require(end->offset <= size && end->size <= size - end->offset, "the directory lies beyond the archive");
    uint8_t *bytes = part_of(data, end->offset, end->size);
    if (bytes && ncr_zip_parse_directory("a", bytes, end, LIMIT, &directory, &err) == NACRE_OK) {
        for (size_t i = 0; i < directory->count; i++) {
            ncr_zip_entry *entry = &directory->entries[i];
            size_t length = strlen(entry->name);
            bool above;
            require(i == 0 || strcmp(entry[-1].name, entry->name) < 0, "names are not sorted");
            char *again = ncr_zip_member_name(entry->name, &above);
            require(again && strcmp(again, entry->name) == 0, "a name that cannot be named");
            free(again);
            if (entry->name[length - 1] != '/')
                require(ncr_zip_find(directory, entry->name) == entry, "a member is not found");
            if (i < MOST_MEMBERS)
                read_member(entry, data, size);
        }
    } else {
        require(!bytes || err.message[0], "failure without an error");
    }
    ncr_value_unref(directory ? &directory->value : NULL);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nacre_error err;
    ncr_zip_end end;
    size_t length = size < NCR_ZIP_TAIL ? size : NCR_ZIP_TAIL;
    uint8_t *tail = part_of(data, size - length, length);
    if (tail && ncr_zip_find_end("a", tail, length, size, &end, &err) == NACRE_OK)
        read_directory(data, size, &end);
    free(tail);
    return 0;
}
