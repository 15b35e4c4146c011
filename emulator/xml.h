/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_XML_H
#define NCR_EMULATOR_XML_H

#include <stdbool.h>
#include <stddef.h>

/* Small documents in bodies of requests, read element by element. */

/* Called where an element ends: its path from the root ("Delete/Object/Key", without namespace prefixes) and its own
 * text, both for this call alone. False ends the reading. */
typedef bool (*ncr_emu_xml_element)(void *user, const char *path, const char *text);

/* False: not well-formed, with a document type (so no entity is ever expanded), deeper than 16 elements, a name
 * that is all prefix, a text longer than 16 KiB, out of memory, or `element` said so. */
bool ncr_emu_xml_read(const char *text, size_t size, ncr_emu_xml_element element, void *user);

#endif
