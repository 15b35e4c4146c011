/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_GDAL_ABI_H
#define NCR_GDAL_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What of GDAL's C interface the plugin uses, declared by ourselves, so that it is built without GDAL and one binary
 * serves every release. Values and layouts are those of GDAL 3.4; later releases only added at the end. */

typedef uint64_t gdal_offset;  /* vsi_l_offset */
typedef struct stat gdal_stat; /* VSIStatBufL: a stat64, which is the same where off_t has 64 bits */
_Static_assert(sizeof(off_t) == 8, "VSIStatBufL is a struct stat64");

enum { GDAL_CE_NONE = 0, GDAL_CE_WARNING = 2, GDAL_CE_FAILURE = 3 };

/* CPLErrorNum. */
enum {
    GDAL_CPLE_APP_DEFINED = 1,
    GDAL_CPLE_OUT_OF_MEMORY = 2,
    GDAL_CPLE_FILE_IO = 3,
    GDAL_CPLE_OPEN_FAILED = 4,
    GDAL_CPLE_ILLEGAL_ARG = 5,
    GDAL_CPLE_NOT_SUPPORTED = 6,
    GDAL_CPLE_NO_WRITE_ACCESS = 8,
    GDAL_CPLE_USER_INTERRUPT = 9,
    GDAL_CPLE_HTTP_RESPONSE = 11,
    GDAL_CPLE_OBJECT_NOT_FOUND = 13,
    GDAL_CPLE_ACCESS_DENIED = 14,
};

/* VSIErrorNum. */
enum { GDAL_VSIE_FILE = 1, GDAL_VSIE_HTTP = 2, GDAL_VSIE_ACCESS_DENIED = 6, GDAL_VSIE_OBJECT_NOT_FOUND = 8 };

/* Flags of VSIStatExL(). */
enum {
    GDAL_STAT_EXISTS = 1,
    GDAL_STAT_NATURE = 2,
    GDAL_STAT_SIZE = 4,
    GDAL_STAT_SET_ERROR = 8,
    GDAL_STAT_CACHE_ONLY = 16
};

/* VSIFilesystemPluginCallbacksStruct. Allocated by GDAL in its own release's size, zeroed: the fields that came later
 * are written only where gdal_host.version says that they are there. */
typedef struct gdal_callbacks {
    void *user;
    int (*stat)(void *user, const char *name, gdal_stat *out, int flags);
    int (*unlink)(void *user, const char *name);
    int (*rename)(void *user, const char *from, const char *to);
    int (*mkdir)(void *user, const char *name, long mode);
    int (*rmdir)(void *user, const char *name);
    char **(*read_dir)(void *user, const char *name, int most);
    void *(*open)(void *user, const char *name, const char *access);
    gdal_offset (*tell)(void *file);
    int (*seek)(void *file, gdal_offset offset, int whence);
    size_t (*read)(void *file, void *buffer, size_t size, size_t count);
    int (*read_multi_range)(void *file, int count, void **buffers, const gdal_offset *offsets, const size_t *sizes);
    int (*get_range_status)(void *file, gdal_offset offset, gdal_offset length);
    int (*eof)(void *file);
    size_t (*write)(void *file, const void *buffer, size_t size, size_t count);
    int (*flush)(void *file);
    int (*truncate)(void *file, gdal_offset size);
    int (*close)(void *file);
    size_t buffer_size; /* stays 0: else handles are read-only, and reads come in pieces of 16 KiB */
    size_t cache_size;
    char **(*sibling_files)(void *user, const char *name);                                       /* since 3.2 */
    void (*advise_read)(void *file, int count, const gdal_offset *offsets, const size_t *sizes); /* since 3.7 */
    int (*error)(void *file);                                                                    /* since 3.10 */
    void (*clear_err)(void *file);                                                               /* since 3.10 */
} gdal_callbacks;
enum { GDAL_HAS_ADVISE_READ = 3070000, GDAL_HAS_ERROR = 3100000, GDAL_OLDEST = 3040000 };

/* The functions, each looked up by name. */
typedef struct gdal_api {
    /* Without these there is no plugin. */
    const char *(*GDALVersionInfo)(const char *request);
    gdal_callbacks *(*VSIAllocFilesystemPluginCallbacksStruct)(void);
    void (*VSIFreeFilesystemPluginCallbacksStruct)(gdal_callbacks *callbacks);
    int (*VSIInstallPluginHandler)(const char *prefix, const gdal_callbacks *callbacks);
    void (*CPLError)(int class, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));
    const char *(*CPLGetConfigOption)(const char *key, const char *fallback);
    void (*CPLSetConfigOption)(const char *key, const char *value);
    void (*CSLDestroy)(char **list);
    void *(*VSICalloc)(size_t count, size_t size);
    int (*VSIStatExL)(const char *name, gdal_stat *out, int flags);
    /* Without these a feature is off. */
    void (*VSIError)(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));
    const char *(*VSIGetPathSpecificOption)(const char *path, const char *key, const char *fallback); /* since 3.6 */
} gdal_api;

#endif
