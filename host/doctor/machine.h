/* SPDX-License-Identifier: MIT */
/* What can be seen of a machine without asking a driver. All paths lie under a root, which tests
 * replace. */
#ifndef LS_DOCTOR_MACHINE_H
#define LS_DOCTOR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    LS_FAMILY_OTHER,
    LS_FAMILY_DEBIAN,
    LS_FAMILY_UBUNTU,
    LS_FAMILY_ARCH,
    LS_FAMILY_FEDORA,
    LS_FAMILY_SUSE,
    LS_FAMILY_COUNT
} ls_family;

typedef enum { LS_VENDOR_NVIDIA, LS_VENDOR_AMD, LS_VENDOR_INTEL, LS_VENDOR_COUNT } ls_vendor;
extern const char *const ls_vendor_names[LS_VENDOR_COUNT];

/* A GPU as the kernel lists it. */
typedef struct {
    ls_vendor vendor;
    char slot[32];   /* its PCI address */
    char driver[32]; /* the kernel's driver that it is bound to, or "" */
} ls_seen_gpu;

/* A device file of GPUs. */
typedef struct {
    char path[64];
    bool allowed;   /* this user may read and write it */
    char group[64]; /* that owns it: a name, or else a number */
} ls_seen_node;

enum { LS_SEEN_MOST = 32 };

typedef struct {
    char root[256];        /* before each absolute path; "" for the machine's own */
    char distribution[64]; /* "Debian GNU/Linux 12 (bookworm)", or "" */
    ls_family family;
    bool wsl, container, service; /* started by systemd */
    ls_seen_gpu gpu[LS_SEEN_MOST];
    size_t gpus;
    ls_seen_node node[LS_SEEN_MOST];
    size_t nodes;
} ls_machine;

/* root: "" for the machine itself. */
void ls_machine_see(ls_machine *machine, const char *root);

bool ls_machine_has_node(const ls_machine *machine, const char *prefix);
bool ls_machine_has_gpu(const ls_machine *machine, ls_vendor vendor);

/* A path under the root; false if it is too long. One that is under it already stays as it is. */
bool ls_machine_path(const ls_machine *machine, const char *path, char out[512]);
/* The first bytes of a small file, with a NUL; false, with errno, if it cannot be read. */
bool ls_machine_read(const ls_machine *machine, const char *path, char *text, size_t size);
/* The names in a folder that begin and end so, sorted; their number, at most LS_SEEN_MOST. */
typedef struct {
    char name[LS_SEEN_MOST][256];
} ls_seen_names;
size_t ls_machine_list(const ls_machine *machine, const char *folder, const char *begin,
                       const char *end, ls_seen_names *out);
/* The file that the dynamic linker would take for a library, if it is in one of the usual folders
 * of the root; false if it is not. */
bool ls_machine_library(const ls_machine *machine, const char *name, char out[512]);

#endif
