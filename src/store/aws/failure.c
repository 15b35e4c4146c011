/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/aws/failure.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/aws/xml.h"

/* Its own messages hold no secrets, but other parts of its answers do (the string that was signed), so nothing else is
 * taken from them. */

static bool take_failure(void *user, const char *path, const char *text)
{
    ncr_aws_failure *out = user;
    const char *name = strrchr(path, '/');
    if (!ncr_text_starts(path, "Error/"))
        return true;
    if (strcmp(name, "/Code") == 0)
        snprintf(out->code, sizeof out->code, "%s", text);
    else if (strcmp(name, "/Message") == 0)
        snprintf(out->message, sizeof out->message, "%s", text);
    else if (strcmp(name, "/Region") == 0 && ncr_aws_is_region(text))
        snprintf(out->region, sizeof out->region, "%s", text);
    return true;
}

bool ncr_aws_failure_read(const void *data, size_t size, ncr_aws_failure *out)
{
    *out = (ncr_aws_failure){0};
    nacre_status status = size ? ncr_aws_xml_read(data, size, "", take_failure, out, NULL) : NACRE_OK;
    if (status == NACRE_ERROR_MEMORY)
        *out = (ncr_aws_failure){.lacks_memory = true};
    return status == NACRE_OK && out->code[0];
}

bool ncr_aws_is_about_credentials(const char *code)
{
    static const char *const codes[] = {"InvalidAccessKeyId",
                                        "SignatureDoesNotMatch",
                                        "ExpiredToken",
                                        "InvalidToken",
                                        "TokenRefreshRequired",
                                        "RequestTimeTooSkewed",
                                        "AuthorizationHeaderMalformed",
                                        "InvalidSecurity",
                                        "ExpiredTokenException"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

bool ncr_aws_is_region(const char *text)
{
    size_t length = strlen(text);
    return length && length < NCR_AWS_REGION && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}
