/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/disk.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cache/folder.h"
#include "store/crc32c.h"

/* What is in the files. Each holds runs of bytes of one chunk of a version, or what was last proven of an object:
 *
 *     0  "nacreDSK"
 *     8  CRC32C of all that follows
 *    12  its length
 *    16  its key: the hash from which its name is made
 *    48  count of runs
 *    52  for each run where it begins and ends in the chunk
 *        then the bytes of the runs, one after another
 *
 * with all numbers low byte first. The format's version is hashed into the key, so other versions of nacre look for
 * other names. */

#define FORMAT "nacre disk 1"

enum {
    MOST_RUNS = 128, /* of one file; where there would be more, the old ones go */
    AT_CRC = 8,
    AT_LENGTH = 12,
    AT_KEY = 16,
    AT_COUNT = 48,
    AT_RUNS = 52,
    LARGEST_FILE = AT_RUNS + MOST_RUNS * 8 + NCR_DISK_CHUNK,
};

static const char magic[8] = {'n', 'a', 'c', 'r', 'e', 'D', 'S', 'K'};

static _Atomic uint64_t hits, misses, bytes_read, bytes_written;

/* --- Hashes and names. --- */

typedef struct hash_input {
    const void *data;
    size_t size;
} hash_input;

/* Parts are hashed with their lengths, so that no two lists are alike. False: out of memory. */
static bool hash(const char *what, const hash_input *parts, size_t count, ncr_disk_key *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, FORMAT, sizeof FORMAT) == 1 &&
              EVP_DigestUpdate(context, what, strlen(what) + 1) == 1;
    for (size_t i = 0; ok && i < count; i++) {
        uint8_t length[8];
        ncr_write_u64(length, parts[i].size);
        ok = EVP_DigestUpdate(context, length, sizeof length) == 1 &&
             EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool ncr_disk_key_of(const char *id, const ncr_object_facts *facts, ncr_disk_key *out)
{
    uint8_t size[8];
    ncr_write_u64(size, facts->size);
    const hash_input parts[] = {
        {id, strlen(id)}, {facts->version.token, strlen(facts->version.token)}, {size, sizeof size}};
    return hash("version", parts, 3, out);
}

static bool chunk_key(const ncr_disk_key *version, uint64_t chunk, ncr_disk_key *out)
{
    uint8_t number[8];
    ncr_write_u64(number, chunk);
    const hash_input parts[] = {{version->bytes, NCR_DISK_KEY}, {number, sizeof number}};
    return hash("chunk", parts, 2, out);
}

static bool proof_key(const char *id, ncr_disk_key *out)
{
    const hash_input part = {id, strlen(id)};
    return hash("proof or change", &part, 1, out);
}

static void to_hex(const uint8_t *bytes, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* "xx/" and 30 digits more. */
static void name_of(const ncr_disk_key *key, char out[NCR_FOLDER_NAME])
{
    to_hex(key->bytes, 1, out);
    out[2] = '/';
    to_hex(key->bytes + 1, 15, out + 3);
}

/* --- One file. --- */

typedef struct run {
    uint32_t begin, end; /* in the chunk */
    const uint8_t *data;
} run;

typedef struct content {
    uint8_t *file; /* LARGEST_FILE + 1 bytes */
    unsigned count;
    run runs[MOST_RUNS];
} content;

static content *new_content(void)
{
    content *made = malloc(sizeof *made);
    uint8_t *file = made ? malloc(LARGEST_FILE + 1) : NULL;
    if (!file) {
        free(made);
        return NULL;
    }
    made->file = file;
    made->count = 0;
    return made;
}

static void free_content(content *c)
{
    if (c)
        free(c->file);
    free(c);
}

static bool parse_runs(content *c, size_t size, size_t count)
{
    size_t at = AT_RUNS + count * 8, last = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *entry = c->file + AT_RUNS + i * 8;
        uint32_t begin = ncr_read_u32(entry, false), end = ncr_read_u32(entry + 4, false);
        if (begin >= end || end > NCR_DISK_CHUNK || begin < last || end - begin > size - at)
            return false;
        c->runs[i] = (run){begin, end, c->file + at};
        at += end - begin;
        last = end;
    }
    c->count = (unsigned)count;
    return at == size;
}

/* Whether it is, byte for byte, what was once written under this key. */
static bool parse(content *c, size_t size, const ncr_disk_key *key)
{
    const uint8_t *file = c->file;
    c->count = 0;
    if (size < AT_RUNS || size > LARGEST_FILE || memcmp(file, magic, sizeof magic) != 0 ||
        ncr_read_u32(file + AT_LENGTH, false) != size ||
        ncr_crc32c(0, file + AT_LENGTH, size - AT_LENGTH) != ncr_read_u32(file + AT_CRC, false) ||
        memcmp(file + AT_KEY, key->bytes, NCR_DISK_KEY) != 0)
        return false;
    size_t count = ncr_read_u32(file + AT_COUNT, false);
    return count && count <= MOST_RUNS && size - AT_RUNS > count * 8 && parse_runs(c, size, count);
}

/* Reads the file of a key; false: there is none, or none that is whole. */
static bool load(ncr_disk *disk, const ncr_disk_key *key, content *c)
{
    char name[NCR_FOLDER_NAME];
    name_of(key, name);
    c->count = 0;
    ssize_t size = ncr_folder_read(disk, name, c->file, LARGEST_FILE + 1);
    if (size < 0)
        return false;
    if (parse(c, (size_t)size, key))
        return true;
    c->count = 0;
    ncr_folder_damaged(disk, name);
    return false;
}

/* The file of these runs, in out; returns its size. */
static size_t compose(const ncr_disk_key *key, const run *runs, size_t count, uint8_t *out)
{
    size_t at = AT_RUNS + count * 8;
    memcpy(out, magic, sizeof magic);
    memcpy(out + AT_KEY, key->bytes, NCR_DISK_KEY);
    ncr_write_u32(out + AT_COUNT, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        ncr_write_u32(out + AT_RUNS + i * 8, runs[i].begin);
        ncr_write_u32(out + AT_RUNS + i * 8 + 4, runs[i].end);
        memcpy(out + at, runs[i].data, runs[i].end - runs[i].begin);
        at += runs[i].end - runs[i].begin;
    }
    ncr_write_u32(out + AT_LENGTH, (uint32_t)at);
    ncr_write_u32(out + AT_CRC, ncr_crc32c(0, out + AT_LENGTH, at - AT_LENGTH));
    return at;
}

static bool store(ncr_disk *disk, const ncr_disk_key *key, const run *runs, size_t count, uint8_t *file)
{
    char name[NCR_FOLDER_NAME];
    name_of(key, name);
    return ncr_folder_write(disk, name, file, compose(key, runs, count, file), 0);
}

/* --- Bytes of versions. --- */

/* The part of [offset, end) that lies in the chunk in which offset does. */
static uint32_t part_of_chunk(uint64_t offset, uint64_t end, uint64_t *chunk, uint32_t *begin)
{
    *chunk = offset / NCR_DISK_CHUNK;
    *begin = (uint32_t)(offset % NCR_DISK_CHUNK);
    uint64_t left = end - offset, room_left = NCR_DISK_CHUNK - *begin;
    return *begin + (uint32_t)(left < room_left ? left : room_left);
}

/* Hands out what a chunk has of [begin, end); returns how many bytes that was. */
static size_t hand_out(const content *c, uint64_t base, uint32_t begin, uint32_t end, ncr_disk_found found, void *user)
{
    size_t sum = 0;
    for (unsigned i = 0; i < c->count; i++) {
        const run *r = &c->runs[i];
        uint32_t from = r->begin > begin ? r->begin : begin, to = r->end < end ? r->end : end;
        if (from >= to)
            continue;
        found(user, base + from, to - from, r->data + (from - r->begin));
        sum += to - from;
    }
    return sum;
}

bool ncr_disk_read(ncr_disk *disk, const ncr_disk_key *key, uint64_t offset, size_t length, ncr_disk_found found,
                   void *user)
{
    content *c = new_content();
    size_t sum = 0;
    for (uint64_t at = offset, end = offset + length; c && at < end;) {
        uint64_t chunk;
        uint32_t from, to = part_of_chunk(at, end, &chunk, &from);
        ncr_disk_key of_chunk;
        if (chunk_key(key, chunk, &of_chunk) && load(disk, &of_chunk, c))
            sum += hand_out(c, chunk * NCR_DISK_CHUNK, from, to, found, user);
        at += to - from;
    }
    free_content(c);
    atomic_fetch_add(&bytes_read, sum);
    atomic_fetch_add(sum == length ? &hits : &misses, 1);
    return sum == length;
}

/* Joins what is there with a new run, copying all bytes into image. Returns the number of runs; 0: it is there. */
static size_t join(const content *there, run fresh, uint8_t *image, run out[MOST_RUNS + 1])
{
    size_t count = 0;
    bool is_placed = false;
    uint32_t begin = fresh.begin, end = fresh.end;
    for (unsigned i = 0; i < there->count; i++) {
        run old = there->runs[i];
        if (old.begin <= fresh.begin && old.end >= fresh.end)
            return 0;
        memcpy(image + old.begin, old.data, old.end - old.begin);
        if (old.end < begin) {
            out[count++] = (run){old.begin, old.end, image + old.begin};
        } else if (old.begin <= end) {
            begin = old.begin < begin ? old.begin : begin;
            end = old.end > end ? old.end : end;
        } else {
            if (!is_placed)
                out[count++] = (run){begin, end, image + begin};
            is_placed = true;
            out[count++] = (run){old.begin, old.end, image + old.begin};
        }
    }
    if (!is_placed)
        out[count++] = (run){begin, end, image + begin};
    memcpy(image + fresh.begin, fresh.data, fresh.end - fresh.begin);
    if (count <= MOST_RUNS)
        return count;
    out[0] = (run){fresh.begin, fresh.end, image + fresh.begin};
    return 1;
}

typedef struct writing {
    content *there;
    uint8_t *file;
    uint8_t image[NCR_DISK_CHUNK];
    run runs[MOST_RUNS + 1];
} writing;

static void free_writing(writing *w)
{
    if (!w)
        return;
    free_content(w->there);
    free(w->file);
    free(w);
}

static writing *new_writing(void)
{
    writing *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->there = new_content();
    w->file = malloc(LARGEST_FILE);
    if (w->there && w->file)
        return w;
    free_writing(w);
    return NULL;
}

void ncr_disk_write(ncr_disk *disk, const ncr_disk_key *key, uint64_t offset, size_t length, const uint8_t *data)
{
    writing *w = new_writing();
    for (uint64_t at = offset, end = offset + length; w && at < end;) {
        uint64_t chunk;
        uint32_t from, to = part_of_chunk(at, end, &chunk, &from);
        run fresh = {from, to, data + (at - offset)};
        at += to - from;
        ncr_disk_key of_chunk;
        if (!chunk_key(key, chunk, &of_chunk))
            break;
        load(disk, &of_chunk, w->there);
        size_t count = join(w->there, fresh, w->image, w->runs);
        if (count && store(disk, &of_chunk, w->runs, count, w->file))
            atomic_fetch_add(&bytes_written, to - from);
    }
    free_writing(w);
}

/* --- What was last proven, or changed. One run: a hash of the credentials, time, size, time of change, whether the
 * address is public, or that it was changed then; the mark of the change; then texts. --- */

enum {
    PROOF_TIME = NCR_DISK_KEY,
    PROOF_SIZE = PROOF_TIME + 8,
    PROOF_MODIFIED = PROOF_SIZE + 8,
    PROOF_KIND = PROOF_MODIFIED + 8,
    PROOF_MARK = PROOF_KIND + 1,
    PROOF_TEXTS = PROOF_MARK + 8,
    PROOF_LARGEST = PROOF_TEXTS + 4 * 256,
    CHANGE_KEPT_S = 60 /* no proof waits that long to be written */
};

enum { KIND_PROOF, KIND_PUBLIC_PROOF, KIND_CHANGE };

/* What is in such a file. */
typedef struct known {
    uint8_t credentials[NCR_DISK_KEY];
    bool is_change; /* then only time and mark count */
    ncr_disk_proof proof;
} known;

static bool credentials_hash(const char *credentials, ncr_disk_key *out)
{
    const hash_input part = {credentials, strlen(credentials)};
    return hash("credentials", &part, 1, out);
}

typedef struct text_field {
    char *text;
    size_t size;
} text_field;

enum { TEXTS = 4 };
static void texts_of(ncr_object_facts *facts, text_field out[TEXTS])
{
    out[0] = (text_field){facts->version.token, sizeof facts->version.token};
    out[1] = (text_field){facts->version.version_id, sizeof facts->version.version_id};
    out[2] = (text_field){facts->content_type, sizeof facts->content_type};
    out[3] = (text_field){facts->checksum, sizeof facts->checksum};
}

static bool unpack(const run *r, known *out)
{
    size_t size = r->end - r->begin, at = PROOF_TEXTS;
    if (size < PROOF_TEXTS)
        return false;
    ncr_disk_proof *proof = &out->proof;
    memcpy(out->credentials, r->data, NCR_DISK_KEY);
    out->is_change = r->data[PROOF_KIND] == KIND_CHANGE;
    proof->public_only = r->data[PROOF_KIND] == KIND_PUBLIC_PROOF;
    proof->wall_ms = (int64_t)ncr_read_u64(r->data + PROOF_TIME, false);
    proof->mark = ncr_read_u64(r->data + PROOF_MARK, false);
    proof->facts = (ncr_object_facts){.size = ncr_read_u64(r->data + PROOF_SIZE, false),
                                      .modified_ms = (int64_t)ncr_read_u64(r->data + PROOF_MODIFIED, false),
                                      .version.strong = true};
    text_field texts[TEXTS];
    texts_of(&proof->facts, texts);
    for (int i = 0; i < TEXTS; i++) {
        const uint8_t *end = memchr(r->data + at, '\0', size - at);
        size_t length = end ? (size_t)(end - (r->data + at)) + 1 : 0;
        if (!length || length > texts[i].size)
            return false;
        memcpy(texts[i].text, r->data + at, length);
        at += length;
    }
    return at == size && (out->is_change || proof->facts.version.token[0]);
}

static size_t pack(const known *what, uint8_t out[PROOF_LARGEST])
{
    static_assert(sizeof what->proof.facts.version.token <= 256 && sizeof what->proof.facts.version.version_id <= 256 &&
                      sizeof what->proof.facts.content_type <= 256 && sizeof what->proof.facts.checksum <= 256,
                  "the texts fit");
    ncr_object_facts facts = what->proof.facts;
    text_field texts[TEXTS];
    size_t at = PROOF_TEXTS;
    memcpy(out, what->credentials, NCR_DISK_KEY);
    ncr_write_u64(out + PROOF_TIME, (uint64_t)what->proof.wall_ms);
    ncr_write_u64(out + PROOF_SIZE, facts.size);
    ncr_write_u64(out + PROOF_MODIFIED, (uint64_t)facts.modified_ms);
    out[PROOF_KIND] = what->proof.public_only ? KIND_PUBLIC_PROOF : KIND_PROOF;
    if (what->is_change)
        out[PROOF_KIND] = KIND_CHANGE;
    ncr_write_u64(out + PROOF_MARK, what->proof.mark);
    texts_of(&facts, texts);
    for (int i = 0; i < TEXTS; i++) {
        size_t length = strlen(texts[i].text) + 1;
        memcpy(out + at, texts[i].text, length);
        at += length;
    }
    return at;
}

static bool find_known(ncr_disk *disk, const ncr_disk_key *key, known *out)
{
    content *c = new_content();
    bool found = c && load(disk, key, c) && c->count == 1 && unpack(&c->runs[0], out);
    free_content(c);
    return found;
}

static bool write_known(ncr_disk *disk, const ncr_disk_key *key, const known *what)
{
    uint8_t packed[PROOF_LARGEST], file[AT_RUNS + 8 + PROOF_LARGEST];
    char name[NCR_FOLDER_NAME];
    const run whole = {0, (uint32_t)pack(what, packed), packed};
    name_of(key, name);
    return ncr_folder_write(disk, name, file, compose(key, &whole, 1, file), what->is_change ? CHANGE_KEPT_S : 0);
}

bool ncr_disk_proof_read(ncr_disk *disk, ncr_disk_proof *proof)
{
    ncr_disk_key key, credentials;
    known there;
    if (!proof_key(proof->id, &key) || !find_known(disk, &key, &there) || there.is_change)
        return false;
    if (proof->credentials && (!credentials_hash(proof->credentials, &credentials) ||
                               memcmp(there.credentials, credentials.bytes, NCR_DISK_KEY) != 0))
        return false;
    there.proof.id = proof->id;
    there.proof.credentials = proof->credentials;
    *proof = there.proof;
    return true;
}

/* Whether a proof may take the place of what is there, which sets its time: the answer of a change is as late as the
 * end of that. What is from the future is of a clock that was wrong. */
static bool may_follow(const known *there, ncr_disk_proof *proof)
{
    if (there->is_change && proof->mark && proof->mark == there->proof.mark) {
        proof->wall_ms = there->proof.wall_ms;
        return true;
    }
    return there->proof.wall_ms < proof->wall_ms || there->proof.wall_ms > ncr_clock_wall_ms();
}

void ncr_disk_proof_write(ncr_disk *disk, const ncr_disk_proof *proof)
{
    ncr_disk_key key, credentials;
    char name[NCR_FOLDER_NAME];
    if (!proof_key(proof->id, &key) || !credentials_hash(proof->credentials, &credentials))
        return;
    name_of(&key, name);
    int held = ncr_folder_lock(disk, name);
    known there, fresh = {.proof = *proof};
    memcpy(fresh.credentials, credentials.bytes, NCR_DISK_KEY);
    if (held >= 0 && (!find_known(disk, &key, &there) || may_follow(&there, &fresh.proof)))
        write_known(disk, &key, &fresh);
    ncr_folder_unlock(held);
}

void ncr_disk_proof_drop(ncr_disk *disk, const char *id)
{
    ncr_disk_key key;
    char name[NCR_FOLDER_NAME];
    known there;
    if (!proof_key(id, &key))
        return;
    name_of(&key, name);
    int held = ncr_folder_lock(disk, name);
    if (!find_known(disk, &key, &there) || !there.is_change)
        ncr_folder_drop(disk, name);
    ncr_folder_unlock(held);
}

uint64_t ncr_disk_mark(void)
{
    uint64_t mark;
    return getrandom(&mark, sizeof mark, GRND_NONBLOCK) == sizeof mark ? mark : 0;
}

void ncr_disk_change(ncr_disk *disk, const char *id, uint64_t mark, bool has_ended)
{
    ncr_disk_key key;
    char name[NCR_FOLDER_NAME];
    known there, now = {.is_change = true, .proof.mark = mark};
    if (!proof_key(id, &key))
        return;
    name_of(&key, name);
    int held = ncr_folder_lock(disk, name);
    if (has_ended && !(find_known(disk, &key, &there) && there.is_change && there.proof.mark == mark))
        now.proof.mark = 0;
    now.proof.wall_ms = ncr_clock_wall_ms();
    if (!write_known(disk, &key, &now))
        ncr_folder_drop(disk, name);
    ncr_folder_unlock(held);
}

void ncr_disk_stats(nacre_cache_stats *out)
{
    ncr_folder_stats(out);
    out->disk_hits = hits;
    out->disk_misses = misses;
    out->disk_bytes_read = bytes_read;
    out->disk_bytes_written = bytes_written;
}
