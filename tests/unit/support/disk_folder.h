/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_DISK_FOLDER_H
#define TEST_DISK_FOLDER_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <nacre/config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/disk.h"
#include "cmocka_all.h"

/* A folder of the disk tier, new for each test (begin, end), and what lies in it. */

static char folder[64];
static ncr_disk *disk;

static inline int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    (void)facts;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline ncr_disk *open_as(const char *path, const char *size, nacre_status expected, nacre_error *err)
{
    nacre_config *config = nacre_config_new();
    ncr_config *snapshot;
    ncr_disk *out;
    assert_int_equal(nacre_config_set(config, "cache.dir", path, NULL), NACRE_OK);
    assert_int_equal(nacre_config_set(config, "cache.dir_size", size, NULL), NACRE_OK);
    assert_int_equal(ncr_config_snapshot(config, NULL, &snapshot, NULL), NACRE_OK);
    assert_int_equal(ncr_disk_open(snapshot, &out, err), expected);
    ncr_config_unref(snapshot);
    nacre_config_free(config);
    return out;
}

static inline int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/nacre-disk-XXXXXX");
    assert_non_null(mkdtemp(folder));
    disk = open_as(folder, "64 MiB", NACRE_OK, NULL);
    assert_non_null(disk);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    ncr_disk_set_hook(NULL);
    remove_folder();
    return 0;
}

/* --- Bytes that tell which version they are of. --- */

static inline ncr_disk_key key_of(unsigned version)
{
    char id[32];
    ncr_disk_key key;
    ncr_object_facts facts = {.size = 1 << 20, .version = {.strong = true}};
    snprintf(facts.version.token, sizeof facts.version.token, "v=%u", version);
    snprintf(id, sizeof id, "fake:1/b/%u", version % 3);
    assert_true(ncr_disk_key_of(id, &facts, &key));
    return key;
}

static inline uint8_t byte_of(unsigned version, uint64_t offset)
{
    return (uint8_t)((offset * 2654435761U + version * 40503U) >> 7);
}

static inline void put(unsigned version, uint64_t offset, size_t length)
{
    uint8_t *data = malloc(length);
    for (size_t i = 0; i < length; i++)
        data[i] = byte_of(version, offset + i);
    ncr_disk_key key = key_of(version);
    ncr_disk_write(disk, &key, offset, length, data);
    free(data);
}

typedef struct seen {
    unsigned version;
    size_t bytes;
} seen;

static inline void check_found(void *user, uint64_t offset, size_t length, const uint8_t *data)
{
    seen *s = user;
    for (size_t i = 0; i < length; i++)
        if (data[i] != byte_of(s->version, offset + i))
            fail_msg("byte %zu is not of version %u", (size_t)offset + i, s->version);
    s->bytes += length;
}

/* How many bytes of a range are there; each is checked. */
static inline size_t count(unsigned version, uint64_t offset, size_t length)
{
    seen s = {.version = version};
    ncr_disk_key key = key_of(version);
    bool is_all = ncr_disk_read(disk, &key, offset, length, check_found, &s);
    assert_int_equal(is_all, s.bytes == length);
    return s.bytes;
}

static inline ncr_disk_proof proof_of(unsigned version, const char *credentials)
{
    ncr_disk_proof proof = {.id = "fake:1/b/p", .credentials = credentials, .wall_ms = ncr_clock_wall_ms()};
    proof.facts = (ncr_object_facts){.size = 77, .modified_ms = -1, .version = {.strong = true}};
    snprintf(proof.facts.version.token, sizeof proof.facts.version.token, "v=%u", version);
    return proof;
}

/* --- Files. --- */

static char found_path[512]; /* of the last one */
static uint64_t found_bytes;
static unsigned found_files;

static inline int note_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    const char *name = path + walk->base;
    if (kind != FTW_F || strcmp(name, "size") == 0 || strcmp(name, "evicting") == 0)
        return 0;
    snprintf(found_path, sizeof found_path, "%s", path);
    found_bytes += (uint64_t)(facts->st_size + 4095) / 4096 * 4096;
    found_files++;
    assert_int_equal(facts->st_mode & 0777, 0600);
    return 0;
}

static inline void look_at_files(void)
{
    found_bytes = found_files = 0;
    nftw(folder, note_one, 16, FTW_PHYS);
}

static inline size_t read_file(const char *path, uint8_t *out, size_t size)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, out, size);
    close(fd);
    return (size_t)got;
}

static inline void write_file(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

static inline nacre_cache_stats stats(void)
{
    nacre_cache_stats out = {0};
    ncr_disk_stats(&out);
    return out;
}

static inline void empty_folder(const char *limit)
{
    remove_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    disk = open_as(folder, limit, NACRE_OK, NULL);
}

#endif
