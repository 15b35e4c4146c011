/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <string.h>

#include "raster/execute.h"
#include "raster/lazy.h"
#include "raster/wants.h"
#include "support/call.h"
#include "support/fake_driver.h"
#include "support/mem_file.h"

/* One pin for an object in a tree. */

/* --- A tree with sources --- */

typedef struct {
    ncr_call *call;
    ncr_pins *pins;
    nacre_error err;
} tree;

static tree new_tree(const char *text)
{
    tree t = {.call = test_call_new(NULL), .pins = ncr_pins_new()};
    assert_non_null(t.pins);
    mem_put(t.call, "mem://pins/a", text, strlen(text));
    return t;
}

static void end_tree(tree *t)
{
    ncr_pins_unref(t->pins);
    ncr_call_unref(t->call);
}

static void overwrite(tree *t, const char *text)
{
    mem_put(t->call, "mem://pins/a", text, strlen(text));
}

static ncr_lazy *source(const tree *t, const char *path, const char *pinned_version)
{
    ncr_lazy *lazy =
        ncr_lazy_new(&(ncr_open_request){.path = path, .depth = 1, .pins = t->pins, .pinned_version = pinned_version});
    assert_non_null(lazy);
    return lazy;
}

static ncr_plan *plan_of(tree *t, ncr_lazy *lazy)
{
    ncr_plan *plan = NULL;
    assert_int_equal(ncr_lazy_plan_open(lazy, t->call, &plan, &t->err), NACRE_OK);
    return plan;
}

static nacre_status open_source(tree *t, ncr_lazy *lazy)
{
    ncr_plan *plan = plan_of(t, lazy);
    nacre_status status = ncr_execute(plan, &t->err);
    ncr_plan_free(plan);
    return status;
}

static const char *token_of(ncr_lazy *lazy)
{
    assert_non_null(ncr_lazy_dataset(lazy));
    return ncr_file_facts(ncr_lazy_dataset(lazy)->file)->version.token;
}

/* What a step of a plan asks for; expects one want. */
static ncr_want ask_one(ncr_plan *plan)
{
    ncr_wants wants = {0};
    bool more = false;
    nacre_error err;
    assert_int_equal(ncr_plan_step_child(plan, &wants, &more, &err), NACRE_OK);
    assert_true(more);
    assert_int_equal(wants.count, 1);
    ncr_want want = wants.items[0];
    ncr_wants_clear(&wants);
    return want;
}

static void two_spellings_of_an_object_have_one_pin(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *a = source(&t, "mem://pins/a", NULL), *b = source(&t, "/vsimem/pins/a", NULL);
    assert_int_equal(open_source(&t, a), NACRE_OK);
    overwrite(&t, "FAKE5678");
    ncr_plan *plan = plan_of(&t, b);
    assert_int_equal(ask_one(plan).kind, NCR_WANT_READ); /* no second open */
    ncr_plan_free(plan);
    assert_int_equal(open_source(&t, b), NACRE_ERROR_CHANGED); /* its second round reads what is gone */
    assert_null(ncr_lazy_dataset(b));
    ncr_lazy_unref(a);
    ncr_lazy_unref(b);
    end_tree(&t);
}

static void each_spelling_keeps_its_name(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *a = source(&t, "mem://pins/a", NULL), *b = source(&t, "/vsimem/pins/a", NULL);
    assert_int_equal(open_source(&t, a), NACRE_OK);
    assert_int_equal(open_source(&t, b), NACRE_OK);
    ncr_file *first = ncr_lazy_dataset(a)->file, *second = ncr_lazy_dataset(b)->file;
    assert_ptr_equal(ncr_file_pin(first), ncr_file_pin(second));
    assert_string_equal(ncr_file_path(second), "/vsimem/pins/a");
    assert_string_equal(ncr_file_object(second)->name, "/vsimem/pins/a");
    ncr_lazy_unref(a);
    ncr_lazy_unref(b);
    end_tree(&t);
}

static void a_pin_stays_when_its_dataset_is_gone(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *a = source(&t, "mem://pins/a", NULL);
    assert_int_equal(open_source(&t, a), NACRE_OK);
    ncr_lazy_unref(a);
    a = source(&t, "mem://pins/a", NULL);
    ncr_plan *plan = plan_of(&t, a);
    assert_int_equal(ask_one(plan).kind, NCR_WANT_READ);
    ncr_plan_free(plan);
    ncr_lazy_unref(a);
    end_tree(&t);
}

static void another_tree_has_pins_of_its_own(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *a = source(&t, "mem://pins/a", NULL);
    assert_int_equal(open_source(&t, a), NACRE_OK);
    overwrite(&t, "FAKE5678");
    tree other = {.call = ncr_call_ref(t.call), .pins = ncr_pins_new()};
    ncr_lazy *b = source(&other, "mem://pins/a", NULL);
    assert_int_equal(open_source(&other, b), NACRE_OK);
    assert_string_not_equal(token_of(a), token_of(b));
    ncr_lazy_unref(a);
    ncr_lazy_unref(b);
    end_tree(&other);
    end_tree(&t);
}

static void of_two_that_open_at_once_the_first_pin_is_kept(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *slow = source(&t, "mem://pins/a", NULL), *quick = source(&t, "/vsimem/pins/a", NULL);
    ncr_plan *plan = plan_of(&t, slow);
    ncr_want open = ask_one(plan); /* which is answered only after the other has opened it, and with a newer version */
    assert_int_equal(open.kind, NCR_WANT_OPEN);
    assert_int_equal(open_source(&t, quick), NACRE_OK);
    overwrite(&t, "FAKE5678");
    *open.file_out = mem_open(t.call, "mem://pins/a");
    ncr_want read = ask_one(plan);
    assert_int_equal(read.kind, NCR_WANT_READ);
    assert_string_equal(ncr_file_facts(read.file)->version.token, token_of(quick));
    ncr_plan_free(plan);
    ncr_lazy_unref(slow);
    ncr_lazy_unref(quick);
    end_tree(&t);
}

static void a_failed_open_pins_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        nacre_status status;
    } bad[] = {{"FAKE!!!!", NACRE_ERROR_CORRUPT}, {"no raster", NACRE_ERROR_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tree t = new_tree(bad[i].text);
        ncr_lazy *a = source(&t, "mem://pins/a", NULL), *b = source(&t, "/vsimem/pins/a", NULL);
        assert_int_equal(open_source(&t, a), bad[i].status);
        overwrite(&t, "FAKE1234");
        assert_int_equal(open_source(&t, b), NACRE_OK);
        assert_int_equal(open_source(&t, a), NACRE_OK);
        ncr_lazy_unref(a);
        ncr_lazy_unref(b);
        end_tree(&t);
    }
}

static void a_refused_version_pins_nothing(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *a = source(&t, "mem://pins/a", "generation=0"), *b = source(&t, "mem://pins/a", NULL);
    assert_int_equal(open_source(&t, a), NACRE_ERROR_CHANGED);
    overwrite(&t, "FAKE5678");
    assert_int_equal(open_source(&t, b), NACRE_OK);
    ncr_lazy_unref(a);
    ncr_lazy_unref(b);
    end_tree(&t);
}

static void a_failure_does_not_unpin_what_another_open_uses(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_lazy *good = source(&t, "mem://pins/a", NULL), *bad = source(&t, "mem://pins/a", "generation=0");
    ncr_plan *plan = plan_of(&t, good);
    ncr_want open = ask_one(plan);
    *open.file_out = mem_open(t.call, "mem://pins/a");
    ncr_want read = ask_one(plan); /* the first one is at its second round */
    assert_int_equal(open_source(&t, bad), NACRE_ERROR_CHANGED);
    overwrite(&t, "FAKE5678");
    ncr_lazy *late = source(&t, "mem://pins/a", NULL);
    ncr_plan *second = plan_of(&t, late);
    assert_ptr_equal(ncr_file_pin(ask_one(second).file), ncr_file_pin(read.file));
    ncr_plan_free(second);
    ncr_plan_free(plan); /* both given up: now nobody uses it */
    assert_int_equal(open_source(&t, late), NACRE_OK);
    ncr_lazy_unref(good);
    ncr_lazy_unref(bad);
    ncr_lazy_unref(late);
    end_tree(&t);
}

/* Whether a pinning of the path must ask for it. */
static bool must_ask(ncr_pins *pins, ncr_call *call, ncr_pinning *pinning)
{
    ncr_wants wants = {0};
    bool more = false;
    nacre_error err;
    assert_int_equal(ncr_pinning_begin(pinning, pins, "gs://bucket/key", NULL, call, &wants, &more, &err), NACRE_OK);
    assert_int_equal(more, wants.count == 1);
    ncr_wants_clear(&wants);
    return more;
}

static void other_credentials_do_not_share_a_pin(void **state)
{
    (void)state;
    tree t = new_tree("FAKE1234");
    ncr_call *with = test_call_new("gs.access_token=one", NULL),
             *without = test_call_new("gs.no_sign_request=yes", NULL);
    ncr_pinning first = {0}, second = {0}, third = {0};
    assert_true(must_ask(t.pins, with, &first));
    ncr_file *file = mem_open(t.call, "mem://pins/a"); /* stands for the answer */
    first.file = ncr_file_as(file, "gs://bucket/key", first.object);
    assert_int_equal(ncr_pinning_arrived(&first, &t.err), NACRE_OK);
    ncr_pinning_keep(&first);
    assert_false(must_ask(t.pins, with, &second));
    assert_true(must_ask(t.pins, without, &third));
    ncr_pinning_clear(&first);
    ncr_pinning_clear(&second);
    ncr_pinning_clear(&third);
    ncr_file_unref(file);
    ncr_call_unref(with);
    ncr_call_unref(without);
    end_tree(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_spellings_of_an_object_have_one_pin),
        cmocka_unit_test(each_spelling_keeps_its_name),
        cmocka_unit_test(a_pin_stays_when_its_dataset_is_gone),
        cmocka_unit_test(another_tree_has_pins_of_its_own),
        cmocka_unit_test(of_two_that_open_at_once_the_first_pin_is_kept),
        cmocka_unit_test(a_failed_open_pins_nothing),
        cmocka_unit_test(a_refused_version_pins_nothing),
        cmocka_unit_test(a_failure_does_not_unpin_what_another_open_uses),
        cmocka_unit_test(other_credentials_do_not_share_a_pin),
    };
    return cmocka_run_group_tests(tests, fake_driver_set_up, NULL);
}
