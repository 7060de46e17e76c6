/* SPDX-License-Identifier: MIT */
/* The loader and the drivers: each library is opened in a process of its own. */
#include "host/doctor/check_drivers.h"
#include "host/doctor/probe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The file of the dynamic linker's name for a library under the root. */
static void library_path(const ls_machine *m, const char *library, char out[512])
{
    char usual[300];
    if (*library == '/') {
        if (!ls_machine_path(m, library, out)) *out = 0;
    } else if (!*m->root) snprintf(out, 512, "%.511s", library); /* the dynamic linker knows */
    else if (!ls_machine_library(m, library, out)) {
        snprintf(usual, sizeof usual, "/usr/lib/%.255s", library);
        if (!ls_machine_path(m, usual, out)) *out = 0;
    }
}

/* ---- .icd files ------------------------------------------------------------------------------ */

static void see_driver(ls_doctor_state *s, const char *file)
{
    char path[512];
    ls_seen_driver *d = &s->driver[s->drivers];
    if (s->drivers == LS_SEEN_MOST) return;
    s->drivers++;
    snprintf(d->file, sizeof d->file, "%.511s", file);
    if (!ls_machine_read(&s->machine, file, d->library, sizeof d->library)) {
        snprintf(d->unreadable, sizeof d->unreadable, "%.127s", strerror(errno));
        return;
    }
    d->library[strcspn(d->library, "\r\n")] = 0;
    if (!*d->library || s->no_probe) return;
    library_path(&s->machine, d->library, path);
    d->looked = ls_probe(path, &d->look);
}

void ls_drivers_see(ls_doctor_state *s)
{
    const char *given = getenv("OCL_ICD_VENDORS");
    char path[512];
    struct stat state;
    snprintf(s->folder, sizeof s->folder, "%.511s",
             given && *given ? given : "/etc/OpenCL/vendors");
    if (!ls_machine_path(&s->machine, s->folder, path)) return;
    if (stat(path, &state) == 0 && !S_ISDIR(state.st_mode)) {
        see_driver(s, s->folder);
        return;
    }
    ls_seen_names *names = malloc(sizeof *names);
    size_t count = names ? ls_machine_list(&s->machine, s->folder, "", ".icd", names) : 0;
    for (size_t i = 0; i < count; i++)
        if (snprintf(path, sizeof path, "%s/%s", s->folder, names->name[i]) < (int)sizeof path)
            see_driver(s, path);
    free(names);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

void ls_check_helper(ls_doctor_state *s)
{
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "starting a process in which drivers can be tried");
    ls_finding_found(f, "%s", s->no_probe ? s->no_probe : "it starts");
    if (!s->no_probe) return;
    f->status = ls_probe_built() ? LS_FINDING_BROKEN : LS_FINDING_MISSING;
    ls_finding_fix(f, ls_probe_built()
                          ? "install lockstep again, in one piece; LOCKSTEP_HELPER must not be set"
                          : "build or install lockstep with OpenCL");
}

/* Environments of Python carry loaders that look for drivers in their own folders only. */
static bool is_from_python(const char *file)
{
    static const char *const signs[] = {"site-packages", "conda",  "/envs/", "miniforge",
                                        "mamba",         "/venv/", "/.venv/"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strstr(file, signs[i])) return true;
    return false;
}

static void judge_loader(const ls_doctor_state *s, const ls_driver_look *look, ls_finding *f)
{
    const char *package = ls_package_command(s->machine.family, LS_PACKAGE_LOADER);
    if (*look->failed) {
        f->status = LS_FINDING_BROKEN;
        ls_finding_found(f, "opening it %s", look->failed);
        ls_finding_fix(f, "install the loader again: %s", package);
    } else if (!look->opened) {
        f->status = LS_FINDING_MISSING;
        ls_finding_found(f, "%s", look->message);
        ls_finding_fix(f, "%s", package);
    } else if (!look->loader) {
        f->status = LS_FINDING_BROKEN;
        ls_finding_found(f, "%s is no OpenCL loader: it has no clGetPlatformIDs", look->file);
        ls_finding_fix(f, "%s", package);
    } else if (is_from_python(look->file)) {
        f->status = LS_FINDING_NOTE;
        ls_finding_found(f,
                         "%s: a copy of a Python environment, which may look for drivers in its "
                         "own folder only",
                         look->file);
        ls_finding_fix(f, "leave that environment (LD_LIBRARY_PATH), or: export "
                          "OCL_ICD_VENDORS=/etc/OpenCL/vendors");
    } else ls_finding_found(f, "%s", look->file);
}

void ls_check_loader(ls_doctor_state *s)
{
    static const char name[] = "libOpenCL.so.1";
    char path[512];
    ls_driver_look look;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "opening the OpenCL loader, %s", name);
    library_path(&s->machine, name, path);
    if (s->no_probe || !ls_probe(path, &look)) {
        f->status = LS_FINDING_NOTE;
        ls_finding_found(f, "not tried");
    } else judge_loader(s, &look, f);
}

static void advise_on_driver(const ls_doctor_state *s, const ls_seen_driver *d, ls_finding *f)
{
    const char *owner = ls_package_owner_command(s->machine.family);
    if (owner)
        ls_finding_fix(f, "install the package again that has it (%s %s names it), or remove %s",
                       owner, d->file, d->file);
    else ls_finding_fix(f, "install its package again, or remove %s", d->file);
}

static void list_platforms(const ls_driver_look *look, ls_finding *f)
{
    char text[sizeof f->found] = "";
    for (unsigned i = 0; i < look->platforms; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%s (devices: %u, GPUs: %u)", n ? "; " : "",
                 look->platform[i].name, look->platform[i].devices, look->platform[i].gpus);
    }
    ls_finding_found(f, "%s", text);
}

static ls_finding_status judge_look(const ls_driver_look *look, ls_finding *f)
{
    if (*look->failed) ls_finding_found(f, "the driver %s when it is opened", look->failed);
    else if (!look->opened) ls_finding_found(f, "%s", look->message);
    else if (!look->driver)
        ls_finding_found(f, "%s is no OpenCL driver: it has no clIcdGetPlatformIDsKHR", look->file);
    else if (look->code || !look->platforms) {
        ls_finding_found(f,
                         "the driver opens, and has no platform (OpenCL error %d): it finds no "
                         "device that it can use",
                         look->code);
        return LS_FINDING_MISSING;
    } else {
        list_platforms(look, f);
        return LS_FINDING_OK;
    }
    return LS_FINDING_BROKEN;
}

static void check_driver(ls_doctor_state *s, const ls_seen_driver *d)
{
    ls_finding *f = ls_check_add(s, LS_FINDING_BROKEN);
    ls_finding_tried(f, "opening the driver of %s: %s", d->file, *d->library ? d->library : "?");
    if (*d->unreadable) ls_finding_found(f, "the file cannot be read: %s", d->unreadable);
    else if (!*d->library) ls_finding_found(f, "the file names no library");
    else if (!d->looked) {
        f->status = LS_FINDING_NOTE;
        ls_finding_found(f, "not tried");
    } else f->status = judge_look(&d->look, f);
    if (f->status == LS_FINDING_BROKEN) advise_on_driver(s, d, f);
    if (f->status == LS_FINDING_MISSING)
        ls_finding_fix(f, "see the findings on hardware and on permissions");
}

void ls_check_drivers(ls_doctor_state *s)
{
    for (size_t i = 0; i < s->drivers; i++) check_driver(s, &s->driver[i]);
    if (s->drivers) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_MISSING);
    ls_finding_tried(f, "looking for drivers in %s", s->folder);
    ls_finding_found(f, "no .icd file: no OpenCL driver is installed");
    const ls_package package = s->machine.gpus ? (ls_package)s->machine.gpu[0].vendor
                                               : LS_PACKAGE_POCL;
    ls_finding_fix(f, "%s%s", ls_package_command(s->machine.family, package),
                   package == LS_PACKAGE_POCL ? " (OpenCL on the CPU; no GPU was seen)" : "");
}

/* Drivers of Mesa that could serve the GPUs seen. */
static const char *rusticl_drivers(const ls_machine *m)
{
    if (ls_machine_has_gpu(m, LS_VENDOR_AMD)) return "radeonsi";
    if (ls_machine_has_gpu(m, LS_VENDOR_INTEL)) return "iris";
    if (ls_machine_has_gpu(m, LS_VENDOR_NVIDIA)) return "nouveau";
    return "llvmpipe";
}

static void check_platform(ls_doctor_state *s, const ls_seen_driver *d, unsigned i)
{
    const char *name = d->look.platform[i].name;
    ls_finding *f = ls_check_add(s, LS_FINDING_MISSING);
    ls_finding_tried(f, "asking the platform %s for its devices", name);
    ls_finding_found(f, "none");
    if (strcasestr(name, "rusticl"))
        ls_finding_fix(f, "it shows devices on demand only: export RUSTICL_ENABLE=%s",
                       rusticl_drivers(&s->machine));
    else if (strcasestr(name, "clover"))
        ls_finding_fix(f,
                       "Clover knows no newer GPU; use Mesa's rusticl or the maker's driver, "
                       "or remove %s",
                       d->file);
    else ls_finding_fix(f, "see the findings on hardware and on permissions");
}

void ls_check_platforms(ls_doctor_state *s)
{
    unsigned with = 0, without = 0;
    for (size_t i = 0; i < s->drivers; i++)
        for (unsigned k = 0; s->driver[i].looked && k < s->driver[i].look.platforms; k++) {
            if (s->driver[i].look.platform[k].devices) with++;
            else without++, check_platform(s, &s->driver[i], k);
        }
    if (without) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "asking each platform for its devices");
    ls_finding_found(f, with ? "each of %u has a device" : "there is no platform", with);
}
