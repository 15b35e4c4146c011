/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "s3.h"
#include "xml.h"

/* Buckets of the S3 interface, and their settings. */

enum { BODY_MAX = 64 << 10 };

char *ncr_emu_s3_region(ncr_emu_s3 *s3)
{
    char *region = ncr_emu_s3_access_region(s3->request->server->s3_access, s3->name);
    return region || !s3->bucket ? region : ncr_emu_bucket_setting(s3->bucket, "region");
}

/* Amazon's rule, narrower than the folder's. */
static bool is_bucket_name(const char *name)
{
    size_t length = strlen(name);
    if (length < 3 || length > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
        return false;
    return !strchr(".-", name[0]) && !strchr(".-", name[length - 1]) && !strstr(name, "..");
}

/* An element that is wanted of a body. */
typedef struct wanted_element {
    const char *path;
    char *text; /* owned */
} wanted_element;

static bool on_element(void *user, const char *path, const char *text)
{
    wanted_element *self = user;
    if (strcmp(path, self->path) != 0)
        return true;
    free(self->text);
    self->text = ncr_text_copy(text);
    return self->text != NULL;
}

/* The text of an element of the body, malloc'd; *out NULL: there is no body, or no such element. False: the error is in
 * the reply. */
static bool body_element(ncr_emu_s3 *s3, const char *path, char **out)
{
    *out = NULL;
    if (!s3->request->body || !s3->request->body->size)
        return true;
    wanted_element wanted = {.path = path};
    char *text = ncr_emu_draft_text(s3->request->body, BODY_MAX);
    bool good = text && ncr_emu_xml_read(text, strlen(text), on_element, &wanted);
    free(text);
    *out = wanted.text;
    if (good)
        return true;
    free(wanted.text);
    *out = NULL;
    ncr_emu_s3_error(s3, "MalformedXML", NULL);
    return false;
}

static void made(ncr_emu_s3 *s3, const char *region)
{
    ncr_emu_bucket *bucket = ncr_emu_bucket_get(s3->request->server->root, s3->name);
    if (region && *region && bucket && !ncr_emu_bucket_set(bucket, "region", region))
        ncr_emu_s3_error(s3, "InternalError", NULL);
    else
        ncr_emu_reply_header(s3->reply, "Location", "/%s", s3->name);
}

void ncr_emu_s3_bucket_create(ncr_emu_s3 *s3)
{
    char *region;
    if (!body_element(s3, "CreateBucketConfiguration/LocationConstraint", &region))
        return;
    int status = is_bucket_name(s3->name) ? ncr_emu_bucket_create(s3->request->server->root, s3->name) : 400;
    if (status == 200)
        made(s3, region);
    else
        ncr_emu_s3_error(s3,
                         status == 400   ? "InvalidBucketName"
                         : status == 409 ? "BucketAlreadyOwnedByYou"
                                         : "InternalError",
                         NULL);
    free(region);
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
    char *region = ncr_emu_s3_region(s3);
    ncr_emu_reply_header(s3->reply, "x-amz-bucket-region", "%s", region ? region : "us-east-1");
    free(region);
}

void ncr_emu_s3_bucket_location(ncr_emu_s3 *s3)
{
    char *region = ncr_emu_s3_region(s3);
    ncr_emu_s3_xml(s3, "LocationConstraint");
    if (region && strcmp(region, "us-east-1") != 0) /* which is told by nothing */
        ncr_emu_s3_escape(&s3->reply->body, region);
    ncr_text_append(&s3->reply->body, "</LocationConstraint>");
    free(region);
}

/* --- Versions --- */

void ncr_emu_s3_versioning_get(ncr_emu_s3 *s3)
{
    char *versioning = ncr_emu_bucket_setting(s3->bucket, "versioning");
    ncr_emu_s3_xml(s3, "VersioningConfiguration");
    ncr_emu_s3_element(&s3->reply->body, "Status", versioning);
    ncr_text_append(&s3->reply->body, "</VersioningConfiguration>");
    free(versioning);
}

void ncr_emu_s3_versioning_put(ncr_emu_s3 *s3)
{
    char *status;
    if (!body_element(s3, "VersioningConfiguration/Status", &status))
        return;
    if (!status || (strcmp(status, "Enabled") != 0 && strcmp(status, "Suspended") != 0))
        ncr_emu_s3_error(s3, "MalformedXML", NULL);
    else if (!ncr_emu_bucket_set(s3->bucket, "versioning", status))
        ncr_emu_s3_error(s3, "InternalError", NULL);
    free(status);
}

/* --- Who pays --- */

void ncr_emu_s3_payer_get(ncr_emu_s3 *s3)
{
    char *payer = ncr_emu_bucket_setting(s3->bucket, "payer");
    ncr_emu_s3_xml(s3, "RequestPaymentConfiguration");
    ncr_emu_s3_element(&s3->reply->body, "Payer", payer ? payer : "BucketOwner");
    ncr_text_append(&s3->reply->body, "</RequestPaymentConfiguration>");
    free(payer);
}

void ncr_emu_s3_payer_put(ncr_emu_s3 *s3)
{
    char *payer;
    if (!body_element(s3, "RequestPaymentConfiguration/Payer", &payer))
        return;
    if (!payer || (strcmp(payer, "Requester") != 0 && strcmp(payer, "BucketOwner") != 0))
        ncr_emu_s3_error(s3, "MalformedXML", NULL);
    else if (!ncr_emu_bucket_set(s3->bucket, "payer", payer))
        ncr_emu_s3_error(s3, "InternalError", NULL);
    free(payer);
}

bool ncr_emu_s3_is_paid(ncr_emu_s3 *s3)
{
    char *payer = s3->bucket ? ncr_emu_bucket_setting(s3->bucket, "payer") : NULL;
    const char *sent = ncr_emu_header(s3->request, "x-amz-request-payer");
    sent = sent ? sent : ncr_emu_parameter(s3->request, "x-amz-request-payer");
    bool asks = payer && strcmp(payer, "Requester") == 0;
    bool paid = !asks || (sent && ncr_text_equal_nocase(sent, "requester") && s3->signed_region);
    if (!paid)
        ncr_emu_s3_error(s3, "AccessDenied", NULL);
    else if (asks)
        ncr_emu_reply_header(s3->reply, "x-amz-request-charged", "requester");
    free(payer);
    return paid;
}
