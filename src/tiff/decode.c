/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/decode.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "base/fork.h"
#include "base/memory.h"
#include "tiff/samples.h"

/* A libtiff handle. Single-thread: whoever took it from the pool has it alone. */
typedef struct decoder {
    TIFF *tiff;
    uint8_t *header; /* what it was opened on, and its key in the pool */
    size_t header_size;
    size_t position;
    char message[NCR_TIFF_MESSAGE_SIZE]; /* the first error since it was cleared, or that the block ends too early */
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

/* Warnings that are errors: codecs that fill up what a block lacks (JPEG, fax) say so. */
static bool tells_damage(const char *warning)
{
    static const char *const parts[] = {"Premature end of JPEG", "Premature EO", "Line length mismatch"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(warning, parts[i]))
            return true;
    return false;
}

static int keep_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff, (void)module;
    decoder *d = user;
    char text[NCR_TIFF_MESSAGE_SIZE];
    vsnprintf(text, sizeof text, format, arguments);
    if (!*d->message && tells_damage(text))
        memcpy(d->message, text, sizeof text);
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
    TIFFOpenOptionsSetWarningHandlerExtR(options, keep_warning, d);
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
    return is_decoded && !*d->message;
}

static void put_u32(uint8_t *at, size_t value, bool big_endian)
{
    for (size_t i = 0; i < 4; i++)
        at[big_endian ? 3 - i : i] = (uint8_t)(value >> (8 * i));
}

/* A TIFF of the block alone: libtiff turns colours only of what it reads by itself. */
static ncr_tiff_header *join_block(const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size)
{
    size_t size;
    if (!ncr_size_add(header->size, encoded_size, &size) || size > UINT32_MAX)
        return NULL;
    ncr_tiff_header *joined = malloc(sizeof *joined + size);
    if (!joined)
        return NULL;
    *joined = *header;
    joined->data = (uint8_t *)(joined + 1);
    joined->size = size;
    memcpy(joined->data, header->data, header->size);
    memcpy(joined->data + header->size, encoded, encoded_size);
    put_u32(joined->data + header->offset_at, header->size, header->big_endian);
    put_u32(joined->data + header->size_at, encoded_size, header->big_endian);
    return joined;
}

/* libtiff's pixels are numbers with red in the lowest byte. */
static void split_rgba(const uint32_t *pixels, size_t count, unsigned samples, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned j = 0; j < samples; j++)
            *out++ = (uint8_t)(pixels[i] >> (8 * j));
}

static nacre_status decode_rgba(const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size,
                                uint8_t *out, char *message)
{
    ncr_tiff_header *joined = join_block(header, encoded, encoded_size);
    uint32_t *pixels = malloc((size_t)header->width * header->rows * sizeof *pixels);
    decoder *d = joined && pixels ? new_decoder(joined) : NULL;
    nacre_status status = NACRE_ERROR_MEMORY;
    if (d) {
        bool is_read =
            d->tiff &&
            TIFFReadRGBAImageOriented(d->tiff, header->width, header->rows, pixels, ORIENTATION_TOPLEFT, 1) &&
            !*d->message;
        if (is_read)
            split_rgba(pixels, (size_t)header->width * header->rows, header->rgba_samples, out);
        else
            snprintf(message, NCR_TIFF_MESSAGE_SIZE, "%s", *d->message ? d->message : "libtiff cannot decode it");
        status = is_read ? NACRE_OK : NACRE_ERROR_CORRUPT;
    }
    free_decoder(d);
    free(pixels);
    free(joined);
    return status;
}

nacre_status ncr_tiff_decode(const ncr_tiff_header *header, const uint8_t *encoded, size_t encoded_size, uint8_t *out,
                             char *message)
{
    message[0] = 0;
    if (header->rgba_samples)
        return decode_rgba(header, encoded, encoded_size, out, message);
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
        if (header->summed_bits)
            ncr_tiff_samples_sum(out, header->summed_bits, header->samples, header->width, header->rows);
        return NACRE_OK;
    }
    snprintf(message, NCR_TIFF_MESSAGE_SIZE, "%s", *d->message ? d->message : "libtiff cannot decode it");
    free_decoder(d); /* after an error its state is anything */
    return NACRE_ERROR_CORRUPT;
}
