/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/pages.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fork.h"

enum { HUGE_PAGE = 2 << 20, REGION = 32 << 20, SPARES = 16 };

typedef struct run {
    uint8_t *data;
    size_t size;
} run;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static run region;         /* what is left of the newest region; guarded by lock, as the rest */
static run spares[SPARES]; /* the oldest first */
static size_t spare_count, spare_bytes, bytes_in_use;

NCR_AT_LOAD set_fork_handlers(void)
{
    ncr_fork_keep(&lock);
}

size_t ncr_pages_size(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = size / page + (size % page != 0 || !size);
    return pages > SIZE_MAX / page ? SIZE_MAX / page * page : pages * page;
}

static void give_back(run r)
{
    /* To unmap the middle of a mapping may make one mapping too many: its pages are given back all the same. */
    if (r.size && munmap(r.data, r.size) != 0)
        madvise(r.data, r.size, MADV_DONTNEED);
}

/* A region of at least size bytes, at the beginning of a huge page; its data is NULL: out of memory. */
static run new_region(size_t size)
{
    size = size < REGION ? REGION : size;
    if (size > SIZE_MAX - HUGE_PAGE)
        return (run){0};
    uint8_t *all = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return (run){0};
    size_t before = (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
    give_back((run){all, before});
    give_back((run){all + before + size, HUGE_PAGE - before});
    madvise(all + before, size, MADV_HUGEPAGE); /* a wish */
    return (run){all + before, size};
}

static uint8_t *cut(run *from, size_t size)
{
    uint8_t *data = from->data;
    from->data += size;
    from->size -= size;
    return data;
}

static void remove_spare_locked(size_t i)
{
    spare_count--;
    memmove(&spares[i], &spares[i + 1], (spare_count - i) * sizeof spares[0]);
}

/* The first of the spares that is large enough; else what is wanted has changed, and the oldest is of no use. */
static uint8_t *take_spare_locked(size_t size, run *useless)
{
    for (size_t i = 0; i < spare_count; i++) {
        if (spares[i].size < size)
            continue;
        uint8_t *data = cut(&spares[i], size);
        spare_bytes -= size;
        if (!spares[i].size)
            remove_spare_locked(i);
        return data;
    }
    if (spare_count) {
        *useless = spares[0];
        spare_bytes -= spares[0].size;
        remove_spare_locked(0);
    }
    return NULL;
}

uint8_t *ncr_pages_new(size_t size)
{
    run left = {0}, useless = {0};
    size = ncr_pages_size(size);
    pthread_mutex_lock(&lock);
    uint8_t *data = take_spare_locked(size, &useless);
    if (!data && region.size < size) {
        run next = new_region(size);
        left = next.data ? region : left;
        region = next.data ? next : region;
    }
    if (!data && region.size >= size)
        data = cut(&region, size);
    bytes_in_use += data ? size : 0;
    pthread_mutex_unlock(&lock);
    give_back(left);
    give_back(useless);
    return data;
}

/* Keeps a run for the next blocks; the oldest make room for it. Fills in what goes back to the system. */
static size_t keep_locked(run r, run out[SPARES])
{
    size_t count = 0;
    if (r.size > NCR_PAGES_SPARE) {
        out[count++] = r;
        return count;
    }
    while (spare_count == SPARES || spare_bytes + r.size > NCR_PAGES_SPARE) {
        spare_bytes -= spares[0].size;
        out[count++] = spares[0];
        remove_spare_locked(0);
    }
    spare_bytes += r.size;
    spares[spare_count++] = r;
    return count;
}

void ncr_pages_free(uint8_t *data, size_t size)
{
    run old[SPARES];
    if (!data)
        return;
    size = ncr_pages_size(size);
    pthread_mutex_lock(&lock);
    bytes_in_use -= size;
    size_t count = keep_locked((run){data, size}, old);
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++)
        give_back(old[i]);
}

void ncr_pages_count(size_t *in_use, size_t *spare)
{
    pthread_mutex_lock(&lock);
    *in_use = bytes_in_use;
    *spare = spare_bytes;
    pthread_mutex_unlock(&lock);
}
