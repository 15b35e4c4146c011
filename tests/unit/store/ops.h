/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_STORE_OPS_H
#define TEST_STORE_OPS_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/latch.h"
#include "base/text.h"
#include "cmocka_all.h"
#include "store/store.h"
#include "support/call.h"

/* A store's operations as tests call them: each waits for done(), and fails the test where the contract of store.h is
 * broken. */

/* A group's setup: what the machine's user has configured must not matter. */
static inline int clear_environment(void **state)
{
    static const char *const names[] = {"STORAGE_EMULATOR_HOST",
                                        "CPL_GS_ENDPOINT",
                                        "NACRE_GS_ENDPOINT",
                                        "NACRE_GS_ACCESS_TOKEN",
                                        "GOOGLE_OAUTH_ACCESS_TOKEN",
                                        "CLOUDSDK_AUTH_ACCESS_TOKEN",
                                        "GOOGLE_APPLICATION_CREDENTIALS",
                                        "GS_NO_SIGN_REQUEST",
                                        "GS_USER_PROJECT",
                                        "GS_ACCESS_KEY_ID",
                                        "GS_SECRET_ACCESS_KEY",
                                        "AZURE_STORAGE_ACCOUNT",
                                        "AZURE_STORAGE_ACCESS_KEY",
                                        "AZURE_STORAGE_CONNECTION_STRING",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_TENANT_ID",
                                        "IDENTITY_ENDPOINT",
                                        "NACRE_CACHE",
                                        "NACRE_CONFIG"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    for (char **at = environ; *at;) {
        char name[128] = "";
        if (strncmp(*at, "AWS_", 4) == 0 && strcspn(*at, "=") < sizeof name)
            memcpy(name, *at, strcspn(*at, "="));
        if (name[0])
            unsetenv(name); /* what is behind it moves up */
        else
            at++;
    }
    setenv("HOME", "/nonexistent", 1);
    return setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

static inline ncr_store *open_store(const char *scheme, const char *location, bool anonymous, ncr_call *call)
{
    ncr_store *store;
    nacre_error err;
    if (ncr_store_open(scheme, location, anonymous, call->config, &store, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return store;
}

static inline void get_done(ncr_get *get)
{
    ncr_latch_down(get->user);
}

/* Runs a get that the caller filled in but for done and user. */
static inline nacre_status run_get(ncr_get *get)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    get->done = get_done;
    get->user = &latch;
    get->object->store->class->get(get);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    if (get->status != NACRE_OK) {
        assert_int_equal(get->got, 0);
        assert_null(get->whole);
        assert_int_equal(get->error.status, get->status);
    }
    return get->status;
}

static inline void stat_done(ncr_stat_op *op)
{
    ncr_latch_down(op->user);
}

static inline nacre_status run_stat(ncr_stat_op *op)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    op->done = stat_done;
    op->user = &latch;
    op->object->store->class->stat(op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    return op->status;
}

static inline void list_done(ncr_list_op *op)
{
    ncr_latch_down(op->user);
}

static inline nacre_status run_list(ncr_list_op *op)
{
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    op->done = list_done;
    op->user = &latch;
    op->object->store->class->list(op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    return op->status;
}

/* All keys of a listing in pages of `page` entries, each followed by a space. */
static inline char *list_keys(ncr_object *prefix, ncr_call *call, bool recursive, size_t page)
{
    ncr_buffer text;
    char *next = NULL;
    ncr_buffer_init(&text, 1 << 20);
    ncr_text_append(&text, "");
    do {
        ncr_list_op op = {.object = prefix, .call = call, .recursive = recursive, .max_entries = page, .page = next};
        if (run_list(&op) != NACRE_OK)
            fail_msg("%s", op.error.message);
        if (page)
            assert_true(op.entry_count <= page);
        for (size_t i = 0; i < op.entry_count; i++) {
            size_t length = strlen(op.entries[i].key);
            assert_int_equal(op.entries[i].is_prefix, op.entries[i].key[length - 1] == '/');
            ncr_text_appendf(&text, "%s ", op.entries[i].key);
        }
        free(next);
        next = op.next_page;
        op.next_page = NULL;
        ncr_list_op_clear(&op);
    } while (next);
    return (char *)text.data;
}

static inline nacre_status put_text(ncr_object *object, ncr_call *call, const char *text,
                                    const ncr_condition *condition, ncr_object_facts *facts, nacre_error *err)
{
    ncr_put put = {.object = object, .call = call, .data = text, .size = strlen(text), .content_type = "text/plain"};
    if (condition)
        put.condition = *condition;
    nacre_status status = object->store->class->put(&put, err);
    if (status == NACRE_OK)
        assert_int_equal(put.outcome, NCR_OUTCOME_DONE);
    if (facts)
        *facts = put.facts;
    return status;
}

static inline nacre_status remove_object(ncr_object *object, ncr_call *call, const ncr_version *version,
                                         nacre_error *err)
{
    ncr_delete op = {.object = object, .call = call, .condition = {.version = version}};
    nacre_status status = object->store->class->remove(&op, err);
    if (status == NACRE_OK)
        assert_int_equal(op.outcome, NCR_OUTCOME_DONE);
    return status;
}

/* The object's text as it is now, to be freed. */
static inline char *get_text(ncr_object *object, ncr_call *call, ncr_object_facts *facts)
{
    ncr_get get = {.object = object, .call = call, .length = SIZE_MAX};
    if (run_get(&get) != NACRE_OK)
        fail_msg("%s", get.error.message);
    assert_non_null(get.whole);
    assert_int_equal(get.whole_size, get.facts.size);
    if (facts)
        *facts = get.facts;
    char *text = ncr_text_copy_n((char *)get.whole, get.whole_size);
    free(get.whole);
    return text;
}

static inline void assert_text(ncr_object *object, ncr_call *call, const char *expected)
{
    char *text = get_text(object, call, NULL);
    assert_string_equal(text, expected);
    free(text);
}

#define assert_contains(text, part)                                 \
    do {                                                            \
        if (!strstr(text, part))                                    \
            fail_msg("'%s' does not contain '%s'", (text), (part)); \
    } while (0)

#endif
