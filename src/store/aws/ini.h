/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_AWS_INI_H
#define NCR_STORE_AWS_INI_H

#include <nacre/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Amazon's configuration files: sections of "key = value", with values below a key that is empty ("s3 =" and then
 * indented lines). Immutable, reference-counted; wiped when released, since they hold keys. */
typedef struct ncr_aws_ini ncr_aws_ini;

/* Reads a text; `path` is for messages. is_config: sections of profiles are "[profile NAME]" and "[default]", as in
 * ~/.aws/config; else "[NAME]", as in ~/.aws/credentials. NACRE_ERROR_INVALID names the line; no value is repeated. */
nacre_status ncr_aws_ini_parse(const char *text, size_t size, const char *path, bool is_config, ncr_aws_ini **out,
                               nacre_error *err);
ncr_aws_ini *ncr_aws_ini_ref(ncr_aws_ini *ini);
void ncr_aws_ini_unref(ncr_aws_ini *ini);

/* Whether there is a section; kind is "profile", "services" or "sso-session". NULL for ini: no. */
bool ncr_aws_ini_has(const ncr_aws_ini *ini, const char *kind, const char *name);

/* A value, the last that was given; below: a key under `key`, NULL for its own value. NULL: there is none, or it is
 * empty. Lives as long as ini, which may be NULL. */
const char *ncr_aws_ini_get(const ncr_aws_ini *ini, const char *kind, const char *name, const char *key,
                            const char *below);

#endif
