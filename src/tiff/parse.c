/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tiff/index.h"

enum {
    DIRECTORY_GUESS = 16 * 1024,    /* read for a directory whose length is not known yet */
    COG_GUESS_MAX = 1024 * 1024,    /* most of that in a COG, where all directories follow one another */
    OPTIONAL_VALUE_MAX = 64 * 1024, /* arrays of blocks are asked for early up to this size */
    CLASSIC_HEADER = 8,
    BIG_HEADER = 16,
};

typedef struct piece {
    uint64_t offset;
    const uint8_t *data;
    size_t size;
} piece;

struct ncr_tiff_parser {
    char *name;
    uint64_t file_size;
    size_t memory_limit, memory_used;
    piece *pieces;
    size_t piece_count, piece_capacity;
    ncr_tiff_need *needs;
    size_t need_count, need_capacity;
    size_t asked;          /* bytes of values among them */
    ncr_tiff_index *index; /* being built */
    bool has_header;
    uint64_t next;     /* offset of the next directory; 0: the chain has ended */
    size_t first_open; /* directories before this one have all their values */
};

/* --- The index's memory --- */

static void free_index(ncr_value *value)
{
    ncr_tiff_index *index = (ncr_tiff_index *)value;
    for (size_t i = 0; i < index->directory_count; i++) {
        for (size_t j = 0; j < index->directories[i].tag_count; j++)
            free(index->directories[i].tags[j].value);
        free(index->directories[i].tags);
    }
    free(index->directories);
    free(index);
}

/* What the finished index occupies. */
static size_t size_of(const ncr_tiff_index *index)
{
    size_t size =
        ncr_alloc_size(sizeof *index) + ncr_alloc_size(index->directory_capacity * sizeof *index->directories);
    for (size_t i = 0; i < index->directory_count; i++) {
        const ncr_tiff_directory *directory = &index->directories[i];
        size += ncr_alloc_size(directory->tag_count * sizeof *directory->tags);
        for (size_t j = 0; j < directory->tag_count; j++) {
            const ncr_tiff_tag *tag = &directory->tags[j];
            size += tag->value ? ncr_alloc_size((size_t)tag->count * ncr_tiff_type_size(tag->type) + 1) : 0;
        }
    }
    return size;
}

nacre_status ncr_tiff_parser_new(const char *name, uint64_t file_size, size_t memory_limit, ncr_tiff_parser **out,
                                 nacre_error *err)
{
    *out = NULL;
    ncr_tiff_parser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return ncr_error_memory(err);
    parser->file_size = file_size;
    parser->memory_limit = memory_limit;
    parser->name = ncr_text_copy(name);
    parser->index = calloc(1, sizeof *parser->index);
    if (!parser->name || !parser->index) {
        ncr_tiff_parser_free(parser);
        return ncr_error_memory(err);
    }
    atomic_init(&parser->index->value.references, 1);
    parser->index->value.free = free_index;
    parser->index->file_size = file_size;
    *out = parser;
    return NACRE_OK;
}

void ncr_tiff_parser_free(ncr_tiff_parser *parser)
{
    if (!parser)
        return;
    if (parser->index)
        free_index(&parser->index->value);
    free(parser->pieces);
    free(parser->needs);
    free(parser->name);
    free(parser);
}

/* Counts size bytes against the limit. */
static nacre_status use_memory(ncr_tiff_parser *parser, size_t size, nacre_error *err)
{
    size_t used;
    if (!ncr_size_add(parser->memory_used, size, &used) || used > parser->memory_limit)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE,
                             "%s: its directories need more than %zu bytes of memory (limit.directories)", parser->name,
                             parser->memory_limit);
    parser->memory_used = used;
    return NACRE_OK;
}

/* --- Bytes at hand, and bytes that are needed --- */

nacre_status ncr_tiff_parser_add(ncr_tiff_parser *parser, uint64_t offset, const void *data, size_t size,
                                 nacre_error *err)
{
    if (!ncr_array_reserve(&parser->pieces, &parser->piece_capacity, parser->piece_count + 1, sizeof(piece)))
        return ncr_error_memory(err);
    parser->pieces[parser->piece_count++] = (piece){offset, data, size};
    return NACRE_OK;
}

static bool is_inside(uint64_t offset, uint64_t length, uint64_t end)
{
    return offset <= end && length <= end - offset;
}

/* The bytes where one piece has them all, else NULL. The newest pieces are asked first: they were asked for by the
 * step that looks. */
static const uint8_t *bytes_at(const ncr_tiff_parser *parser, uint64_t offset, size_t length)
{
    for (size_t i = parser->piece_count; i-- > 0;) {
        const piece *p = &parser->pieces[i];
        if (offset >= p->offset && is_inside(offset - p->offset, length, p->size))
            return p->data + (offset - p->offset);
    }
    return NULL;
}

/* Asks for bytes that the caller has found to be inside the file. */
static nacre_status need(ncr_tiff_parser *parser, uint64_t offset, size_t length, nacre_error *err)
{
    assert(is_inside(offset, length, parser->file_size));
    if (!ncr_array_reserve(&parser->needs, &parser->need_capacity, parser->need_count + 1, sizeof(ncr_tiff_need)))
        return ncr_error_memory(err);
    parser->needs[parser->need_count++] = (ncr_tiff_need){offset, length};
    return NACRE_OK;
}

/* What the last step asked for must be there. */
static nacre_status check_needs(ncr_tiff_parser *parser, nacre_error *err)
{
    for (size_t i = 0; i < parser->need_count; i++)
        if (!bytes_at(parser, parser->needs[i].offset, parser->needs[i].length))
            return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: %zu bytes at byte %" PRIu64 " could not be read whole",
                                 parser->name, parser->needs[i].length, parser->needs[i].offset);
    parser->need_count = 0;
    parser->asked = 0;
    return NACRE_OK;
}

/* Asks for the values of a tag: never for more than may be kept. */
static nacre_status need_value(ncr_tiff_parser *parser, uint64_t offset, size_t length, nacre_error *err)
{
    size_t used = parser->memory_used;
    nacre_status status = NACRE_OK;
    if (!ncr_size_add(parser->asked, length, &parser->asked))
        parser->asked = SIZE_MAX;
    status = use_memory(parser, parser->asked, err);
    parser->memory_used = used;
    return status == NACRE_OK ? need(parser, offset, length, err) : status;
}

/* --- The header --- */

static bool has_line(const char *text, size_t size, const char *line)
{
    return memmem(text, size, line, strlen(line));
}

/* GDAL's block of text right after the header, 43 bytes of which tell its length. An edited file says so. */
static void read_cog_marker(ncr_tiff_parser *parser, uint64_t offset)
{
    static const char start[] = "GDAL_STRUCTURAL_METADATA_SIZE=";
    enum { DIGITS = 6, FIRST_LINE = sizeof start - 1 + DIGITS + 7 };
    const char *line = (const char *)bytes_at(parser, offset, FIRST_LINE);
    if (!line || memcmp(line, start, sizeof start - 1))
        return;
    size_t size = 0;
    for (size_t i = sizeof start - 1; i < sizeof start - 1 + DIGITS; i++) {
        if (line[i] < '0' || line[i] > '9')
            return;
        size = size * 10 + (size_t)(line[i] - '0');
    }
    const char *text = (const char *)bytes_at(parser, offset + FIRST_LINE, size);
    if (!text || has_line(text, size, "KNOWN_INCOMPATIBLE_EDITION=YES"))
        return;
    ncr_tiff_index *index = parser->index;
    index->is_cog = has_line(text, size, "LAYOUT=IFDS_BEFORE_DATA\n") || has_line(text, size, "LAYOUT=COG\n");
    index->has_leaders = index->is_cog && has_line(text, size, "BLOCK_ORDER=ROW_MAJOR\n") &&
                         has_line(text, size, "BLOCK_LEADER=SIZE_AS_UINT4\n") &&
                         has_line(text, size, "KNOWN_INCOMPATIBLE_EDITION=NO");
    index->has_masks_behind = index->has_leaders && has_line(text, size, "MASK_INTERLEAVED_WITH_IMAGERY=YES\n");
    index->has_trailers = index->has_leaders && has_line(text, size, "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n");
}

static nacre_status read_big_header(ncr_tiff_parser *parser, nacre_error *err)
{
    const uint8_t *head = bytes_at(parser, 0, BIG_HEADER);
    if (!head)
        return parser->file_size >= BIG_HEADER
                   ? need(parser, 0, BIG_HEADER, err)
                   : ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the file ends in the BigTIFF header", parser->name);
    bool big_endian = parser->index->big_endian;
    if (ncr_read_u16(head + 4, big_endian) != 8 || ncr_read_u16(head + 6, big_endian))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: the BigTIFF header has offsets of %u bytes, not 8",
                             parser->name, ncr_read_u16(head + 4, big_endian));
    parser->next = ncr_read_u64(head + 8, big_endian);
    read_cog_marker(parser, BIG_HEADER);
    parser->has_header = true;
    return NACRE_OK;
}

static nacre_status read_header(ncr_tiff_parser *parser, nacre_error *err)
{
    ncr_tiff_index *index = parser->index;
    const uint8_t *head = bytes_at(parser, 0, CLASSIC_HEADER);
    if (!head && parser->file_size >= CLASSIC_HEADER)
        return need(parser, 0, CLASSIC_HEADER, err);
    if (!head || !ncr_tiff_probe(head, CLASSIC_HEADER))
        return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: not a TIFF", parser->name);
    index->big_endian = head[0] == 'M';
    index->is_big = head[index->big_endian ? 3 : 2] == '+';
    if (index->is_big)
        return read_big_header(parser, err);
    parser->next = ncr_read_u32(head + 4, index->big_endian);
    read_cog_marker(parser, CLASSIC_HEADER);
    parser->has_header = true;
    return NACRE_OK;
}

bool ncr_tiff_parser_is_cog(const ncr_tiff_parser *parser)
{
    return parser->index && parser->index->is_cog;
}

/* --- The chain of directories --- */

static bool is_block_array(unsigned id)
{
    return id == NCR_TAG_STRIP_OFFSETS || id == NCR_TAG_STRIP_BYTE_COUNTS || id == NCR_TAG_TILE_OFFSETS ||
           id == NCR_TAG_TILE_BYTE_COUNTS;
}

/* Tags whose values somebody asks for; the rest (ICC profiles, previews, Photoshop's) stay in the file. */
static bool is_wanted(unsigned id)
{
    static const uint16_t singles[] = {
        NCR_TAG_SOFTWARE,      NCR_TAG_DATE_TIME,         NCR_TAG_ARTIST,          NCR_TAG_HOST_COMPUTER,
        NCR_TAG_PREDICTOR,     NCR_TAG_WHITE_POINT,       NCR_TAG_COLOR_MAP,       NCR_TAG_INK_SET,
        NCR_TAG_EXTRA_SAMPLES, NCR_TAG_SAMPLE_FORMAT,     NCR_TAG_JPEG_TABLES,     NCR_TAG_XMP,
        NCR_TAG_COPYRIGHT,     NCR_TAG_MODEL_PIXEL_SCALE, NCR_TAG_MODEL_TIEPOINT,  NCR_TAG_MODEL_TRANSFORMATION,
        NCR_TAG_GDAL_METADATA, NCR_TAG_GDAL_NODATA,       NCR_TAG_LERC_PARAMETERS, NCR_TAG_RPC_COEFFICIENTS};
    if ((id >= NCR_TAG_NEW_SUBFILE_TYPE && id <= NCR_TAG_RESOLUTION_UNIT) ||
        (id >= NCR_TAG_TILE_WIDTH && id <= NCR_TAG_TILE_BYTE_COUNTS) ||
        (id >= NCR_TAG_YCBCR_COEFFICIENTS && id <= NCR_TAG_REFERENCE_BLACK_WHITE) ||
        (id >= NCR_TAG_GEO_KEY_DIRECTORY && id <= NCR_TAG_GEO_ASCII_PARAMS))
        return true;
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
        if (singles[i] == id)
            return true;
    return false;
}

/* Reads one entry of a directory; `at` is the entry's place in the file. A value that is wanted must lie inside the
 * file. */
static nacre_status read_entry(ncr_tiff_parser *parser, const uint8_t *entry, uint64_t at, ncr_tiff_tag *tag,
                               nacre_error *err)
{
    bool big_endian = parser->index->big_endian, is_big = parser->index->is_big;
    tag->id = ncr_read_u16(entry, big_endian);
    tag->type = ncr_read_u16(entry + 2, big_endian);
    tag->count = is_big ? ncr_read_u64(entry + 4, big_endian) : ncr_read_u32(entry + 4, big_endian);

    size_t inline_size = is_big ? 8 : 4, header = is_big ? 12 : 8, size;
    size_t value_size = ncr_tiff_type_size(tag->type);
    bool fits = ncr_size_mul(value_size, tag->count, &size);
    if (fits && size <= inline_size)
        tag->offset = at + header;
    else
        tag->offset = is_big ? ncr_read_u64(entry + header, big_endian) : ncr_read_u32(entry + header, big_endian);
    if (is_wanted(tag->id) && (!fits || !is_inside(tag->offset, size, parser->file_size)))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: tag %u of directory %zu has %" PRIu64 " values at byte %" PRIu64
                             ", beyond the end of the file (%" PRIu64 " bytes)",
                             parser->name, tag->id, parser->index->directory_count + 1, tag->count, tag->offset,
                             parser->file_size);
    return NACRE_OK;
}

static nacre_status read_entries(ncr_tiff_parser *parser, const uint8_t *entries, uint64_t at, size_t count,
                                 nacre_error *err)
{
    ncr_tiff_index *index = parser->index;
    nacre_status status = use_memory(parser, sizeof(ncr_tiff_directory) + count * sizeof(ncr_tiff_tag), err);
    if (status != NACRE_OK)
        return status;
    if (!ncr_array_reserve(&index->directories, &index->directory_capacity, index->directory_count + 1,
                           sizeof(ncr_tiff_directory)))
        return ncr_error_memory(err);
    ncr_tiff_tag *tags = ncr_alloc_array(count, sizeof *tags);
    if (!tags)
        return ncr_error_memory(err);

    size_t entry_size = index->is_big ? 20 : 12;
    for (size_t i = 0; i < count && status == NACRE_OK; i++)
        status = read_entry(parser, entries + i * entry_size, at + i * entry_size, &tags[i], err);
    if (status != NACRE_OK) {
        free(tags);
        return status;
    }
    index->directories[index->directory_count++] =
        (ncr_tiff_directory){.offset = parser->next, .tags = tags, .tag_count = count};
    return NACRE_OK;
}

static nacre_status check_directory_offset(const ncr_tiff_parser *parser, nacre_error *err)
{
    const ncr_tiff_index *index = parser->index;
    size_t number = index->directory_count + 1;
    if (index->directory_count == NCR_TIFF_MAX_DIRECTORIES)
        return ncr_error_set(err, NACRE_ERROR_TOO_LARGE, "%s: it has more than %d directories", parser->name,
                             NCR_TIFF_MAX_DIRECTORIES);
    for (size_t i = 0; i < index->directory_count; i++)
        if (index->directories[i].offset == parser->next)
            return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                                 "%s: directory %zu at byte %" PRIu64 " is directory %zu again", parser->name, number,
                                 parser->next, i + 1);
    if (!is_inside(parser->next, index->is_big ? 8 : 2, parser->file_size))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: directory %zu is at byte %" PRIu64 ", beyond the end of the file (%" PRIu64 " bytes)",
                             parser->name, number, parser->next, parser->file_size);
    return NACRE_OK;
}

/* How much to read for a directory of which nothing is at hand. The directories of a COG follow one another, and where
 * one begins at byte N the arrays of smaller overviews take about a third of N. */
static size_t directory_guess(const ncr_tiff_parser *parser)
{
    uint64_t guess = DIRECTORY_GUESS;
    if (parser->index->is_cog && parser->next / 3 > guess)
        guess = parser->next / 3 < COG_GUESS_MAX ? parser->next / 3 : COG_GUESS_MAX;
    uint64_t left = parser->file_size - parser->next;
    return (size_t)(guess < left ? guess : left);
}

/* Reads the directory at parser->next, or asks for it. */
static nacre_status read_directory(ncr_tiff_parser *parser, nacre_error *err)
{
    nacre_status status = check_directory_offset(parser, err);
    if (status != NACRE_OK)
        return status;
    bool big_endian = parser->index->big_endian, is_big = parser->index->is_big;
    size_t count_size = is_big ? 8 : 2, entry_size = is_big ? 20 : 12, next_size = is_big ? 8 : 4;

    const uint8_t *start = bytes_at(parser, parser->next, count_size);
    if (!start)
        return need(parser, parser->next, directory_guess(parser), err);
    uint64_t count = is_big ? ncr_read_u64(start, big_endian) : ncr_read_u16(start, big_endian);
    if (!count || count > UINT16_MAX)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: directory %zu at byte %" PRIu64 " has %" PRIu64 " tags",
                             parser->name, parser->index->directory_count + 1, parser->next, count);
    size_t size = count_size + (size_t)count * entry_size + next_size;
    if (!is_inside(parser->next, size, parser->file_size))
        return ncr_error_set(err, NACRE_ERROR_CORRUPT,
                             "%s: the file ends (at byte %" PRIu64
                             ") within directory %zu, which begins at byte %" PRIu64,
                             parser->name, parser->file_size, parser->index->directory_count + 1, parser->next);
    start = bytes_at(parser, parser->next, size);
    if (!start)
        return need(parser, parser->next, size, err);

    status = read_entries(parser, start + count_size, parser->next + count_size, (size_t)count, err);
    if (status == NACRE_OK) {
        const uint8_t *next = start + size - next_size;
        parser->next = is_big ? ncr_read_u64(next, big_endian) : ncr_read_u32(next, big_endian);
    }
    return status;
}

/* --- The tags' values --- */

/* Width of the integers that a byte order applies to: a rational is two of four bytes. */
static size_t swap_size(unsigned type)
{
    return type == NCR_TYPE_RATIONAL || type == NCR_TYPE_SRATIONAL ? 4 : ncr_tiff_type_size(type);
}

static nacre_status copy_value(ncr_tiff_parser *parser, ncr_tiff_tag *tag, const uint8_t *bytes, size_t size,
                               nacre_error *err)
{
    nacre_status status = use_memory(parser, size + 1, err);
    if (status != NACRE_OK)
        return status;
    uint8_t *value = malloc(size + 1);
    if (!value)
        return ncr_error_memory(err);
    memcpy(value, bytes, size);
    value[size] = 0;
    size_t unit = swap_size(tag->type);
    if (parser->index->big_endian != ncr_machine_is_big_endian())
        ncr_swap_bytes(value, unit, size / unit);
    tag->value = value;
    return NACRE_OK;
}

/* Copies a directory's values that are at hand, and asks for others: for arrays of blocks only with `with_arrays`.
 * *whole tells that there is nothing left to ask for. */
static nacre_status read_values(ncr_tiff_parser *parser, ncr_tiff_directory *directory, bool with_arrays, bool *whole,
                                nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (size_t i = 0; i < directory->tag_count && status == NACRE_OK; i++) {
        ncr_tiff_tag *tag = &directory->tags[i];
        size_t size = ncr_tiff_type_size(tag->type) * (size_t)tag->count;
        if (tag->value || !size || !is_wanted(tag->id))
            continue;
        const uint8_t *bytes = bytes_at(parser, tag->offset, size);
        if (bytes) {
            status = copy_value(parser, tag, bytes, size, err);
        } else if (!is_block_array(tag->id)) {
            *whole = false;
            status = with_arrays ? NACRE_OK : need_value(parser, tag->offset, size, err);
        } else if (with_arrays && size <= OPTIONAL_VALUE_MAX) {
            status = need_value(parser, tag->offset, size, err);
        }
    }
    return status;
}

static nacre_status read_all_values(ncr_tiff_parser *parser, bool with_arrays, nacre_error *err)
{
    ncr_tiff_index *index = parser->index;
    nacre_status status = NACRE_OK;
    for (size_t i = parser->first_open; i < index->directory_count && status == NACRE_OK; i++) {
        bool whole = true;
        status = read_values(parser, &index->directories[i], with_arrays, &whole, err);
        if (whole && !with_arrays && i == parser->first_open && !parser->need_count)
            parser->first_open++;
    }
    return status;
}

/* --- The end --- */

static ncr_tiff_role role_of(const ncr_tiff_directory *directory, size_t position)
{
    if (!position)
        return NCR_TIFF_ROLE_IMAGE;
    uint64_t type = ncr_tiff_uint(directory, NCR_TAG_NEW_SUBFILE_TYPE, 0);
    bool is_reduced = type & NCR_SUBFILE_REDUCED;
    if (type & NCR_SUBFILE_MASK)
        return is_reduced ? NCR_TIFF_ROLE_OVERVIEW_MASK : NCR_TIFF_ROLE_MASK;
    return is_reduced ? NCR_TIFF_ROLE_OVERVIEW : NCR_TIFF_ROLE_OTHER;
}

static nacre_status finish(ncr_tiff_parser *parser, ncr_tiff_index **out, nacre_error *err)
{
    ncr_tiff_index *index = parser->index;
    if (!index->directory_count)
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: it has no directory", parser->name);
    for (size_t i = 0; i < index->directory_count; i++)
        index->directories[i].role = role_of(&index->directories[i], i);
    index->value.size = size_of(index);
    parser->index = NULL;
    *out = index;
    return NACRE_OK;
}

nacre_status ncr_tiff_parser_step(ncr_tiff_parser *parser, const ncr_tiff_need **needs, size_t *count,
                                  ncr_tiff_index **out, nacre_error *err)
{
    *needs = NULL;
    *count = 0;
    *out = NULL;
    nacre_status status = check_needs(parser, err);
    if (status == NACRE_OK && !parser->has_header)
        status = read_header(parser, err);
    while (status == NACRE_OK && parser->has_header && parser->next && !parser->need_count)
        status = read_directory(parser, err);
    if (status == NACRE_OK)
        status = read_all_values(parser, false, err);
    if (status == NACRE_OK && parser->need_count)
        status = read_all_values(parser, true, err);
    if (status != NACRE_OK)
        return status;
    if (!parser->need_count)
        return finish(parser, out, err);
    *needs = parser->needs;
    *count = parser->need_count;
    return NACRE_OK;
}
