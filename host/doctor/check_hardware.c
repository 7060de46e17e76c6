/* SPDX-License-Identifier: MIT */
/* The GPUs that the kernel lists, against drivers and permissions. */
#include "host/doctor/check_hardware.h"
#include <string.h>
#include <unistd.h>

/* ---- GPUs against drivers -------------------------------------------------------------------- */

/* Words of which one is in the name of each driver for a maker's GPUs. */
static const char *const driver_words[LS_VENDOR_COUNT][4] = {
    {"nvidia", "rusticl", "mesa"},
    {"amdocl", "rusticl", "mesa", "rocm"},
    {"intel", "igdrcl", "rusticl", "mesa"},
};

static bool serves(const ls_seen_driver *d, ls_vendor vendor)
{
    const char *slash = strrchr(d->file, '/'), *name = slash ? slash + 1 : d->file;
    for (int i = 0; i < 4; i++) {
        const char *word = driver_words[vendor][i];
        if (word && (strcasestr(name, word) || strcasestr(d->library, word))) return true;
    }
    return false;
}

/* GPUs that the drivers for a maker list; *driver: one of them, or NULL. */
static unsigned count_gpus(const ls_doctor_state *s, ls_vendor vendor,
                           const ls_seen_driver **driver)
{
    unsigned count = 0;
    *driver = NULL;
    for (size_t i = 0; i < s->drivers; i++) {
        const ls_seen_driver *d = &s->driver[i];
        if (!serves(d, vendor)) continue;
        if (!*driver) *driver = d;
        for (unsigned k = 0; d->looked && k < d->look.platforms; k++) {
            if (d->look.platform[k].gpus) *driver = d;
            count += d->look.platform[k].gpus;
        }
    }
    return count;
}

/* Drivers of the kernel with which a maker's OpenCL does not work. */
static const char *useless_driver(const ls_seen_gpu *gpu)
{
    if (!*gpu->driver) return "no driver of the kernel is bound to it";
    if (!strcmp(gpu->driver, "vfio-pci")) return "it is set aside for a virtual machine (vfio-pci)";
    if (gpu->vendor == LS_VENDOR_NVIDIA && !strcmp(gpu->driver, "nouveau"))
        return "the kernel's driver is nouveau, with which NVIDIA's OpenCL does not work";
    return NULL;
}

static void check_gpu(ls_doctor_state *s, const ls_seen_gpu *gpu)
{
    const char *maker = ls_vendor_names[gpu->vendor], *useless = useless_driver(gpu),
               *package = ls_package_command(s->machine.family, (ls_package)gpu->vendor);
    const ls_seen_driver *driver;
    unsigned count = count_gpus(s, gpu->vendor, &driver);
    ls_finding *f = ls_check_add(s, LS_FINDING_MISSING);
    ls_finding_tried(f, "looking for an OpenCL driver for the %s GPU at %s", maker, gpu->slot);
    if (count) {
        f->status = LS_FINDING_OK;
        ls_finding_found(f, "the driver of %s lists %u GPU%s", driver->file, count,
                         count == 1 ? "" : "s");
    } else if (driver && s->no_probe) {
        f->status = LS_FINDING_NOTE;
        ls_finding_found(f, "the driver of %s was not tried", driver->file);
    } else if (driver) {
        ls_finding_found(f, "the driver of %s lists no GPU; %s", driver->file,
                         useless ? useless : "the kernel's driver is loaded");
        ls_finding_fix(f, "%s",
                       useless ? package
                               : "see the findings on drivers and on permissions; a driver "
                                 "that was updated needs a restart");
    } else {
        ls_finding_found(f, "an %s GPU is present, but no OpenCL driver for it%s%s", maker,
                         useless ? "; " : "", useless ? useless : "");
        ls_finding_fix(f, "%s", package);
    }
}

void ls_check_hardware(ls_doctor_state *s)
{
    for (size_t i = 0; i < s->machine.gpus; i++) check_gpu(s, &s->machine.gpu[i]);
    if (s->machine.gpus) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "looking for GPUs of NVIDIA, AMD and Intel on the PCI bus");
    ls_finding_found(f, "none: this machine has no GPU, or hides it");
    if (s->machine.container || s->machine.wsl) return;
    ls_finding_fix(f, "in a virtual machine, pass the GPU through; otherwise see whether lspci "
                      "lists it");
}

/* ---- Permissions ----------------------------------------------------------------------------- */

static const char service_fix[] = " A service of systemd needs SupplementaryGroups=%s, and "
                                  "PrivateDevices=no.";

static void check_node(ls_doctor_state *s, const ls_seen_node *node)
{
    char group[192], service[256] = "";
    if (node->allowed) return;
    /* without a known GPU, it may be for a screen alone */
    const bool screen = !s->machine.gpus && !strncmp(node->path, "/dev/dri", 8);
    ls_finding *f = ls_check_add(s, screen ? LS_FINDING_MISSING : LS_FINDING_BROKEN);
    ls_finding_tried(f, "opening %s", node->path);
    ls_finding_found(f, "this user may not read and write it; it belongs to the group %s",
                     node->group);
    snprintf(group, sizeof group, "sudo usermod -aG %s $USER, then log in again", node->group);
    if (!strcmp(node->group, "root") || !strcmp(node->group, "0"))
        snprintf(group, sizeof group, "sudo chmod 666 %s (or let udev give it to a group)",
                 node->path);
    if (s->machine.service) snprintf(service, sizeof service, service_fix, node->group);
    if (s->machine.container)
        ls_finding_fix(f, "start the container with --group-add %s, or as a user that may open it",
                       node->group);
    else ls_finding_fix(f, "%s%s%s", group, *service ? "." : "", service);
}

/* A service with strict protection sees no device file at all. */
static void check_no_nodes(ls_doctor_state *s, ls_finding *f)
{
    ls_finding_found(f, "there is none");
    if (!s->machine.gpus || s->machine.container) return;
    f->status = LS_FINDING_MISSING;
    ls_finding_found(f, "there is none, though there is a GPU: the kernel's driver is not loaded%s",
                     s->machine.service ? ", or the service may not see it" : "");
    ls_finding_fix(f, "%s%s",
                   ls_package_command(s->machine.family, (ls_package)s->machine.gpu[0].vendor),
                   s->machine.service ? "; in the unit of the service: PrivateDevices=no" : "");
}

void ls_check_permissions(ls_doctor_state *s)
{
    size_t refused = 0;
    for (size_t i = 0; i < s->machine.nodes; i++) {
        check_node(s, &s->machine.node[i]);
        refused += !s->machine.node[i].allowed;
    }
    if (refused) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "opening the device files of GPUs (/dev/dri/renderD*, /dev/kfd, "
                        "/dev/nvidia*)");
    if (s->machine.nodes)
        ls_finding_found(f, "%zu, which this user may read and write", s->machine.nodes);
    else check_no_nodes(s, f);
}
