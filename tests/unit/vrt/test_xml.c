/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vrt/xml.h"

static ncr_xml *parsed(const char *text)
{
    ncr_xml *root = NULL;
    nacre_error err = {0};
    nacre_status status = ncr_xml_parse(text, strlen(text), "t.vrt", &root, &err);
    if (status != NACRE_OK)
        fail_msg("%s", err.message);
    return root;
}

static void expect_failure(const char *text, nacre_status expected, const char *word)
{
    ncr_xml *root = (ncr_xml *)1;
    nacre_error err = {0};
    assert_int_equal(ncr_xml_parse(text, strlen(text), "t.vrt", &root, &err), expected);
    assert_null(root);
    assert_true(ncr_text_starts(err.message, "t.vrt: "));
    if (!strstr(err.message, word))
        fail_msg("\"%s\" is not in \"%s\"", word, err.message);
}

static void elements_attributes_and_texts_are_found(void **state)
{
    (void)state;
    ncr_xml *root =
        parsed("\xEF\xBB\xBF \n<?xml version='1.0'?><!-- c --><A Size='3'><B>\n x &amp; <![CDATA[<y>]]> </B>"
               "<b name=\"a&lt;&#228;\">2</b><C><D>1.5</D></C></A>");
    assert_string_equal(ncr_xml_name(root), "A");
    assert_string_equal(ncr_xml_attribute(root, "size", ""), "3");
    const ncr_xml *b = ncr_xml_first(root, "b");
    assert_string_equal(ncr_xml_content(b), "x & <y>");
    b = ncr_xml_next(b, "B");
    assert_string_equal(ncr_xml_attribute(b, "name", ""), "a<\xC3\xA4");
    assert_null(ncr_xml_next(b, "B"));
    double value;
    assert_int_equal(ncr_xml_double(root, "C/D", 0, &value, NULL), NACRE_OK);
    assert_true(value == 1.5);
    assert_string_equal(ncr_xml_text(root, "C/E", "none"), "none");
    ncr_xml_free(root);
}

static void text_that_is_no_number_is_an_error_with_its_name(void **state)
{
    (void)state;
    ncr_xml *root = parsed("<A size='x'><B>12a</B><C>7.0</C><D>7.5</D></A>");
    nacre_error err;
    double number;
    int whole;
    assert_int_equal(ncr_xml_double(root, "B", 0, &number, &err), NACRE_ERROR_CORRUPT);
    assert_string_equal(err.message, "t.vrt: B is not a number: \"12a\"");
    assert_int_equal(ncr_xml_int(root, "C", 0, &whole, &err), NACRE_OK);
    assert_int_equal(whole, 7);
    assert_int_equal(ncr_xml_int(root, "D", 0, &whole, &err), NACRE_ERROR_CORRUPT);
    assert_int_equal(ncr_xml_attribute_int(root, "size", 0, &whole, &err), NACRE_ERROR_CORRUPT);
    assert_int_equal(ncr_xml_attribute_int(root, "absent", 4, &whole, &err), NACRE_OK);
    assert_int_equal(whole, 4);
    ncr_xml_free(root);
}

static void malformed_text_is_corrupt_and_tells_the_line(void **state)
{
    (void)state;
    expect_failure("", NACRE_ERROR_CORRUPT, "empty");
    expect_failure("  \n", NACRE_ERROR_CORRUPT, "empty");
    expect_failure("<A>\n<B></A>", NACRE_ERROR_CORRUPT, "line 2");
    expect_failure("<A>", NACRE_ERROR_CORRUPT, "line 1");
    expect_failure("<A/><B/>", NACRE_ERROR_CORRUPT, "line 1");
    expect_failure("plain", NACRE_ERROR_CORRUPT, "line 1");
    expect_failure("<A>&unknown;</A>", NACRE_ERROR_CORRUPT, "unknown");
}

static void a_dtd_is_refused_before_its_entities_grow(void **state)
{
    (void)state;
    expect_failure("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
                   "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><l>&c;</l>",
                   NACRE_ERROR_REFUSED, "document type");
    expect_failure("<!DOCTYPE l SYSTEM \"/etc/passwd\"><l/>", NACRE_ERROR_REFUSED, "document type");
    expect_failure("<!DOCTYPE l [<!ENTITY x SYSTEM \"/etc/passwd\">]><l>&x;</l>", NACRE_ERROR_REFUSED, "document type");
}

static void deep_nesting_is_corrupt(void **state)
{
    (void)state;
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 20);
    for (int i = 0; i < 200; i++)
        assert_true(ncr_text_append(&text, "<A>"));
    expect_failure((const char *)text.data, NACRE_ERROR_CORRUPT, "nested");
    ncr_buffer_clear(&text);
}

static void bytes_that_are_not_utf8_are_read_as_latin1(void **state)
{
    (void)state;
    ncr_xml *root = parsed("<A><B>caf\xE9</B></A>");
    assert_string_equal(ncr_xml_text(root, "B", ""), "caf\xC3\xA9");
    ncr_xml_free(root);
}

static char *written(const ncr_xml *root)
{
    ncr_buffer out;
    ncr_buffer_init(&out, 1 << 20);
    assert_int_equal(ncr_xml_write(root, &out, NULL), NACRE_OK);
    char *text = ncr_text_copy_n((const char *)out.data, out.size);
    ncr_buffer_clear(&out);
    return text;
}

static void what_is_built_is_written_as_gdal_indents_it(void **state)
{
    (void)state;
    ncr_xml *root = ncr_xml_new("VRTDataset");
    assert_true(ncr_xml_set_attribute_int(root, "rasterXSize", 20));
    ncr_xml *child = ncr_xml_add(root, "Metadata");
    assert_true(ncr_xml_add_text(child, "MDI", "a<b & \"c\"\x01 caf\xE9"));
    assert_true(ncr_xml_set_attribute(child, "domain", "\"x\"\n"));
    assert_true(ncr_xml_add_double(root, "NoDataValue", 0.1));
    assert_non_null(ncr_xml_add(root, "Empty"));
    char *text = written(root);
    assert_string_equal(text, "<VRTDataset rasterXSize=\"20\">\n"
                              "  <Metadata domain=\"&quot;x&quot;&#10;\">\n"
                              "    <MDI>a&lt;b &amp; \"c\" caf\xC3\xA9</MDI>\n"
                              "  </Metadata>\n"
                              "  <NoDataValue>0.1</NoDataValue>\n"
                              "  <Empty />\n"
                              "</VRTDataset>\n");
    ncr_xml *again = parsed(text);
    char *twice = written(again);
    assert_string_equal(text, twice);
    free(twice);
    free(text);
    ncr_xml_free(again);
    ncr_xml_free(root);
}

static void a_copied_tree_keeps_namespaces(void **state)
{
    (void)state;
    ncr_xml *source = parsed("<x:xmpmeta xmlns:x='adobe:ns:meta/'><r x:about='1'>t</r></x:xmpmeta>");
    ncr_xml *root = ncr_xml_new("Metadata");
    assert_true(ncr_xml_add_copy(root, source));
    ncr_xml_free(source);
    char *text = written(root);
    assert_string_equal(text, "<Metadata>\n  <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n    <r x:about=\"1\">t</r>\n"
                              "  </x:xmpmeta>\n</Metadata>\n");
    free(text);
    ncr_xml_free(root);
}

static void prefixes_without_a_namespace_are_parts_of_names(void **state)
{
    (void)state;
    ncr_xml *root = parsed("<A><x:B y:c='1'/></A>");
    assert_string_equal(ncr_xml_attribute(ncr_xml_first(root, "x:B"), "y:c", ""), "1");
    ncr_xml_free(root);
}

static void a_text_of_many_elements_is_read_whole(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    ncr_buffer text;
    ncr_buffer_init(&text, 1 << 24);
    assert_true(ncr_text_append(&text, "<A>"));
    for (int i = 0; i < COUNT; i++)
        assert_true(ncr_text_appendf(&text, "<B i=\"%d\">%d</B>", i, i));
    assert_true(ncr_text_append(&text, "</A>"));
    ncr_xml *root = parsed((const char *)text.data);
    int count = 0;
    for (const ncr_xml *b = ncr_xml_first(root, "B"); b; b = ncr_xml_next(b, "B"), count++)
        assert_string_equal(ncr_xml_content(b), ncr_xml_attribute(b, "i", ""));
    assert_int_equal(count, COUNT);
    ncr_xml_free(root);
    ncr_buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_attributes_and_texts_are_found),
        cmocka_unit_test(text_that_is_no_number_is_an_error_with_its_name),
        cmocka_unit_test(malformed_text_is_corrupt_and_tells_the_line),
        cmocka_unit_test(a_dtd_is_refused_before_its_entities_grow),
        cmocka_unit_test(deep_nesting_is_corrupt),
        cmocka_unit_test(bytes_that_are_not_utf8_are_read_as_latin1),
        cmocka_unit_test(what_is_built_is_written_as_gdal_indents_it),
        cmocka_unit_test(a_copied_tree_keeps_namespaces),
        cmocka_unit_test(prefixes_without_a_namespace_are_parts_of_names),
        cmocka_unit_test(a_text_of_many_elements_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
