/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/decode.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "base/fork.h"

/* A libtiff handle. Single-thread: whoever took it from the pool has it alone. */
typedef struct decoder {
    TIFF *tiff;
    uint8_t *header; /* what it was opened on, and its key in the pool */
    size_t header_size;
    size_t position;
    char message[NCR_TIFF_MESSAGE_SIZE]; /* the first error since it was cleared */
    struct decoder *next;
} decoder;

/* Handles that nobody uses, the last used first. Only tried for, never waited for: who does not get the lock opens a
 * handle of its own, or lets one go. */
enum { POOL_MAX = 32 };
static struct {
    pthread_mutex_t lock;
    decoder *first;
    size_t count;
} pool = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&pool.lock);
}

/* --- What libtiff reads through --- */

static tmsize_t read_header(thandle_t user, void *buffer, tmsize_t size)
{
    decoder *d = user;
    size_t left = d->position < d->header_size ? d->header_size - d->position : 0;
    size_t got = (size_t)size < left ? (size_t)size : left;
    memcpy(buffer, d->header + d->position, got);
    d->position += got;
    return (tmsize_t)got;
}

static tmsize_t write_nothing(thandle_t user, void *buffer, tmsize_t size)
{
    (void)user, (void)buffer, (void)size;
    return -1;
}

static toff_t seek_header(thandle_t user, toff_t offset, int whence)
{
    decoder *d = user;
    if (whence == SEEK_CUR)
        offset += d->position;
    else if (whence == SEEK_END)
        offset += d->header_size;
    d->position = (size_t)offset;
    return offset;
}

static int close_nothing(thandle_t user)
{
    (void)user;
    return 0;
}

static toff_t header_size(thandle_t user)
{
    return ((decoder *)user)->header_size;
}

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff, (void)module;
    decoder *d = user;
    if (!*d->message)
        vsnprintf(d->message, sizeof d->message, format, arguments);
    return 1;
}

static int drop_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
    return 1;
}

/* --- Handles --- */

static void free_decoder(decoder *d)
{
    if (!d)
        return;
    if (d->tiff)
        TIFFClose(d->tiff);
    free(d->header);
    free(d);
}

/* "m": no memory mapping; "c": long strips are not cut into short ones. */
static TIFF *open_tiff(decoder *d)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, d);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_warning, d);
    TIFF *tiff = TIFFClientOpenExt("block", "rmc", d, read_header, write_nothing, seek_header, close_nothing,
                                   header_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

/* A handle on the header. It is returned even where libtiff refuses the header: then `tiff` is NULL and the message
 * says why. NULL: out of memory. */
static decoder *new_decoder(const ncr_tiff_header *header)
{
    decoder *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->header = malloc(header->size);
    if (!d->header) {
        free(d);
        return NULL;
    }
    memcpy(d->header, header->data, header->size);
    d->header_size = header->size;
    d->tiff = open_tiff(d);
    if (d->tiff && header->is_ycbcr)
        TIFFSetField(d->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    return d;
}

static bool matches(const decoder *d, const ncr_tiff_header *header)
{
    return d->header_size == header->size && !memcmp(d->header, header->data, header->size);
}

static decoder *take_decoder(const ncr_tiff_header *header)
{
    decoder *found = NULL;
    if (!pthread_mutex_trylock(&pool.lock)) {
        decoder **at = &pool.first;
        while (*at && !matches(*at, header))
            at = &(*at)->next;
        found = *at;
        if (found) {
            *at = found->next;
            pool.count--;
        }
        pthread_mutex_unlock(&pool.lock);
    }
    return found ? found : new_decoder(header);
}

/* Keeps a handle for others; the one that was unused for longest goes. */
static void give_decoder(decoder *d)
{
    decoder *spare = d;
    if (!pthread_mutex_trylock(&pool.lock)) {
        spare = NULL;
        d->next = pool.first;
        pool.first = d;
        if (++pool.count > POOL_MAX) {
            decoder **at = &pool.first;
            while ((*at)->next)
                at = &(*at)->next;
            spare = *at;
            *at = NULL;
            pool.count--;
        }
        pthread_mutex_unlock(&pool.lock);
    }
    free_decoder(spare);
}

/* --- Decoding --- */

/* libtiff writes into the buffer of blocks with reversed bits, and its prototype wants a buffer that it may write. */
static bool decode_with(decoder *d, const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size,
                        uint8_t *out)
{
    uint8_t *input = (uint8_t *)(uintptr_t)encoded, *copy = NULL;
    if (header->is_reversed) {
        copy = malloc(encoded_size);
        if (!copy)
            return false;
        input = memcpy(copy, encoded, encoded_size);
    }
    d->message[0] = 0;
    bool is_decoded =
        TIFFReadFromUserBuffer(d->tiff, 0, input, (tmsize_t)encoded_size, out, (tmsize_t)header->decoded_size);
    free(copy);
    return is_decoded;
}

nacre_status ncr_tiff_decode(const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size, uint8_t *out,
                             char *message)
{
    message[0] = 0;
    decoder *d = take_decoder(header);
    if (!d)
        return NACRE_ERROR_MEMORY;
    tmsize_t expected = -1;
    if (d->tiff)
        expected = header->is_tiled ? TIFFTileSize(d->tiff) : TIFFStripSize(d->tiff);
    bool is_decoded =
        expected >= 0 && (size_t)expected == header->decoded_size && decode_with(d, header, encoded, encoded_size, out);
    if (is_decoded) {
        give_decoder(d);
        return NACRE_OK;
    }
    snprintf(message, NCR_TIFF_MESSAGE_SIZE, "%s", *d->message ? d->message : "libtiff cannot decode it");
    free_decoder(d); /* after an error its state is anything */
    return NACRE_ERROR_CORRUPT;
}

void ncr_tiff_expand_bits(const uint8_t *bits, size_t row_values, size_t rows, uint8_t on, uint8_t *out)
{
    size_t row_size = (row_values + 7) / 8;
    for (size_t y = 0; y < rows; y++, bits += row_size)
        for (size_t x = 0; x < row_values; x++)
            *out++ = bits[x / 8] >> (7 - x % 8) & 1 ? on : 0;
}
