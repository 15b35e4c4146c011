/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "handlers.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>

struct ncr_gdal_handler {
    void *handler;                /* up to GDAL 3.12 */
    std::shared_ptr<void> shared; /* from 3.13 on */
};

namespace
{

/* libstdc++'s names, with its strings of today and with those of before C++11, which wheels for manylinux2014 are built
 * with: of a GDAL that was built with another C++ library nothing is found, and nothing is done. */
const char get_name[] = "_ZN14VSIFileManager10GetHandlerEPKc";
const char manager_name[] = "_ZN14VSIFileManager3GetEv";
const char set_name[] = "_ZN14VSIFileManager14InstallHandlerERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEP20"
                        "VSIFilesystemHandler";
const char set_old_name[] = "_ZN14VSIFileManager14InstallHandlerERKSsP20VSIFilesystemHandler";
const char set_shared_name[] = "_ZN14VSIFileManager14InstallHandlerERKNSt7__cxx1112basic_stringIcSt11char_traitsIcES"
                               "aIcEEERKSt10shared_ptrI20VSIFilesystemHandlerE";

using get_function = void *(const char *prefix);
using manager_function = void *();
using set_function = void(const std::string &prefix, void *handler);
using set_old_function = void(const char *const *prefix, void *handler);
using set_shared_function = void(const std::string &prefix, const std::shared_ptr<void> &handler);

template <typename function> function *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    function *out = nullptr;
    std::memcpy(&out, &symbol, sizeof out);
    return out;
}

/* A string of before C++11: the object is a pointer to the text, before which stand its length, its capacity and the
 * number of its other owners, so many here that it is nobody's to free. The number may be changed. */
void set_by_old_name(set_old_function *set, const char *prefix, void *handler)
{
    const std::size_t length = std::strlen(prefix);
    alignas(std::size_t) char room[3 * sizeof(std::size_t) + 16] = {};
    const int owners = 1 << 20;
    if (length >= 16)
        return;
    std::memcpy(room, &length, sizeof length);
    std::memcpy(room + sizeof length, &length, sizeof length);
    std::memcpy(room + 2 * sizeof length, &owners, sizeof owners);
    std::memcpy(room + 3 * sizeof length, prefix, length);
    const char *const text = room + 3 * sizeof length;
    set(&text, handler);
}

/* VSIFileManager as it is from 3.13 on. */
struct manager {
    std::shared_ptr<void> fallback;
    std::map<std::string, std::shared_ptr<void>> handlers;
};

/* The owner of a handler, found in the manager's table. GetHandler("") gives the fallback: where both that and the
 * handler's own entry are as expected, the layout is. */
std::shared_ptr<void> find_owner(void *library, get_function *get, const char *prefix)
{
    auto *get_manager = find<manager_function>(library, manager_name);
    const auto *table = get_manager ? static_cast<const manager *>(get_manager()) : nullptr;
    if (!table || table->fallback.get() != get("") || table->handlers.size() > 1000)
        return nullptr;
    const auto found = table->handlers.find(prefix);
    return found != table->handlers.end() && found->second.get() == get(prefix) ? found->second : nullptr;
}

} // namespace

ncr_gdal_handler *ncr_gdal_handler_get(void *library, const char *prefix, const char **why)
{
    auto *get = find<get_function>(library, get_name);
    const bool is_shared = find<set_shared_function>(library, set_shared_name) != nullptr;
    *why = "uninstall: this GDAL does not export the functions by which handlers are put back";
    if (!get || !(is_shared || find<set_function>(library, set_name) || find<set_old_function>(library, set_old_name)))
        return nullptr;
    auto *out = new (std::nothrow) ncr_gdal_handler{get(prefix), nullptr};
    if (out && is_shared)
        out->shared = find_owner(library, get, prefix);
    if (out && (!out->handler || (is_shared && !out->shared))) {
        delete out;
        return nullptr;
    }
    return out;
}

void ncr_gdal_handler_set(void *library, const char *prefix, ncr_gdal_handler *handler)
{
    auto *set = find<set_function>(library, set_name);
    if (handler->shared)
        find<set_shared_function>(library, set_shared_name)(prefix, handler->shared);
    else if (set)
        set(prefix, handler->handler);
    else
        set_by_old_name(find<set_old_function>(library, set_old_name), prefix, handler->handler);
}

void ncr_gdal_handler_free(ncr_gdal_handler *handler)
{
    delete handler;
}
