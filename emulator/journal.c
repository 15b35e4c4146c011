/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bucket.h"
#include "keys.h"
#include "versions.h"

/* A line is a JSON object: {"last": N} for the greatest generation given so far, {"settings": {...}} of the bucket,
 * {"key": K, "gone": true}, {"version_gone": GENERATION}, or an
 * object, which is not live where it has "kept" or "marker". The last line of a key counts. A line cut off by a crash
 * is the last one and is passed over. */

#define JOURNAL     NCR_EMU_STATE_DIRECTORY "/journal"
#define JOURNAL_NEW NCR_EMU_STATE_DIRECTORY "/journal.new"

static json_t *object_to_json(const ncr_emu_object *object)
{
    char md5[NCR_EMU_MD5_HEX_SIZE];
    ncr_emu_md5_hex(object->md5, md5);
    json_t *line =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:O}", "key", object->key, "generation",
                  (json_int_t)object->generation, "metageneration", (json_int_t)object->metageneration, "size",
                  (json_int_t)object->size, "created", (json_int_t)object->created_ms, "updated",
                  (json_int_t)object->updated_ms, "escaped", object->escaped, "inode", (json_int_t)object->inode,
                  "mtime", (json_int_t)object->mtime_ns, "composite", object->composite, "fields", object->fields);
    if (line && object->part_count) {
        char parts_md5[NCR_EMU_MD5_HEX_SIZE];
        ncr_emu_md5_hex(object->parts_md5, parts_md5);
        json_object_set_new(line, "parts", json_integer(object->part_count));
        json_object_set_new(line, "parts_md5", json_string(parts_md5));
    }
    if (line && object->versioned)
        json_object_set_new(line, "versioned", json_true());
    if (line && object->kept)
        json_object_set_new(line, object->marker ? "marker" : "kept", json_true());
    if (line && object->s3)
        json_object_set(line, "s3", object->s3);
    if (line && object->has_hashes) {
        json_object_set_new(line, "md5", json_string(md5));
        json_object_set_new(line, "crc32c", json_integer(object->crc32c));
    }
    return line;
}

static bool parse_md5(const char *text, uint8_t md5[NCR_EMU_MD5_SIZE])
{
    if (strlen(text) != (size_t)2 * NCR_EMU_MD5_SIZE)
        return false;
    for (size_t i = 0; i < NCR_EMU_MD5_SIZE; i++) {
        int high = ncr_emu_hex(text[2 * i]), low = ncr_emu_hex(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        md5[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static uint64_t number(const json_t *line, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(line, name));
}

static ncr_emu_object *object_from_json(const json_t *line)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    json_t *fields = json_object_get(line, "fields");
    if (!key || !json_is_object(fields) || !number(line, "generation"))
        return NULL;
    ncr_emu_object *object = ncr_emu_object_new(key, fields);
    if (!object)
        return NULL;
    object->generation = number(line, "generation");
    object->metageneration = number(line, "metageneration");
    object->size = number(line, "size");
    object->created_ms = (int64_t)number(line, "created");
    object->updated_ms = (int64_t)number(line, "updated");
    object->inode = number(line, "inode");
    object->mtime_ns = (int64_t)number(line, "mtime");
    object->escaped = json_is_true(json_object_get(line, "escaped"));
    object->composite = json_is_true(json_object_get(line, "composite"));
    const char *md5 = json_string_value(json_object_get(line, "md5"));
    object->has_hashes = md5 && parse_md5(md5, object->md5);
    object->crc32c = (uint32_t)number(line, "crc32c");
    const char *parts_md5 = json_string_value(json_object_get(line, "parts_md5"));
    if (parts_md5 && parse_md5(parts_md5, object->parts_md5))
        object->part_count = (uint32_t)number(line, "parts");
    object->versioned = json_is_true(json_object_get(line, "versioned"));
    object->marker = json_is_true(json_object_get(line, "marker"));
    object->kept = object->marker || json_is_true(json_object_get(line, "kept"));
    json_t *s3 = json_object_get(line, "s3");
    object->s3 = json_is_object(s3) ? json_deep_copy(s3) : NULL;
    return object;
}

static void take_line(ncr_emu_bucket *bucket, const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    uint64_t last = number(line, "last");
    if (last > bucket->last_generation)
        bucket->last_generation = last;
    const json_t *settings = json_object_get(line, "settings");
    if (json_is_object(settings)) {
        json_decref(bucket->settings);
        bucket->settings = json_deep_copy(settings);
    }
    if (number(line, "version_gone"))
        ncr_emu_versions_forget_locked(bucket, number(line, "version_gone"));
    const char *key = json_string_value(json_object_get(line, "key"));
    if (key && json_is_true(json_object_get(line, "gone"))) {
        ncr_emu_index_remove_locked(bucket, key);
    } else if (key) {
        ncr_emu_object *object = object_from_json(line);
        if (object) {
            if (object->generation > bucket->last_generation)
                bucket->last_generation = object->generation;
            if (object->kept)
                ncr_emu_versions_add_locked(bucket, object);
            else
                ncr_emu_index_put_locked(bucket, object);
        }
    }
    json_decref(line);
}

static void load(ncr_emu_bucket *bucket)
{
    int fd = openat(bucket->directory, JOURNAL, O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0)
        take_line(bucket, line);
    free(line);
    fclose(file);
}

static void append(int fd, json_t *line)
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    size_t length = text ? strlen(text) : 0;
    if (text) {
        text[length] = '\n'; /* in place of the NUL: one write, so that a crash cuts only the last line */
        ssize_t written = write(fd, text, length + 1);
        if (written != (ssize_t)length + 1)
            fprintf(stderr, "nacre: emulator: journal: %s\n", written < 0 ? strerror(errno) : "short write");
    }
    free(text);
    json_decref(line);
}

bool ncr_emu_journal_open_locked(ncr_emu_bucket *bucket)
{
    if (mkdirat(bucket->directory, NCR_EMU_STATE_DIRECTORY, 0755) != 0 && errno != EEXIST)
        return false;
    load(bucket);
    int fd = openat(bucket->directory, JOURNAL_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    append(fd, json_pack("{s:I}", "last", (json_int_t)bucket->last_generation));
    if (json_object_size(bucket->settings))
        append(fd, json_pack("{s:O}", "settings", bucket->settings));
    for (size_t i = 0; i < bucket->count; i++)
        append(fd, object_to_json(bucket->objects[i]));
    for (size_t i = 0; i < bucket->version_count; i++)
        append(fd, object_to_json(bucket->versions[i]));
    if (renameat(bucket->directory, JOURNAL_NEW, bucket->directory, JOURNAL) != 0) {
        close(fd);
        return false;
    }
    bucket->journal = fd;
    return true;
}

void ncr_emu_journal_settings_locked(ncr_emu_bucket *bucket)
{
    append(bucket->journal, json_pack("{s:O}", "settings", bucket->settings));
}

void ncr_emu_journal_version_gone_locked(ncr_emu_bucket *bucket, uint64_t generation)
{
    append(bucket->journal, json_pack("{s:I}", "version_gone", (json_int_t)generation));
}

void ncr_emu_journal_put_locked(ncr_emu_bucket *bucket, const ncr_emu_object *object)
{
    append(bucket->journal, object_to_json(object));
}

void ncr_emu_journal_remove_locked(ncr_emu_bucket *bucket, const char *key)
{
    append(bucket->journal, json_pack("{s:s, s:b}", "key", key, "gone", 1));
}
