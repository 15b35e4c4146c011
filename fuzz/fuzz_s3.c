/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator/s3_checksum.h"
#include "emulator/s3_chunks.h"
#include "emulator/s3_sign.h"
#include "emulator/xml.h"

/* What the emulator's S3 interface reads of requests; the first byte says which parser the rest is for. Besides not
 * crashing: paths stay below their bound, a claim that is taken is whole, and a body never decodes to more than it
 * was. */

static void require(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool on_element(void *user, const char *path, const char *text)
{
    (void)user;
    require(*path && strlen(path) < 512 && strlen(text) <= 16 << 10, "a path or text past its bound");
    return true;
}

static void claim(const char *text)
{
    ncr_emu_claim out;
    uint8_t digest[NCR_EMU_CHECKSUM_SIZE];
    if (ncr_emu_claim_from_header(text, &out))
        require(*out.key_id && strlen(out.day) == 8 && out.signature && out.signed_headers, "half a claim");
    ncr_emu_claim_clear(&out);
    ncr_emu_claim_from_query(text, text, text, &out);
    ncr_emu_claim_clear(&out);
    ncr_emu_sign_time(text);
    for (int kind = 1; kind < NCR_EMU_CHECKSUM_COUNT; kind++)
        ncr_emu_checksum_parse((ncr_emu_checksum_kind)kind, text, digest);
}

static void canonical(const char *text)
{
    const ncr_emu_sign_header header = {"Host", text};
    const ncr_emu_to_sign what = {.method = "GET",
                                  .path = text,
                                  .query = text,
                                  .headers = &header,
                                  .header_count = 1,
                                  .signed_headers = text,
                                  .payload = "UNSIGNED-PAYLOAD"};
    ncr_buffer out;
    ncr_buffer_init(&out, 1 << 20);
    ncr_emu_canonical_request(&what, &out);
    ncr_buffer_clear(&out);
}

static void chunks(const uint8_t *data, size_t size)
{
    int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ncr_emu_signature unknown = {0};
    ncr_emu_draft *source = ncr_emu_draft_new(tmp), *draft = ncr_emu_draft_new(tmp);
    json_t *trailer = json_object();
    if (source && draft && ncr_emu_draft_write(source, data, size)) {
        const ncr_emu_chunks what = {
            .draft = draft, .trailer = trailer, .is_signed = true, .is_trailer_signed = true, .signature = &unknown};
        ncr_emu_chunks_read(&what, source->fd, source->size);
        require(draft->size <= size, "more bytes than there were");
    }
    json_decref(trailer);
    ncr_emu_draft_free(source);
    ncr_emu_draft_free(draft);
    close(tmp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        ncr_emu_xml_read(text, size - 1, on_element, NULL);
        break;
    case 1:
        claim(text);
        break;
    case 2:
        canonical(text);
        break;
    default:
        chunks(data + 1, size - 1);
    }
    free(text);
    return 0;
}
