/* SPDX-License-Identifier: MIT */
/* What a program's surroundings hide: variables, containers, Windows. */
#include "host/doctor/check_machine.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ls_check_system(ls_doctor_state *s)
{
    const ls_machine *m = &s->machine;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "reading os-release");
    ls_finding_found(f, "%s%s%s%s", *m->distribution ? m->distribution : "an unknown system",
                     m->container ? ", in a container" : "", m->wsl ? ", in WSL" : "",
                     m->family == LS_FAMILY_OTHER ? ", whose packages are not known here" : "");
}

/* ---- Variables ------------------------------------------------------------------------------- */

typedef enum { IS_FOLDER, IS_SHOWN, HIDES } meaning;

static const struct {
    const char *name;
    meaning meaning;
    const char *about;
} variables[] = {
    {"OCL_ICD_VENDORS", IS_FOLDER, "where the loader looks for drivers"},
    {"OPENCL_VENDOR_PATH", IS_FOLDER, "where the loader looks for drivers"},
    {"OCL_ICD_FILENAMES", IS_SHOWN, "more drivers for the loader"},
    {"LD_LIBRARY_PATH", IS_SHOWN, "libraries from other folders"},
    {"RUSTICL_ENABLE", IS_SHOWN, "the devices that Mesa's rusticl shows"},
    {"POCL_DEVICES", IS_SHOWN, "the devices that PoCL shows"},
    {"CUDA_VISIBLE_DEVICES", HIDES, "the GPUs that NVIDIA's driver shows"},
    {"NVIDIA_VISIBLE_DEVICES", HIDES, "the GPUs that a container gets"},
    {"HIP_VISIBLE_DEVICES", HIDES, "the GPUs that AMD's driver shows"},
    {"ROCR_VISIBLE_DEVICES", HIDES, "the GPUs that AMD's driver shows"},
    {"GPU_DEVICE_ORDINAL", HIDES, "the GPUs that AMD's driver shows"},
    {"ZE_AFFINITY_MASK", HIDES, "the GPUs that Intel's driver shows"},
};

static bool hides_all(const char *value)
{
    return !*value || !strcmp(value, "-1") || !strcmp(value, "none") || !strcmp(value, "void") ||
           !strcmp(value, "NoDevFiles");
}

static void check_variable(ls_doctor_state *s, size_t i, const char *value)
{
    struct stat state;
    ls_finding *f = ls_check_add(s, LS_FINDING_NOTE);
    ls_finding_tried(f, "reading %s, which says %s", variables[i].name, variables[i].about);
    ls_finding_found(f, "'%.200s'", value);
    if (variables[i].meaning == HIDES && hides_all(value)) {
        f->status = LS_FINDING_MISSING;
        ls_finding_found(f, "'%.200s', which hides every GPU", value);
    } else if (variables[i].meaning == IS_FOLDER && stat(value, &state) != 0) {
        f->status = LS_FINDING_BROKEN;
        ls_finding_found(f, "'%.200s', which does not exist: the loader finds no driver", value);
    } else return;
    ls_finding_fix(f, "unset %s", variables[i].name);
}

void ls_check_environment(ls_doctor_state *s)
{
    size_t set = 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i].name);
        if (!value || (!*value && variables[i].meaning != HIDES)) continue;
        check_variable(s, i, value);
        set++;
    }
    if (set) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "reading the variables that hide devices or move drivers");
    ls_finding_found(f, "none is set");
}

/* ---- WSL ------------------------------------------------------------------------------------- */

void ls_check_wsl(ls_doctor_state *s)
{
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "reading /proc/version for Windows' Linux (WSL)");
    ls_finding_found(f, "not WSL");
    if (!s->machine.wsl) return;
    f->status = LS_FINDING_MISSING;
    ls_finding_found(f, "WSL%s: NVIDIA's driver has no OpenCL there, though CUDA works",
                     ls_machine_has_node(&s->machine, "/dev/dxg") ? "" : " without /dev/dxg");
    ls_finding_fix(f,
                   "an NVIDIA GPU needs Linux without Windows; for Intel's: %s; OpenCL on the "
                   "CPU: %s",
                   ls_package_command(s->machine.family, LS_PACKAGE_INTEL),
                   ls_package_command(s->machine.family, LS_PACKAGE_POCL));
}

/* ---- Libraries without .icd, containers ------------------------------------------------------ */

/* Libraries that containers and installers of the makers leave without a file that names them. */
static const struct {
    ls_vendor vendor;
    const char *library, *icd;
} lonely[] = {
    {LS_VENDOR_NVIDIA, "libnvidia-opencl.so.1", "nvidia.icd"},
    {LS_VENDOR_INTEL, "intel-opencl/libigdrcl.so", "intel.icd"},
    {LS_VENDOR_AMD, "libamdocl64.so", "amdocl64.icd"},
};

static bool is_named(const ls_doctor_state *s, const char *library)
{
    const char *slash = strrchr(library, '/'), *name = slash ? slash + 1 : library;
    size_t stem = strcspn(name, ".");
    char part[64];
    snprintf(part, sizeof part, "%.*s", (int)stem, name);
    for (size_t i = 0; i < s->drivers; i++)
        if (strstr(s->driver[i].library, part)) return true;
    return false;
}

static bool check_lonely(ls_doctor_state *s, size_t i)
{
    char path[512];
    if (!ls_machine_library(&s->machine, lonely[i].library, path) || is_named(s, lonely[i].library))
        return false;
    const char *where = path + strlen(s->machine.root);
    ls_finding *f = ls_check_add(s, LS_FINDING_BROKEN);
    ls_finding_tried(f, "looking for drivers that no .icd file names");
    ls_finding_found(f,
                     "%s's OpenCL library is there (%s), but no file in %s names it: the loader "
                     "does not find it",
                     ls_vendor_names[lonely[i].vendor], where, s->folder);
    ls_finding_fix(f, "as root: mkdir -p /etc/OpenCL/vendors && echo %s > /etc/OpenCL/vendors/%s",
                   lonely[i].vendor == LS_VENDOR_NVIDIA ? lonely[i].library : where, lonely[i].icd);
    return true;
}

/* GPUs that the kernel has and whose device files a container was not given. */
static bool check_passed_in(ls_doctor_state *s, ls_vendor vendor)
{
    static const char *const nodes[] = {"/dev/nvidia0", "/dev/dri/renderD", "/dev/dri/renderD"};
    static const char *const fixes[] = {
        ("start the container with --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility (NVIDIA "
         "Container Toolkit)"),
        "start the container with --device /dev/kfd --device /dev/dri",
        "start the container with --device /dev/dri"};
    if (!ls_machine_has_gpu(&s->machine, vendor) || ls_machine_has_node(&s->machine, nodes[vendor]))
        return false;
    ls_finding *f = ls_check_add(s, LS_FINDING_MISSING);
    ls_finding_tried(f, "looking for the %s GPU's device files in this container",
                     ls_vendor_names[vendor]);
    ls_finding_found(f, "there is no %s*", nodes[vendor]);
    ls_finding_fix(f, "%s", fixes[vendor]);
    return true;
}

/* The toolkit passes the files in, and the libraries only if it is told so. */
static bool check_libraries(ls_doctor_state *s)
{
    char path[512];
    if (!ls_machine_has_node(&s->machine, "/dev/nvidia0") ||
        ls_machine_library(&s->machine, lonely[0].library, path) || is_named(s, lonely[0].library))
        return false;
    ls_finding *f = ls_check_add(s, LS_FINDING_MISSING);
    ls_finding_tried(f, "looking for NVIDIA's OpenCL library in this container");
    ls_finding_found(f, "the GPU is passed in (/dev/nvidia0), %s is not", lonely[0].library);
    ls_finding_fix(f, "start the container with -e NVIDIA_DRIVER_CAPABILITIES=compute,utility");
    return true;
}

void ls_check_container(ls_doctor_state *s)
{
    bool any = false;
    for (size_t i = 0; i < sizeof lonely / sizeof *lonely; i++) any |= check_lonely(s, i);
    for (int v = 0; s->machine.container && v < LS_VENDOR_COUNT; v++)
        any |= check_passed_in(s, (ls_vendor)v);
    if (s->machine.container) any |= check_libraries(s);
    if (any) return;
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "looking for what a container or an installer has left out");
    ls_finding_found(f, s->machine.container ? "nothing is missing in this container"
                                             : "not a container, and every driver is named");
}
