/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "emulator/xml.h"

typedef struct seen {
    char text[512];
    int count, stop_at;
} seen;

static bool on_element(void *user, const char *path, const char *text)
{
    seen *self = user;
    size_t at = strlen(self->text);
    snprintf(self->text + at, sizeof self->text - at, "%s=%s;", path, text);
    return ++self->count != self->stop_at;
}

static void elements_end_with_their_path_and_text(void **state)
{
    (void)state;
    static const char text[] = "<a:D xmlns:a='x'><O><Key>k &amp; &#x26;</Key><E/></O>tail<Q>true</Q></a:D>";
    seen all = {.stop_at = 0};
    assert_true(ncr_emu_xml_read(text, strlen(text), on_element, &all));
    assert_string_equal(all.text, "D/O/Key=k & &;D/O/E=;D/O=;D/Q=true;D=;");
    seen some = {.stop_at = 2};
    assert_false(ncr_emu_xml_read(text, strlen(text), on_element, &some));
    assert_int_equal(some.count, 2);
}

static void no_document_type_and_no_empty_name_is_taken(void **state)
{
    (void)state;
    static const char *const wrong[] = {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                                        "<!DOCTYPE a SYSTEM 'file:///dev/null'><a/>", "<a>&b;</a>", "<a:/>"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        seen all = {.stop_at = 0};
        assert_false(ncr_emu_xml_read(wrong[i], strlen(wrong[i]), on_element, &all));
        assert_int_equal(all.count, 0);
    }
}

static void depth_names_and_texts_are_bounded(void **state)
{
    (void)state;
    static char text[1 << 18];
    size_t at = 0;
    for (int i = 0; i < 17; i++, at += 3)
        memcpy(text + at, "<a>", 4);
    for (int i = 0; i < 17; i++, at += 4)
        memcpy(text + at, "</a>", 5);
    seen all = {.stop_at = 0};
    assert_false(ncr_emu_xml_read(text, at, on_element, &all));
    assert_true(ncr_emu_xml_read(text + 3, at - 7, on_element, &all));

    memset(text, 'x', sizeof text);
    memcpy(text, "<a>", 3);
    memcpy(text + sizeof text - 5, "</a>", 5);
    assert_false(ncr_emu_xml_read(text, sizeof text - 1, on_element, &all));
    memset(text, 'x', sizeof text);
    text[0] = '<';
    memcpy(text + sizeof text - 3, "/>", 3);
    assert_false(ncr_emu_xml_read(text, sizeof text - 1, on_element, &all));
}

static void what_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",         "a",        "<a>",         "<a></b>",
                                        "<a/><b/>", "<a b=c/>", "<a>\x01</a>", "<a>\xff</a>"};
    seen all = {.stop_at = 0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ncr_emu_xml_read(wrong[i], strlen(wrong[i]), on_element, &all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_end_with_their_path_and_text),
        cmocka_unit_test(no_document_type_and_no_empty_name_is_taken),
        cmocka_unit_test(depth_names_and_texts_are_bounded),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
