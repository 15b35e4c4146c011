/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "base/text.h"
#include "s3.h"

/* Buckets of the S3 interface. */

/* Amazon's rule, narrower than the folder's. */
static bool is_bucket_name(const char *name)
{
    size_t length = strlen(name);
    if (length < 3 || length > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
        return false;
    return !strchr(".-", name[0]) && !strchr(".-", name[length - 1]) && !strstr(name, "..");
}

void ncr_emu_s3_bucket_create(ncr_emu_s3 *s3)
{
    int status = is_bucket_name(s3->name) ? ncr_emu_bucket_create(s3->request->server->root, s3->name) : 400;
    if (status == 200)
        ncr_emu_reply_header(s3->reply, "Location", "/%s", s3->name);
    else
        ncr_emu_s3_error(s3,
                         status == 400   ? "InvalidBucketName"
                         : status == 409 ? "BucketAlreadyOwnedByYou"
                                         : "InternalError",
                         NULL);
}

void ncr_emu_s3_bucket_delete(ncr_emu_s3 *s3)
{
    int status = ncr_emu_bucket_remove(s3->request->server->root, s3->name);
    if (status == 204)
        s3->reply->status = 204;
    else
        ncr_emu_s3_error(s3, status == 404 ? "NoSuchBucket" : status == 409 ? "BucketNotEmpty" : "InternalError", NULL);
}

void ncr_emu_s3_bucket_head(ncr_emu_s3 *s3)
{
    ncr_emu_reply_header(s3->reply, "x-amz-bucket-region", "us-east-1");
}

void ncr_emu_s3_bucket_location(ncr_emu_s3 *s3)
{
    ncr_emu_s3_xml(s3, "LocationConstraint");
    ncr_text_append(&s3->reply->body, "</LocationConstraint>");
}
