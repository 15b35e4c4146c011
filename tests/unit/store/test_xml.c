/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/ops.h"

#include <stdio.h>

#include "store/xml.h"

/* Writes down what is told: "<name a=v>" and "text</name>". */
static bool note_begin(void *user, unsigned depth, const char *name, const char *const *attributes)
{
    ncr_text_appendf(user, "%u<%s", depth, name);
    for (; *attributes; attributes += 2)
        ncr_text_appendf(user, " %s=%s", attributes[0], attributes[1]);
    return ncr_text_append(user, ">");
}

static bool note_end(void *user, unsigned depth, const char *name, const char *text)
{
    return ncr_text_appendf(user, "%s</%s %u>", text, name, depth);
}

static bool refuse(void *user, unsigned depth, const char *name, const char *text)
{
    (void)user, (void)depth, (void)name, (void)text;
    return false;
}

static nacre_status read_text(const char *xml, char *out, size_t out_size, nacre_error *err)
{
    static const ncr_xml_handler handler = {.begin = note_begin, .end = note_end};
    ncr_buffer notes;
    ncr_buffer_init(&notes, 1 << 16);
    ncr_text_append(&notes, "");
    nacre_status status = ncr_xml_read(xml, strlen(xml), "s3://b/k", &handler, &notes, err);
    snprintf(out, out_size, "%s", (char *)notes.data);
    ncr_buffer_clear(&notes);
    return status;
}

static void elements_are_told_with_their_texts(void **state)
{
    (void)state;
    char notes[256];
    assert_int_equal(read_text("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><a x='1'> <b>t &amp; &#65;</b>"
                               "<c/></a>",
                               notes, sizeof notes, NULL),
                     NACRE_OK);
    assert_string_equal(notes, "0<a x=1>1<b>t & A</b 1>1<c></c 1></a 0>");
}

static void entities_and_what_is_no_xml_are_refused(void **state)
{
    (void)state;
    char notes[4096], deep[4096] = "";
    nacre_error err;
    assert_int_equal(
        read_text("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", notes, sizeof notes, &err),
        NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message, "s3://b/k: the store's answer is not understood: it has a document type");
    assert_string_equal(notes, "");
    static const char *const bad[] = {"", "{}", "<a>", "<a></b>", "<a>&unknown;</a>", "<a/><b/>", "<a>\xff</a>"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(bad[i], notes, sizeof notes, &err), NACRE_ERROR_CORRUPT);
        assert_string_equal(err.message, "s3://b/k: the store's answer is not understood: no XML");
    }
    for (int i = 0; i < 33; i++)
        strncat(deep, "<a>", sizeof deep - strlen(deep) - 1);
    assert_int_equal(read_text(deep, notes, sizeof notes, &err), NACRE_ERROR_CORRUPT);
    assert_contains(err.message, "nested too deeply");
}

static void a_handler_that_has_no_memory_ends_it(void **state)
{
    (void)state;
    static const ncr_xml_handler handler = {.end = refuse};
    nacre_error err;
    assert_int_equal(ncr_xml_read("<a><b/></a>", 11, "n", &handler, NULL, &err), NACRE_ERROR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_told_with_their_texts),
        cmocka_unit_test(entities_and_what_is_no_xml_are_refused),
        cmocka_unit_test(a_handler_that_has_no_memory_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
