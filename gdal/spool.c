/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

static const char *default_folder(void)
{
    static const char *const variables[] = {"TMPDIR", "TMP", "TEMP"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && value[0])
            return value;
    }
    return "/tmp";
}

static int open_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char *name = ncr_text_format("%s/nacre-XXXXXX", folder); /* file systems without nameless files */
    if (!name) {
        errno = ENOMEM;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    free(name);
    return fd;
}

nacre_status ncr_gdal_spool_init(ncr_gdal_spool *spool, const char *folder, nacre_error *err)
{
    *spool = (ncr_gdal_spool){.fd = -1};
    spool->folder = ncr_text_copy(folder && folder[0] ? folder : default_folder());
    if (!spool->folder)
        return ncr_error_memory(err);
    spool->fd = open_nameless(spool->folder);
    if (spool->fd < 0)
        return ncr_error_errno(err, errno, spool->folder, "make a temporary file");
    return NACRE_OK;
}

void ncr_gdal_spool_clear(ncr_gdal_spool *spool)
{
    if (spool->folder && spool->fd >= 0)
        close(spool->fd);
    free(spool->folder);
    *spool = (ncr_gdal_spool){.fd = -1};
}

nacre_status ncr_gdal_spool_write(ncr_gdal_spool *spool, uint64_t offset, const void *data, size_t size,
                                  nacre_error *err)
{
    if (offset > INT64_MAX - size)
        return ncr_error_errno(err, EFBIG, spool->folder, "write a temporary file");
    for (size_t done = 0; done < size;) {
        const ssize_t step = pwrite(spool->fd, (const char *)data + done, size - done, (off_t)(offset + done));
        if (step < 0 && errno == EINTR)
            continue;
        if (step <= 0)
            return ncr_error_errno(err, step ? errno : ENOSPC, spool->folder, "write a temporary file");
        done += (size_t)step;
    }
    if (size && offset + size > spool->size)
        spool->size = offset + size;
    return NACRE_OK;
}

nacre_status ncr_gdal_spool_read(const ncr_gdal_spool *spool, uint64_t offset, void *buffer, size_t size, size_t *got,
                                 nacre_error *err)
{
    *got = 0;
    while (*got < size && offset + *got < spool->size) {
        const ssize_t step = pread(spool->fd, (char *)buffer + *got, size - *got, (off_t)(offset + *got));
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0) {
            *got = 0;
            return ncr_error_errno(err, errno, spool->folder, "read a temporary file");
        }
        if (!step)
            break;
        *got += (size_t)step;
    }
    return NACRE_OK;
}

nacre_status ncr_gdal_spool_truncate(ncr_gdal_spool *spool, uint64_t size, nacre_error *err)
{
    if (size > INT64_MAX || ftruncate(spool->fd, (off_t)size) != 0)
        return ncr_error_errno(err, size > INT64_MAX ? EFBIG : errno, spool->folder, "cut a temporary file");
    spool->size = size;
    return NACRE_OK;
}
