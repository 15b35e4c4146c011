/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/trust.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* libcurl and OpenSSL know only the places of the distribution that they were built on, which in a wheel is another
 * one. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Red Hat, Fedora, Rocky */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* the same, what the one above leads to */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* BSD, and Alpine without the package */
};

const char *ncr_trust_bundle(const char *root)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        int length = snprintf(path, sizeof path, "%s%s", root, bundles[i]);
        if (length > 0 && (size_t)length < sizeof path && access(path, R_OK) == 0)
            return bundles[i];
    }
    return NULL;
}
