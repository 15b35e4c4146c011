/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/trust.h"

static char root[] = "/tmp/nacre-trust-XXXXXX";

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    memset(root + sizeof root - 7, 'X', 6);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* An empty file below the root, with the folders that it needs. */
static void add(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + sizeof root; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    int file = open(path, O_CREAT | O_WRONLY, 0644);
    assert_true(file >= 0);
    close(file);
}

static void the_bundle_of_debian_is_found(void **state)
{
    (void)state;
    add("/etc/ssl/certs/ca-certificates.crt");
    assert_string_equal(ncr_trust_bundle(root), "/etc/ssl/certs/ca-certificates.crt");
}

static void the_bundle_of_red_hat_is_found(void **state)
{
    (void)state;
    add("/etc/pki/tls/certs/ca-bundle.crt");
    assert_string_equal(ncr_trust_bundle(root), "/etc/pki/tls/certs/ca-bundle.crt");
}

static void red_hats_extracted_bundle_is_found_without_its_link(void **state)
{
    (void)state;
    add("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
    assert_string_equal(ncr_trust_bundle(root), "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
}

static void a_link_that_leads_nowhere_is_passed_over(void **state)
{
    (void)state;
    char path[PATH_MAX];
    add("/etc/pki/tls/certs/ca-bundle.crt");
    add("/etc/ssl/certs/other.crt");
    snprintf(path, sizeof path, "%s/etc/ssl/certs/ca-certificates.crt", root);
    assert_int_equal(symlink("nowhere.crt", path), 0);
    assert_string_equal(ncr_trust_bundle(root), "/etc/pki/tls/certs/ca-bundle.crt");
}

static void where_there_are_both_the_first_counts(void **state)
{
    (void)state;
    add("/etc/ssl/cert.pem");
    add("/etc/ssl/ca-bundle.pem");
    assert_string_equal(ncr_trust_bundle(root), "/etc/ssl/ca-bundle.pem");
    add("/etc/pki/tls/certs/ca-bundle.crt");
    assert_string_equal(ncr_trust_bundle(root), "/etc/pki/tls/certs/ca-bundle.crt");
    add("/etc/ssl/certs/ca-certificates.crt");
    assert_string_equal(ncr_trust_bundle(root), "/etc/ssl/certs/ca-certificates.crt");
}

static void where_there_are_none_libcurls_own_default_is_left(void **state)
{
    (void)state;
    assert_null(ncr_trust_bundle(root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_bundle_of_debian_is_found, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_bundle_of_red_hat_is_found, make_root, remove_root),
        cmocka_unit_test_setup_teardown(red_hats_extracted_bundle_is_found_without_its_link, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_link_that_leads_nowhere_is_passed_over, make_root, remove_root),
        cmocka_unit_test_setup_teardown(where_there_are_both_the_first_counts, make_root, remove_root),
        cmocka_unit_test_setup_teardown(where_there_are_none_libcurls_own_default_is_left, make_root, remove_root),
    };
    return cmocka_run_group_tests_name("net/trust", tests, NULL, NULL);
}
