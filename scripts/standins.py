# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Makes small libraries that stand in a wheel for large ones which nacre's libraries name but nacre never uses.

Debian's libcurl, libmicrohttpd, libxml2 and PROJ can do more than they are used for: other protocols, Kerberos, TLS by
GnuTLS, ICU's encodings. A stand-in has the name of the real library and what is wanted of it: functions through which
one would come into it say that it does not work, as the real one could; any other ends the process with a message,
since nobody can have come there. See docs/decisions/0009-the-wheel.md.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess
from collections.abc import Iterable

from elftools.elf.elffile import ELFFile


@dataclasses.dataclass
class StandIn:
    """What is left of a library: C for the functions that somebody calls; `links` are what that C needs."""

    code: str
    links: tuple[str, ...] = ()


# By the name without its version.
STAND_INS = {
    # libxml2 asks glibc's iconv first, and takes this answer for an encoding that nobody knows.
    "libicuuc": StandIn("void *ucnv_open(const char *name, int *error) { *error = 16; return NULL; }"),
    # libmicrohttpd, which serves plain HTTP here.
    "libgnutls": StandIn(
        """
        int gnutls_global_init(void) { return 0; }
        void gnutls_global_deinit(void) {}
        """
    ),
    # libcurl: protocols other than http and https, and cookies.
    "librtmp": StandIn("void *RTMP_Alloc(void) { return NULL; }"),
    "libssh2": StandIn(
        """
        int libssh2_init(int flags) { return 0; }
        void libssh2_exit(void) {}
        const char *libssh2_version(int least) { return "0"; }
        void *libssh2_session_init_ex(void *a, void *f, void *r, void *user) { return NULL; }
        """
    ),
    "libldap": StandIn(
        """
        int ldap_get_option(void *ldap, int option, void *out) { return -1; }
        int ldap_url_parse(const char *url, void **out) { *out = NULL; return 1; }
        int ldap_pvt_url_scheme2proto(const char *scheme) { return -1; }
        void ldap_free_urldesc(void *url) {}
        """
    ),
    "liblber": StandIn(""),
    "libpsl": StandIn(
        """
        const char *psl_get_version(void) { return "0"; }
        void *psl_latest(const char *name) { return NULL; }
        const void *psl_builtin(void) { return NULL; }
        void psl_free(void *list) {}
        """
    ),
    # libcurl: Negotiate, which is never asked for, and SOCKS, where the server may choose it.
    "libgssapi_krb5": StandIn(
        """
        struct text { size_t length; void *value; };
        enum { UNAVAILABLE = 16 << 16 };
        unsigned gss_import_name(unsigned *minor, struct text *name, void *kind, void **out)
        {
            *minor = 0;
            *out = NULL;
            return UNAVAILABLE;
        }
        unsigned gss_init_sec_context(unsigned *minor) { *minor = 0; return UNAVAILABLE; }
        unsigned gss_display_status(unsigned *minor, unsigned s, int kind, void *m, unsigned *more, struct text *out)
        {
            static char said[] = "there is no GSSAPI in this build";
            *minor = *more = 0;
            *out = (struct text){sizeof said - 1, said};
            return 0;
        }
        unsigned gss_release_buffer(unsigned *minor, struct text *text) { return 0; }
        unsigned gss_release_name(unsigned *minor, void **name) { return 0; }
        unsigned gss_delete_sec_context(unsigned *minor, void **context, void *token) { return 0; }
        """
    ),
    # PROJ, for grids by PROJ_NETWORK: the libcurl that is there anyway does it.
    "libcurl-gnutls": StandIn(
        """
        void *curl_easy_init(void);
        int curl_easy_setopt(void *, int, void *);
        int curl_easy_perform(void *);
        int curl_easy_getinfo(void *, int, void *);
        void curl_easy_cleanup(void *);
        void *forward_init(void) { return curl_easy_init(); }
        int forward_setopt(void *easy, int option, void *value) { return curl_easy_setopt(easy, option, value); }
        int forward_perform(void *easy) { return curl_easy_perform(easy); }
        int forward_getinfo(void *easy, int what, void *out) { return curl_easy_getinfo(easy, what, out); }
        void forward_cleanup(void *easy) { curl_easy_cleanup(easy); }
        __asm__(".symver forward_init, curl_easy_init@CURL_GNUTLS_3");
        __asm__(".symver forward_setopt, curl_easy_setopt@CURL_GNUTLS_3");
        __asm__(".symver forward_perform, curl_easy_perform@CURL_GNUTLS_3");
        __asm__(".symver forward_getinfo, curl_easy_getinfo@CURL_GNUTLS_3");
        __asm__(".symver forward_cleanup, curl_easy_cleanup@CURL_GNUTLS_3");
        """,
        ("libcurl.so.4",),
    ),
}

HEAD = """
#include <stdio.h>
#include <stdlib.h>
static void never(const char *name)
{
    fprintf(stderr, "nacre: %s() was called, which is left out of this wheel; please report it\\n", name);
    abort();
}
"""


def find(soname: str) -> StandIn | None:
    """The stand-in for a library, if it has one."""
    return STAND_INS.get(re.sub(r"(-[\d.]+)?\.so[\d.]*$", "", soname))


def _symbols(path: pathlib.Path, is_defined: bool) -> dict[str, tuple[str, str, int]]:
    """Dynamic symbols of a library, defined or wanted: version ("" for none), type and size of each."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        table, numbers = elf.get_section_by_name(".dynsym"), elf.get_section_by_name(".gnu.version")
        defined = elf.get_section_by_name(".gnu.version_d")
        names = {}
        if defined:
            names = {version["vd_ndx"]: next(auxiliary).name for version, auxiliary in defined.iter_versions()}
        found = {}
        for index, symbol in enumerate(table.iter_symbols()):
            if not symbol.name or (symbol["st_shndx"] != "SHN_UNDEF") != is_defined:
                continue
            number = numbers.get_symbol(index)["ndx"] if numbers else "VER_NDX_GLOBAL"
            version = names.get(number & 0x7FFF, "") if isinstance(number, int) else ""
            found[symbol.name] = (version, symbol["st_info"]["type"], symbol["st_size"])
        return found


def _source(stand_in: StandIn, wanted: dict[str, tuple[str, str, int]]) -> str:
    """C that defines what is wanted. ICU's functions end in its release, which the table does not know."""
    code, lines = stand_in.code, []
    for name, (_, kind, size) in sorted(wanted.items()):
        plain = re.sub(r"_\d+$", "", name)
        if re.search(rf"\b{plain}\b *(\(|@)", stand_in.code):
            code = re.sub(rf"\b{plain}\b", name, code)
        elif kind == "STT_OBJECT":
            lines.append(f"char {name}[{max(size, 1)}];")
        else:
            lines.append(f'void {name}(void) {{ never("{name}"); }}')
    return "\n".join([HEAD, code, *lines, ""])


def make(soname: str, real: pathlib.Path, users: Iterable[pathlib.Path], folder: pathlib.Path) -> None:
    """Writes a stand-in for a library into a folder.

    Parameters
    ----------
    soname
        The library's name, which the stand-in gets.
    real
        The library.
    users
        Libraries and programs that want something of it.
    folder
        Where the stand-in goes.
    """
    stand_in, defined = find(soname), _symbols(real, True)
    assert stand_in is not None
    names = {name for user in users for name in _symbols(user, False)} & defined.keys()
    wanted = {name: defined[name] for name in names}
    source, script = folder / f"{soname}.c", folder / f"{soname}.map"
    source.write_text(_source(stand_in, wanted))
    versions: dict[str, list[str]] = {}
    for name, (version, _, _) in sorted(wanted.items()):
        versions.setdefault(version, []).append(name)
    unnamed = versions.pop("", [])
    assert not (unnamed and versions), f"{soname}: symbols with a version and without"
    nodes = [f"{version} {{ global: {'; '.join(group)}; local: *; }};" for version, group in versions.items()]
    script.write_text("\n".join(nodes) or "{ global: *; };")
    command = ["cc", "-shared", "-fPIC", "-O2", "-w", "-fno-builtin", "-Wl,--as-needed", f"-Wl,-soname,{soname}"]
    command += [f"-Wl,--version-script={script}", "-Wl,-z,defs", "-Wl,-s", "-o", str(folder / soname), str(source)]
    command += [f"-l:{link}" for link in stand_in.links]
    subprocess.run(command, check=True)
