/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3.h"

/* Listings of the S3 interface. */

enum { PAGE_MAX = 1000 };

/* What a request for a listing asks for besides the object store's own options. */
typedef struct list_request {
    ncr_emu_list_options options;
    bool url; /* encoding-type=url */
} list_request;

static void element(ncr_buffer *out, const list_request *list, const char *name, const char *text)
{
    if (!text || !list->url) {
        ncr_emu_s3_element(out, name, text);
        return;
    }
    ncr_buffer escaped;
    ncr_buffer_init(&escaped, 1 << 16);
    ncr_text_append_escaped(&escaped, text, "/");
    ncr_emu_s3_element(out, name, escaped.data ? (const char *)escaped.data : "");
    ncr_buffer_clear(&escaped);
}

/* The options that all listings share; false: the error is in the reply. */
static bool read_request(ncr_emu_s3 *s3, list_request *out)
{
    uint64_t maximum = PAGE_MAX;
    const char *asked = ncr_emu_parameter(s3->request, "max-keys");
    const char *encoding = ncr_emu_parameter(s3->request, "encoding-type");
    if (ncr_emu_s3_access_is_unlisted(s3->request->server->s3_access, s3->name)) {
        ncr_emu_s3_error(s3, "AccessDenied", NULL);
        return false;
    }
    *out = (list_request){.url = encoding && strcmp(encoding, "url") == 0};
    if (asked && *asked && (!ncr_text_to_uint64(asked, &maximum) || maximum > INT32_MAX)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "max-keys is no number that it may be.");
        return false;
    }
    if (encoding && !out->url) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "encoding-type is url, or left out.");
        return false;
    }
    const char *delimiter = ncr_emu_parameter(s3->request, "delimiter");
    out->options.prefix = ncr_emu_parameter(s3->request, "prefix");
    out->options.delimiter = delimiter && *delimiter ? delimiter : NULL;
    out->options.maximum = maximum > PAGE_MAX ? PAGE_MAX : (size_t)maximum;
    return true;
}

static void append_owner(ncr_buffer *out)
{
    ncr_text_append(out, "<Owner><ID>nacre</ID><DisplayName>nacre</DisplayName></Owner>");
}

static void append_object(ncr_emu_s3 *s3, const list_request *list, ncr_emu_object *object, bool owner)
{
    char etag[NCR_EMU_ETAG_SIZE];
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_object *hashed = object->has_hashes ? NULL : ncr_emu_object_get(s3->bucket, object->key, NULL);
    object = hashed ? hashed : object;
    ncr_emu_object_s3_etag(object, etag);
    ncr_text_append(out, "<Contents>");
    element(out, list, "Key", object->key);
    ncr_emu_s3_time(out, "LastModified", object->updated_ms);
    ncr_emu_s3_element(out, "ETag", etag);
    ncr_emu_s3_element(out, "ChecksumAlgorithm", json_string_value(json_object_get(object->s3, "checksum_kind")));
    ncr_emu_s3_element(out, "ChecksumType", json_string_value(json_object_get(object->s3, "checksum_type")));
    ncr_emu_s3_number(out, "Size", object->size);
    if (owner)
        append_owner(out);
    ncr_text_append(out, "<StorageClass>STANDARD</StorageClass></Contents>");
    ncr_emu_object_unref(hashed);
}

static void append_page(ncr_emu_s3 *s3, const list_request *list, const ncr_emu_listing *listing, bool owner)
{
    ncr_buffer *out = &s3->reply->body;
    for (size_t i = 0; i < listing->object_count; i++)
        append_object(s3, list, listing->objects[i], owner);
    for (size_t i = 0; i < listing->prefix_count; i++) {
        ncr_text_append(out, "<CommonPrefixes>");
        element(out, list, "Prefix", listing->prefixes[i]);
        ncr_text_append(out, "</CommonPrefixes>");
    }
}

static void append_head(ncr_emu_s3 *s3, const char *root, const list_request *list, bool truncated)
{
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_s3_xml(s3, root);
    ncr_emu_s3_element(out, "Name", s3->bucket->name);
    element(out, list, "Prefix", list->options.prefix ? list->options.prefix : "");
    element(out, list, "Delimiter", list->options.delimiter);
    ncr_emu_s3_number(out, "MaxKeys", list->options.maximum);
    ncr_emu_s3_element(out, "EncodingType", list->url ? "url" : NULL);
    ncr_emu_s3_element(out, "IsTruncated", truncated ? "true" : "false");
}

/* A page; an empty one where none is wanted. */
static int list_page(ncr_emu_s3 *s3, const list_request *list, ncr_emu_listing *listing)
{
    *listing = (ncr_emu_listing){0};
    return list->options.maximum ? ncr_emu_list(s3->bucket, &list->options, listing) : 200;
}

void ncr_emu_s3_list(ncr_emu_s3 *s3)
{
    list_request list;
    ncr_emu_listing listing;
    if (!read_request(s3, &list))
        return;
    list.options.after = ncr_emu_parameter(s3->request, "marker");
    int status = list_page(s3, &list, &listing);
    if (status != 200) {
        ncr_emu_s3_status_error(s3, status);
    } else {
        ncr_buffer *out = &s3->reply->body;
        append_head(s3, "ListBucketResult", &list, listing.next_token != NULL);
        element(out, &list, "Marker", list.options.after ? list.options.after : "");
        if (listing.next_token && list.options.delimiter)
            element(out, &list, "NextMarker", listing.last);
        append_page(s3, &list, &listing, true);
        ncr_text_append(out, "</ListBucketResult>");
    }
    ncr_emu_listing_clear(&listing);
}

void ncr_emu_s3_list_second(ncr_emu_s3 *s3)
{
    list_request list;
    ncr_emu_listing listing;
    const char *type = ncr_emu_parameter(s3->request, "list-type");
    if (strcmp(type, "2") != 0) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "list-type is 2.");
        return;
    }
    if (!read_request(s3, &list))
        return;
    const char *owner = ncr_emu_parameter(s3->request, "fetch-owner");
    list.options.token = ncr_emu_parameter(s3->request, "continuation-token");
    list.options.after = ncr_emu_parameter(s3->request, "start-after");
    if (list.options.token && !*list.options.token) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "The continuation token provided is incorrect");
        return;
    }
    int status = list_page(s3, &list, &listing);
    if (status == 400) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "The continuation token provided is incorrect");
    } else if (status != 200) {
        ncr_emu_s3_status_error(s3, status);
    } else {
        ncr_buffer *out = &s3->reply->body;
        append_head(s3, "ListBucketResult", &list, listing.next_token != NULL);
        ncr_emu_s3_number(out, "KeyCount", listing.object_count + listing.prefix_count);
        ncr_emu_s3_element(out, "ContinuationToken", list.options.token);
        ncr_emu_s3_element(out, "NextContinuationToken", listing.next_token);
        element(out, &list, "StartAfter", list.options.after);
        append_page(s3, &list, &listing, owner && ncr_text_equal_nocase(owner, "true"));
        ncr_text_append(out, "</ListBucketResult>");
    }
    ncr_emu_listing_clear(&listing);
}

/* --- Versions --- */

static void append_version(ncr_emu_s3 *s3, const list_request *list, ncr_emu_object *object, bool latest)
{
    char etag[NCR_EMU_ETAG_SIZE], id[NCR_EMU_VERSION_ID_SIZE];
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_object *hashed = object->has_hashes ? NULL : ncr_emu_object_get(s3->bucket, object->key, NULL);
    object = hashed ? hashed : object;
    ncr_emu_object_s3_etag(object, etag);
    ncr_emu_version_id(object, id);
    ncr_text_append(out, object->marker ? "<DeleteMarker>" : "<Version>");
    element(out, list, "Key", object->key);
    ncr_emu_s3_element(out, "VersionId", id);
    ncr_emu_s3_element(out, "IsLatest", latest ? "true" : "false");
    ncr_emu_s3_time(out, "LastModified", object->updated_ms);
    append_owner(out);
    if (!object->marker) {
        ncr_emu_s3_element(out, "ETag", etag);
        ncr_emu_s3_number(out, "Size", object->size);
        ncr_emu_s3_element(out, "StorageClass", "STANDARD");
    }
    ncr_text_append(out, object->marker ? "</DeleteMarker>" : "</Version>");
    ncr_emu_object_unref(hashed);
}

static void append_versions(ncr_emu_s3 *s3, const list_request *list, const ncr_emu_versions_options *options,
                            const ncr_emu_versions_page *page)
{
    ncr_buffer *out = &s3->reply->body;
    append_head(s3, "ListVersionsResult", list, page->truncated);
    element(out, list, "KeyMarker", options->key_marker ? options->key_marker : "");
    ncr_emu_s3_element(out, "VersionIdMarker", options->id_marker ? options->id_marker : "");
    if (page->truncated) {
        element(out, list, "NextKeyMarker", page->next_key);
        ncr_emu_s3_element(out, "NextVersionIdMarker", *page->next_id ? page->next_id : NULL);
    }
    for (size_t i = 0; i < page->count; i++)
        append_version(s3, list, page->objects[i], page->latest[i]);
    for (size_t i = 0; i < page->prefix_count; i++) {
        ncr_text_append(out, "<CommonPrefixes>");
        element(out, list, "Prefix", page->prefixes[i]);
        ncr_text_append(out, "</CommonPrefixes>");
    }
    ncr_text_append(out, "</ListVersionsResult>");
}

void ncr_emu_s3_list_versions(ncr_emu_s3 *s3)
{
    list_request list;
    ncr_emu_versions_page page;
    if (!read_request(s3, &list))
        return;
    const ncr_emu_versions_options options = {.prefix = list.options.prefix,
                                              .delimiter = list.options.delimiter,
                                              .key_marker = ncr_emu_parameter(s3->request, "key-marker"),
                                              .id_marker = ncr_emu_parameter(s3->request, "version-id-marker"),
                                              .maximum = list.options.maximum};
    if (options.id_marker && *options.id_marker && !(options.key_marker && *options.key_marker)) {
        ncr_emu_s3_refuse(s3, "InvalidArgument", "A version-id marker cannot be specified without a key marker.");
        return;
    }
    int status = ncr_emu_versions_list(s3->bucket, &options, &page);
    if (status == 200)
        append_versions(s3, &list, &options, &page);
    else
        ncr_emu_s3_status_error(s3, status);
    ncr_emu_versions_page_clear(&page);
}

void ncr_emu_s3_list_buckets(ncr_emu_s3 *s3)
{
    size_t count;
    char **names = ncr_emu_bucket_names(s3->request->server->root, &count);
    const char *prefix = ncr_emu_parameter(s3->request, "prefix");
    ncr_buffer *out = &s3->reply->body;
    ncr_emu_s3_xml(s3, "ListAllMyBucketsResult");
    append_owner(out);
    ncr_text_append(out, "<Buckets>");
    for (size_t i = 0; i < count; i++) {
        const ncr_emu_bucket *bucket = ncr_emu_bucket_get(s3->request->server->root, names[i]);
        if (bucket && (!prefix || ncr_text_starts(names[i], prefix))) {
            ncr_text_append(out, "<Bucket>");
            ncr_emu_s3_element(out, "Name", names[i]);
            ncr_emu_s3_time(out, "CreationDate", (int64_t)bucket->identity.st_ctim.tv_sec * 1000);
            ncr_text_append(out, "</Bucket>");
        }
        free(names[i]);
    }
    free(names);
    ncr_text_append(out, "</Buckets></ListAllMyBucketsResult>");
}
