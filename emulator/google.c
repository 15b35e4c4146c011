/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "google.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

void ncr_emu_query_condition(ncr_emu_request *request, const char *prefix, ncr_emu_condition *out)
{
    char name[64];
    *out = (ncr_emu_condition){0};
    if (ncr_emu_fault_ignores_conditions(&request->fault))
        return;
    snprintf(name, sizeof name, "%sGenerationMatch", prefix);
    out->has_generation = ncr_emu_parameter_number(request, name, &out->generation);
    snprintf(name, sizeof name, "%sGenerationNotMatch", prefix);
    out->has_not_generation = ncr_emu_parameter_number(request, name, &out->not_generation);
    snprintf(name, sizeof name, "%sMetagenerationMatch", prefix);
    out->has_metageneration = ncr_emu_parameter_number(request, name, &out->metageneration);
    snprintf(name, sizeof name, "%sMetagenerationNotMatch", prefix);
    out->has_not_metageneration = ncr_emu_parameter_number(request, name, &out->not_metageneration);
}

void ncr_emu_header_condition(ncr_emu_request *request, ncr_emu_condition *out)
{
    if (ncr_emu_fault_ignores_conditions(&request->fault))
        return;
    uint64_t number;
    if (ncr_emu_header_number(request, "x-goog-if-generation-match", &number)) {
        out->has_generation = true;
        out->generation = number;
    }
    if (ncr_emu_header_number(request, "x-goog-if-metageneration-match", &number)) {
        out->has_metageneration = true;
        out->metageneration = number;
    }
    out->if_match = ncr_emu_header(request, "If-Match");
    out->if_none_match = ncr_emu_header(request, "If-None-Match");
}

ncr_emu_object *ncr_emu_read_object(const ncr_emu_request *request, ncr_emu_bucket *bucket, const char *key, int *fd)
{
    ncr_emu_object *object = ncr_emu_object_get(bucket, key, fd);
    bool stale = request->fault.kind == NCR_EMU_FAULT_STALE && strcmp(request->method, "POST") != 0 &&
                 !ncr_emu_header(request, "Authorization") && !ncr_emu_parameter(request, "generation");
    if (!object || !stale || !object->previous)
        return object;
    int previous_fd = dup(object->previous_fd);
    if (previous_fd < 0)
        return object;
    ncr_emu_object *previous = ncr_emu_object_ref(object->previous);
    ncr_emu_object_unref(object);
    close(*fd);
    *fd = previous_fd;
    return previous;
}

void ncr_emu_object_headers(ncr_emu_reply *reply, const ncr_emu_object *object, const char *etag)
{
    char crc[NCR_EMU_CRC_BASE64_SIZE], md5[NCR_EMU_MD5_BASE64_SIZE], modified[NCR_EMU_TIME_SIZE];
    ncr_emu_crc_base64(object->crc32c, crc);
    ncr_emu_md5_base64(object->md5, md5);
    ncr_emu_http_time(object->updated_ms, modified);
    ncr_emu_reply_header(reply, "x-goog-generation", "%llu", (unsigned long long)object->generation);
    ncr_emu_reply_header(reply, "x-goog-metageneration", "%llu", (unsigned long long)object->metageneration);
    ncr_emu_reply_header(reply, "x-goog-hash", "crc32c=%s", crc);
    if (!object->composite)
        ncr_emu_reply_header(reply, "x-goog-hash", "md5=%s", md5);
    ncr_emu_reply_header(reply, "x-goog-stored-content-length", "%llu", (unsigned long long)object->size);
    ncr_emu_reply_header(reply, "x-goog-stored-content-encoding", "%s",
                         ncr_emu_object_field(object, "contentEncoding", "identity"));
    ncr_emu_reply_header(reply, "x-goog-storage-class", "STANDARD");
    ncr_emu_reply_header(reply, "ETag", "%s", etag);
    ncr_emu_reply_header(reply, "Last-Modified", "%s", modified);
    ncr_emu_reply_header(reply, "Accept-Ranges", "bytes");
    ncr_emu_reply_header(reply, "Cache-Control", "%s",
                         ncr_emu_object_field(object, "cacheControl", "private, max-age=0, no-transform"));
    static const char *const fields[][2] = {{"contentEncoding", "Content-Encoding"},
                                            {"contentDisposition", "Content-Disposition"},
                                            {"contentLanguage", "Content-Language"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = ncr_emu_object_field(object, fields[i][0], NULL);
        if (value)
            ncr_emu_reply_header(reply, fields[i][1], "%s", value);
    }
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(object->fields, "metadata"), name, value) {
        char header[128];
        snprintf(header, sizeof header, "x-goog-meta-%s", name);
        if (json_is_string(value))
            ncr_emu_reply_header(reply, header, "%s", json_string_value(value));
    }
}

bool ncr_emu_digest_matches(ncr_emu_request *request, const ncr_emu_draft *draft)
{
    const char *list = ncr_emu_header(request, "x-goog-hash"), *md5_header = ncr_emu_header(request, "Content-MD5");
    if (!list && !md5_header)
        return true;
    char crc[NCR_EMU_CRC_BASE64_SIZE], md5[NCR_EMU_MD5_BASE64_SIZE];
    ncr_emu_hash_peek_md5(&draft->hash, md5);
    ncr_emu_crc_base64(draft->hash.crc32c, crc);
    if (md5_header && strcmp(md5_header, md5) != 0)
        return false;
    const char *claimed = list ? strstr(list, "crc32c=") : NULL;
    if (claimed && !ncr_text_starts(claimed + strlen("crc32c="), crc))
        return false;
    claimed = list ? strstr(list, "md5=") : NULL;
    return !claimed || ncr_text_starts(claimed + strlen("md5="), md5);
}
