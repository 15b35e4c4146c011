/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "unlink.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "names.h"

/* The relocations by which a function's address gets into a table: for calls, and for pointers in code. */
#if defined(__x86_64__)
enum { CALL_SLOT = R_X86_64_JUMP_SLOT, ADDRESS_SLOT = R_X86_64_GLOB_DAT };
#elif defined(__aarch64__)
enum { CALL_SLOT = R_AARCH64_JUMP_SLOT, ADDRESS_SLOT = R_AARCH64_GLOB_DAT };
#else
enum { CALL_SLOT = -1, ADDRESS_SLOT = -1 };
#endif

/* --- What the import is bound to: one function for each host, since unlink() is given nothing but the name. --- */

static int unlink_of_host(size_t index, const char *name)
{
    ncr_gdal_host *const *hosts;
    if (index < ncr_gdal_hosts(&hosts))
        for (size_t i = 0; i < NCR_GDAL_PREFIX_COUNT; i++) {
            const ncr_gdal_mount *mount = &hosts[index]->mounts[i];
            if (mount->is_taken && mount->names_are_whole && ncr_text_starts(name, mount->prefix))
                return ncr_gdal_unlink(mount, name);
        }
    return unlink(name);
}

static int unlink_0(const char *name)
{
    return unlink_of_host(0, name);
}

static int unlink_1(const char *name)
{
    return unlink_of_host(1, name);
}

static int unlink_2(const char *name)
{
    return unlink_of_host(2, name);
}

static int unlink_3(const char *name)
{
    return unlink_of_host(3, name);
}

static int (*const replacements[NCR_GDAL_MOST_HOSTS])(const char *) = {unlink_0, unlink_1, unlink_2, unlink_3};

/* --- Finding the import. --- */

typedef struct image {
    const char *base; /* wanted: an address in it */
    uintptr_t bias;   /* what its addresses are relative to */
    uintptr_t relro, relro_end;
    const ElfW(Dyn) * dynamic;
    const ElfW(Sym) * symbols;
    const char *texts;
    const ElfW(Rela) * tables[2];
    size_t counts[2];
} image;

static int find_image(struct dl_phdr_info *info, size_t size, void *user)
{
    image *found = user;
    const uintptr_t wanted = (uintptr_t)found->base;
    bool is_it = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum && !is_it; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr;
        is_it = part->p_type == PT_LOAD && wanted >= (start & ~(part->p_align - 1)) && wanted < start + part->p_memsz;
    }
    if (!is_it)
        return 0;
    found->bias = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_DYNAMIC)
            found->dynamic = (const void *)start;
        if (part->p_type == PT_GNU_RELRO) {
            found->relro = start;
            found->relro_end = start + part->p_memsz;
        }
    }
    return 1;
}

/* Most loaders add the bias to the addresses of the dynamic section in place, some do not. */
static const void *at(const image *found, ElfW(Addr) address)
{
    return (const void *)(address < found->bias ? address + found->bias : address);
}

static void read_dynamic(image *found)
{
    for (const ElfW(Dyn) *entry = found->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            found->symbols = at(found, entry->d_un.d_ptr);
            break;
        case DT_STRTAB:
            found->texts = at(found, entry->d_un.d_ptr);
            break;
        case DT_JMPREL:
            found->tables[0] = at(found, entry->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            found->counts[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            found->tables[1] = at(found, entry->d_un.d_ptr);
            break;
        case DT_RELASZ:
            found->counts[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
}

/* Binds one slot. Where the loader has made its page read-only after binding, that is undone for the moment. */
static bool bind_slot(const image *found, uintptr_t slot, int (*function)(const char *))
{
    const uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), page = slot & ~(size - 1);
    const bool is_protected = slot >= found->relro && slot < found->relro_end;
    if (is_protected && mprotect((void *)page, size, PROT_READ | PROT_WRITE) != 0)
        return false;
    __atomic_store_n((uintptr_t *)slot, (uintptr_t)function, __ATOMIC_RELEASE);
    if (is_protected)
        mprotect((void *)page, size, PROT_READ);
    return true;
}

static bool is_unlink(const image *found, const ElfW(Rela) * entry)
{
    const int type = (int)ELF64_R_TYPE(entry->r_info);
    if (type != CALL_SLOT && type != ADDRESS_SLOT)
        return false;
    return strcmp(found->texts + found->symbols[ELF64_R_SYM(entry->r_info)].st_name, "unlink") == 0;
}

static const char *bind_all(const image *found, int (*function)(const char *))
{
    size_t bound = 0;
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < found->counts[t] && found->tables[t]; i++) {
            const ElfW(Rela) *entry = &found->tables[t][i];
            if (!is_unlink(found, entry))
                continue;
            if (!bind_slot(found, found->bias + entry->r_offset, function))
                return "the system does not let the binding of unlink() be changed";
            bound++;
        }
    return bound ? NULL : "GDAL's import of unlink() was not found";
}

void ncr_gdal_unlink_install(ncr_gdal_host *host, size_t index)
{
    if (host->deletes || host->no_delete[0] || index >= NCR_GDAL_MOST_HOSTS)
        return;
    image found = {.base = host->base};
    const char *problem = "its program headers were not found";
    if (CALL_SLOT < 0)
        problem = "not done on this processor";
    else if (dl_iterate_phdr(find_image, &found) && found.dynamic) {
        read_dynamic(&found);
        problem = found.symbols && found.texts ? bind_all(&found, replacements[index]) : "it has no symbols";
    }
    host->deletes = !problem;
    if (problem)
        snprintf(host->no_delete, sizeof host->no_delete, "delete: %s", problem);
}
