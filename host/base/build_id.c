/* SPDX-License-Identifier: MIT */
#include "host/base/build_id.h"
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool contains(const struct dl_phdr_info *file, const void *address)
{
    for (size_t i = 0; i < file->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &file->dlpi_phdr[i];
        const uintptr_t from = (uintptr_t)file->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (uintptr_t)address - from < p->p_memsz) return true;
    }
    return false;
}

/* Notes: names and contents are padded. */
static void read_notes(const char *at, size_t left, size_t unit, unsigned char *id)
{
    ElfW(Nhdr) note;
    while (left > sizeof note) {
        memcpy(&note, at, sizeof note);
        const size_t name = (note.n_namesz + unit - 1) / unit * unit,
                     size = (note.n_descsz + unit - 1) / unit * unit;
        if (name > left - sizeof note || size > left - sizeof note - name) return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            !memcmp(at + sizeof note, "GNU", 4))
            memcpy(id, at + sizeof note + name,
                   note.n_descsz < LS_BUILD_ID_BYTES ? note.n_descsz : LS_BUILD_ID_BYTES);
        at += sizeof note + name + size, left -= sizeof note + name + size;
    }
}

static int look(struct dl_phdr_info *file, size_t size, void *id)
{
    static const char here = 0; /* its address is in this library */
    (void)size;
    if (!contains(file, &here)) return 0;
    for (size_t i = 0; i < file->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &file->dlpi_phdr[i];
        if (p->p_type == PT_NOTE)
            read_notes((const char *)file->dlpi_addr + p->p_vaddr, p->p_memsz,
                       p->p_align == 8 ? 8 : 4, id);
    }
    return 1;
}

void ls_build_id(unsigned char id[LS_BUILD_ID_BYTES])
{
    memset(id, 0, LS_BUILD_ID_BYTES);
    dl_iterate_phdr(look, id);
}
