/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "s3_chunks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys.h"
#include "s3_checksum.h"

enum { CHUNK_LINE_MAX = 2048, STEP = 1 << 18, TRAILER_LINES_MAX = 20 };

typedef struct reader {
    const ncr_emu_chunks *chunks;
    int fd;
    uint64_t at, size;
    char line[CHUNK_LINE_MAX]; /* the last one that was read, without its end */
    char *step;                /* STEP bytes */
} reader;

/* Reads a line that ends with LF or CR LF; false: there is none, or it is too long. */
static bool read_line(reader *self)
{
    uint64_t left = self->size - self->at;
    size_t part = left < CHUNK_LINE_MAX ? (size_t)left : CHUNK_LINE_MAX;
    if (!part || !ncr_emu_read_at(self->fd, self->line, part, self->at))
        return false;
    char *end = memchr(self->line, '\n', part);
    if (!end || memchr(self->line, '\0', (size_t)(end - self->line)))
        return false;
    self->at += (uint64_t)(end - self->line) + 1;
    if (end > self->line && end[-1] == '\r')
        end--;
    *end = '\0';
    return true;
}

/* The size before ';' of the line; false where there is none. */
static bool chunk_size(const char *line, uint64_t *out)
{
    size_t digits = 0;
    *out = 0;
    for (; ncr_emu_hex(line[digits]) >= 0; digits++) {
        if (digits == 15)
            return false;
        *out = *out * 16 + (uint64_t)ncr_emu_hex(line[digits]);
    }
    return digits > 0 && (!line[digits] || line[digits] == ';');
}

static bool copy_chunk(reader *self, uint64_t size, char digest[NCR_EMU_SIGNATURE_SIZE])
{
    ncr_emu_checksum sum;
    uint8_t bytes[NCR_EMU_CHECKSUM_SIZE];
    bool verifies = self->chunks->is_signed && self->chunks->signature->known;
    if (!ncr_emu_checksum_init(&sum, verifies ? NCR_EMU_CHECKSUM_SHA256 : NCR_EMU_CHECKSUM_NONE))
        return false;
    bool good = true;
    while (size && good) {
        size_t part = size < STEP ? (size_t)size : STEP;
        good = ncr_emu_read_at(self->fd, self->step, part, self->at) &&
               ncr_emu_draft_write(self->chunks->draft, self->step, part);
        ncr_emu_checksum_add(&sum, self->step, good ? part : 0);
        self->at += part;
        size -= part;
    }
    ncr_emu_checksum_end(&sum, bytes);
    ncr_emu_hex_text(bytes, sizeof bytes, digest);
    return good;
}

/* One chunk with its line, up to the CR LF behind its bytes; *last where it had none. */
static const char *read_chunk(reader *self, bool *last)
{
    static const char mark[] = ";chunk-signature=";
    char digest[NCR_EMU_SIGNATURE_SIZE], end[2];
    uint64_t size;
    if (!read_line(self))
        return "IncompleteBody";
    if (!chunk_size(self->line, &size))
        return "InvalidRequest";
    const char *signature = strstr(self->line, mark);
    char given[NCR_EMU_SIGNATURE_SIZE];
    snprintf(given, sizeof given, "%s", signature ? signature + strlen(mark) : "");
    *last = size == 0;
    if (size > self->size - self->at)
        return "IncompleteBody";
    if (!copy_chunk(self, size, digest))
        return "InternalError";
    if (self->chunks->is_signed && self->chunks->signature->known) {
        ncr_emu_signature_chunk(self->chunks->signature, digest);
        if (!ncr_emu_signature_equal(given, self->chunks->signature->last))
            return "SignatureDoesNotMatch";
    }
    if (*last)
        return NULL;
    if (self->size - self->at < 2 || !ncr_emu_read_at(self->fd, end, 2, self->at))
        return "IncompleteBody";
    self->at += 2;
    return end[0] == '\r' && end[1] == '\n' ? NULL : "InvalidRequest";
}

/* "name:value" of the line into the trailer, and into what its signature is of. */
static bool take_trailer_line(reader *self, ncr_buffer *signed_text)
{
    char *colon = strchr(self->line, ':');
    if (!colon || colon == self->line)
        return false;
    *colon = '\0';
    for (char *p = self->line; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    const char *value = colon + 1 + strspn(colon + 1, " ");
    if (strcmp(self->line, "x-amz-trailer-signature") != 0)
        ncr_text_appendf(signed_text, "%s:%s\n", self->line, value);
    json_object_set_new(self->chunks->trailer, self->line, json_string(value));
    return true;
}

static const char *read_trailer(reader *self, ncr_buffer *signed_text)
{
    bool ended = false;
    for (int lines = 0; self->at < self->size && !ended; lines++) {
        if (lines == TRAILER_LINES_MAX || !read_line(self))
            return "InvalidRequest";
        ended = !*self->line;
        if (!ended && !take_trailer_line(self, signed_text))
            return "InvalidRequest";
    }
    if (!self->chunks->is_trailer_signed || !self->chunks->signature->known)
        return NULL;
    char digest[NCR_EMU_SIGNATURE_SIZE];
    const char *given = json_string_value(json_object_get(self->chunks->trailer, "x-amz-trailer-signature"));
    ncr_emu_sha256_hex(signed_text->size ? (const char *)signed_text->data : "", signed_text->size, digest);
    ncr_emu_signature_trailer(self->chunks->signature, digest);
    return given && ncr_emu_signature_equal(given, self->chunks->signature->last) ? NULL : "SignatureDoesNotMatch";
}

const char *ncr_emu_chunks_read(const ncr_emu_chunks *chunks, int fd, uint64_t size)
{
    reader self = {.chunks = chunks, .fd = fd, .size = size, .step = malloc(STEP)};
    const char *error = self.step ? NULL : "InternalError";
    for (bool last = false; !last && !error;)
        error = read_chunk(&self, &last);
    if (!error) {
        ncr_buffer signed_text;
        ncr_buffer_init(&signed_text, (size_t)TRAILER_LINES_MAX * CHUNK_LINE_MAX);
        error = read_trailer(&self, &signed_text);
        ncr_buffer_clear(&signed_text);
    }
    free(self.step);
    return error;
}
