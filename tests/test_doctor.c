/* SPDX-License-Identifier: MIT */
/* lockstep doctor: machines with every fault that it knows, made of files under a folder. */
#include <criterion/criterion.h>
#if defined(LS_OPENCL) && defined(LS_PROGRAM) && defined(LS_HELPER)
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/text.h"
#include "host/doctor/doctor.h"
#include "host/doctor/machine.h"
#include "tests/support/runs.h"

static char folder[64]; /* of a test */
static char root[128];  /* of its machine */

/* ---- Machines -------------------------------------------------------------------------------- */

static void begin_at(const char *under)
{
    static const char *const variables[] = {
        "OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH",   "OCL_ICD_FILENAMES",      "RUSTICL_ENABLE",
        "INVOCATION_ID",   "CUDA_VISIBLE_DEVICES", "HELPER_FAULT",           "HELPER_WRONG",
        "HELPER_TILES",    "LOCKSTEP_STEPS",       "LOCKSTEP_HELPER_SECONDS"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
    runs_folder_enter(folder);
    cr_assert_eq(chmod(folder, 0755), 0);
    snprintf(root, sizeof root, "%s%s", folder, under);
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("LOCKSTEP_HELPER", LS_HELPER, 1);
}

static void begin(void) { begin_at("/root"); }

static void end(void) { runs_folder_leave(folder); }

/* Makes the folders of a path under the root. */
static const char *place(const char *path)
{
    static char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0755);
        *slash = '/';
    }
    return full;
}

static void put(const char *path, const char *text)
{
    runs_file_write(place(path), text, strlen(text));
}

static void link_to(const char *target, const char *path)
{
    cr_assert_eq(symlink(target, place(path)), 0);
}

/* A driver's library, and the file that names it. */
static void put_driver(const char *icd, const char *library)
{
    char path[256];
    snprintf(path, sizeof path, "/etc/OpenCL/vendors/%s", icd);
    put(path, library);
}

static void put_gpu(const char *slot, const char *vendor, const char *driver)
{
    char path[256], target[256];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/class", slot);
    put(path, "0x030000\n");
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vendor", slot);
    put(path, vendor);
    if (!driver) return;
    snprintf(target, sizeof target, "../../../bus/pci/drivers/%s", driver);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/driver", slot);
    link_to(target, path);
}

static void put_system(const char *id)
{
    char text[256];
    snprintf(text, sizeof text, "PRETTY_NAME=\"The system %s\"\nID=%s\n", id, id);
    put("/etc/os-release", text);
}

/* ---- Findings -------------------------------------------------------------------------------- */

static void examine(ls_doctor_report *r)
{
    ls_error err;
    const ls_doctor_request request = {.root = root};
    cr_assert_eq(ls_doctor(&request, r, &err), LS_OK, "%s", err.message);
}

/* All findings as one text, for messages. */
static const char *tell(const ls_doctor_report *r)
{
    static char text[16384];
    size_t n = 0;
    for (size_t i = 0; i < r->findings && n < sizeof text; i++) {
        const ls_finding *f = &r->finding[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "\n%s %s: %s -> %s -> %s",
                              ls_finding_name(f->status), f->check, f->tried, f->found, f->fix);
    }
    return text;
}

/* A finding with these texts. */
static void expect(const ls_doctor_report *r, const char *check, ls_finding_status status,
                   const char *found, const char *fix)
{
    for (size_t i = 0; i < r->findings; i++) {
        const ls_finding *f = &r->finding[i];
        if (!strcmp(f->check, check) && f->status == status && strstr(f->found, found) &&
            strstr(f->fix, fix)) {
            cr_expect(*(f->tried));
            return;
        }
    }
    cr_expect(false, "no %s finding on %s has '%s' and '%s':%s", ls_finding_name(status), check,
              found, fix, tell(r));
}

static void expect_verdict(const ls_doctor_report *r, int verdict)
{
    cr_expect_eq(ls_report_verdict(r), verdict, "%d, not %d:%s", ls_report_verdict(r), verdict,
                 tell(r));
}

/* ---- Drivers --------------------------------------------------------------------------------- */

Test(doctor, nothing_is_installed, .timeout = 300)
{
    static const char *const systems[][3] = {
        {"debian", "sudo apt install ocl-icd-libopencl1", "sudo apt install pocl-opencl-icd"},
        {"ubuntu", "sudo apt install ocl-icd-libopencl1", "sudo apt install pocl-opencl-icd"},
        {"arch", "sudo pacman -S ocl-icd", "sudo pacman -S pocl"},
        {"fedora", "sudo dnf install ocl-icd", "sudo dnf install pocl"},
        {"opensuse-leap", "sudo zypper install libOpenCL1", "sudo zypper install pocl"},
        {"plan9", "install an OpenCL loader", "install PoCL"}};
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        ls_doctor_report r;
        begin();
        put_system(systems[i][0]);
        examine(&r);
        expect(&r, "system", LS_FINDING_OK, systems[i][0], "");
        expect(&r, "helper", LS_FINDING_OK, "starts", "");
        expect(&r, "loader", LS_FINDING_MISSING, "libOpenCL.so.1: cannot open shared object file",
               systems[i][1]);
        expect(&r, "drivers", LS_FINDING_MISSING, "no .icd file", systems[i][2]);
        expect(&r, "hardware", LS_FINDING_OK, "no GPU", "lspci");
        expect(&r, "permissions", LS_FINDING_OK, "none", "");
        expect(&r, "wsl", LS_FINDING_OK, "not WSL", "");
        expect_verdict(&r, 1);
        ls_report_free(&r);
        end();
    }
}

/* A relation of a known system is named by ID_LIKE. */
Test(doctor, related_system)
{
    ls_machine m;
    begin();
    put("/usr/lib/os-release", "ID_LIKE='ubuntu debian'\nID=elementary\n");
    ls_machine_see(&m, root);
    cr_expect_eq(m.family, LS_FAMILY_UBUNTU);
    end();
}

Test(doctor, broken_drivers, .timeout = 300)
{
    static const struct {
        const char *library, *found;
    } drivers[] = {
        {"libmissing-driver.so.1\n", "libmissing-driver.so.1: cannot open shared object file"},
        {"/opt/missing.so\n", "missing.so: cannot open shared object file"},
        {"/lib/empty.so\n", "file too short"},
        {LS_FAKE_ABORTS "\n", "the driver crashes (Aborted) when it is opened"},
        {LS_FAKE_HANGS "\n", "the driver does not end within 0.4 s when it is opened"},
        {LS_FAKE_NOTHING "\n", "is no OpenCL driver"},
        {"lib\xff.so", "lib?.so: cannot open shared object file"},
        {"", "names no library"},
    };
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        ls_doctor_report r;
        char library[512];
        begin();
        put_system("debian");
        put("/lib/empty.so", "");
        put_driver("some.icd", drivers[i].library);
        if (*drivers[i].library == '/' && strchr(drivers[i].library + 1, '/') &&
            access(strtok(strcpy(library, drivers[i].library), "\n"), F_OK) == 0)
            link_to(library, library); /* found under the root */
        /* the others may take as long as they need on a busy machine */
        if (strstr(drivers[i].library, LS_FAKE_HANGS)) setenv("LOCKSTEP_HELPER_SECONDS", "0.4", 1);
        else unsetenv("LOCKSTEP_HELPER_SECONDS");
        examine(&r);
        expect(&r, "drivers", LS_FINDING_BROKEN, drivers[i].found, "dpkg -S");
        expect_verdict(&r, 2);
        for (size_t k = 0; k < r.findings; k++)
            cr_expect(ls_is_utf8(r.finding[k].tried) && ls_is_utf8(r.finding[k].found));
        ls_report_free(&r);
        end();
    }
}

Test(doctor, unreadable_driver)
{
    ls_doctor_report r;
    begin();
    cr_assert_eq(mkdir(place("/etc/OpenCL/vendors/folder.icd"), 0755), 0);
    examine(&r);
    expect(&r, "drivers", LS_FINDING_BROKEN, "Is a directory", "remove");
    expect_verdict(&r, 2);
    ls_report_free(&r);
    end();
}

/* Without the helper, no driver is opened in this process. */
Test(doctor, no_helper)
{
    ls_doctor_report r;
    begin();
    setenv("LOCKSTEP_HELPER", "none", 1);
    put_driver("aborts.icd", LS_FAKE_ABORTS);
    link_to(LS_FAKE_ABORTS, LS_FAKE_ABORTS);
    examine(&r);
    expect(&r, "helper", LS_FINDING_BROKEN, "does not start", "install lockstep again");
    expect(&r, "drivers", LS_FINDING_NOTE, "not tried", "");
    expect(&r, "devices", LS_FINDING_MISSING, "not asked", "");
    expect_verdict(&r, 2);
    cr_expect_eq(r.devices, 1);
    ls_report_free(&r);
    end();
}

Test(doctor, loaders)
{
    ls_doctor_report r;
    begin_at("/envs/site-packages");
    link_to(LS_FAKE_LOADER, "/usr/lib/libOpenCL.so.1");
    examine(&r);
    expect(&r, "loader", LS_FINDING_NOTE, "Python", "export OCL_ICD_VENDORS=");
    ls_report_free(&r);
    end();
    begin();
    link_to(LS_FAKE_NOTHING, "/usr/lib/libOpenCL.so.1");
    examine(&r);
    expect(&r, "loader", LS_FINDING_BROKEN, "no clGetPlatformIDs", "install");
    expect_verdict(&r, 2);
    ls_report_free(&r);
    end();
}

Test(doctor, platforms_without_devices)
{
    ls_doctor_report r;
    begin();
    put_gpu("0000:03:00.0", "0x1002\n", "amdgpu");
    put_driver("rusticl.icd", LS_FAKE_RUSTICL);
    link_to(LS_FAKE_RUSTICL, LS_FAKE_RUSTICL);
    put_driver("intel.icd", LS_FAKE_NO_GPU);
    link_to(LS_FAKE_NO_GPU, LS_FAKE_NO_GPU);
    examine(&r);
    expect(&r, "drivers", LS_FINDING_OK, "rusticl (devices: 0, GPUs: 0)", "");
    expect(&r, "drivers", LS_FINDING_MISSING, "no platform (OpenCL error -1001)", "hardware");
    expect(&r, "platforms", LS_FINDING_MISSING, "none", "export RUSTICL_ENABLE=radeonsi");
    expect(&r, "hardware", LS_FINDING_MISSING, "rusticl.icd lists no GPU", "restart");
    expect_verdict(&r, 1);
    ls_report_free(&r);
    end();
}

/* ---- Hardware -------------------------------------------------------------------------------- */

Test(doctor, gpus_without_drivers, .timeout = 300)
{
    static const struct {
        const char *system, *vendor, *driver, *found, *fix;
    } gpus[] = {
        {"debian", "0x8086\n", NULL,
         "an Intel GPU is present, but no OpenCL driver for it; no "
         "driver of the kernel",
         "apt install intel-opencl-icd"},
        {"arch", "0x8086\n", "i915", "an Intel GPU is present", "pacman -S intel-compute-runtime"},
        {"fedora", "0x1002\n", "amdgpu", "an AMD GPU is present", "dnf install rocm-opencl"},
        {"arch", "0x1002\n", "amdgpu", "an AMD GPU is present", "rocm-opencl-runtime"},
        {"ubuntu", "0x10de\n", "nouveau", "nouveau", "ubuntu-drivers install"},
        {"debian", "0x10de\n", "vfio-pci", "virtual machine", "nvidia-opencl-icd"},
    };
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++) {
        ls_doctor_report r;
        begin();
        put_system(gpus[i].system);
        put_gpu("0000:01:00.0", gpus[i].vendor, gpus[i].driver);
        put_gpu("0000:02:00.0", "0x1a03\n", NULL); /* a server's management */
        examine(&r);
        expect(&r, "hardware", LS_FINDING_MISSING, gpus[i].found, gpus[i].fix);
        expect(&r, "permissions", LS_FINDING_MISSING, "there is a GPU", "");
        expect_verdict(&r, 1);
        for (size_t k = 0; k < r.findings; k++)
            cr_expect_null(strstr(r.finding[k].tried, "0000:02:00.0"));
        ls_report_free(&r);
        end();
    }
}

Test(doctor, gpu_with_its_driver)
{
    ls_doctor_report r;
    begin();
    put_gpu("0000:01:00.0", "0x10de\n", "nvidia");
    put("/dev/nvidia0", "");
    put_driver("nvidia.icd", LS_FAKE_GPU);
    link_to(LS_FAKE_GPU, LS_FAKE_GPU);
    examine(&r);
    expect(&r, "drivers", LS_FINDING_OK, "(devices: 1, GPUs: 1)", "");
    expect(&r, "hardware", LS_FINDING_OK, "nvidia.icd lists 1 GPU", "");
    expect(&r, "permissions", LS_FINDING_OK, "1, which this user", "");
    ls_report_free(&r);
    end();
}

static void put_render_node(void)
{
    put("/etc/group", "root:x:0:\nrender:x:107:somebody\n");
    put("/dev/dri/renderD128", "");
    cr_assert_eq(chmod(place("/dev/dri/renderD128"), geteuid() ? 0 : 0660), 0);
    if (!geteuid()) cr_assert_eq(chown(place("/dev/dri/renderD128"), 0, 107), 0);
}

Test(doctor, no_permission)
{
    ls_doctor_report r;
    const bool administrator = geteuid() == 0;
    const char *fix = administrator ? "sudo usermod -aG render $USER" : "sudo usermod -aG";
    begin();
    put_gpu("0000:00:02.0", "0x8086\n", "i915");
    put_render_node();
    put("/dev/nvidia-modeset", ""); /* is not opened */
    cr_assert_eq(chmod(place("/dev/nvidia-modeset"), 0), 0);
    setenv("LOCKSTEP_HELPER", "none", 1);
    if (administrator) cr_assert_eq(seteuid(65534), 0);
    examine(&r);
    if (administrator) cr_assert_eq(seteuid(0), 0);
    expect(&r, "permissions", LS_FINDING_BROKEN, "may not read and write it", fix);
    for (size_t i = 0; i < r.findings; i++) cr_expect_null(strstr(r.finding[i].tried, "modeset"));
    expect_verdict(&r, 2);
    ls_report_free(&r);
    setenv("INVOCATION_ID", "0", 1);
    if (administrator) cr_assert_eq(seteuid(65534), 0);
    examine(&r);
    if (administrator) cr_assert_eq(seteuid(0), 0);
    expect(&r, "permissions", LS_FINDING_BROKEN, "", "SupplementaryGroups=");
    ls_report_free(&r);
    end();
}

/* ---- Surroundings ---------------------------------------------------------------------------- */

Test(doctor, library_without_icd)
{
    ls_doctor_report r;
    begin();
    put("/.dockerenv", "");
    put("/usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.1", "");
    examine(&r);
    expect(&r, "container", LS_FINDING_BROKEN, "no file in /etc/OpenCL/vendors names it",
           "echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd");
    expect_verdict(&r, 2);
    ls_report_free(&r);
    put_driver("nvidia.icd", "libnvidia-opencl.so.1\n"); /* the line was written */
    examine(&r);
    expect(&r, "container", LS_FINDING_OK, "nothing is missing", "");
    ls_report_free(&r);
    end();
}

Test(doctor, containers)
{
    static const struct {
        const char *vendor, *fix;
    } gpus[] = {{"0x10de\n", "--gpus all"},
                {"0x1002\n", "--device /dev/kfd --device /dev/dri"},
                {"0x8086\n", "--device /dev/dri"}};
    ls_doctor_report r;
    for (size_t i = 0; i < 3; i++) {
        begin();
        put("/run/.containerenv", "");
        put_gpu("0000:01:00.0", gpus[i].vendor, "some");
        examine(&r);
        expect(&r, "container", LS_FINDING_MISSING, "there is no /dev/", gpus[i].fix);
        ls_report_free(&r);
        end();
    }
    begin();
    put("/.dockerenv", "");
    put("/dev/nvidia0", "");
    examine(&r);
    expect(&r, "container", LS_FINDING_MISSING, "libnvidia-opencl.so.1 is not",
           "NVIDIA_DRIVER_CAPABILITIES=compute,utility");
    expect_verdict(&r, 1);
    ls_report_free(&r);
    end();
}

Test(doctor, wsl)
{
    ls_doctor_report r;
    begin();
    put("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2 (gcc) #1 SMP\n");
    put("/dev/dxg", "");
    examine(&r);
    expect(&r, "wsl", LS_FINDING_MISSING, "no OpenCL there, though CUDA works", "Linux");
    expect_verdict(&r, 1);
    ls_report_free(&r);
    end();
}

Test(doctor, variables)
{
    ls_doctor_report r;
    begin();
    setenv("CUDA_VISIBLE_DEVICES", "", 1);
    setenv("RUSTICL_ENABLE", "llvmpipe", 1);
    examine(&r);
    expect(&r, "environment", LS_FINDING_MISSING, "hides every GPU", "unset CUDA_VISIBLE_DEVICES");
    expect(&r, "environment", LS_FINDING_NOTE, "llvmpipe", "");
    expect_verdict(&r, 1);
    ls_report_free(&r);
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("RUSTICL_ENABLE");
    setenv("OCL_ICD_VENDORS", "/of/another/machine", 1);
    examine(&r);
    expect(&r, "environment", LS_FINDING_BROKEN, "does not exist", "unset OCL_ICD_VENDORS");
    expect_verdict(&r, 2);
    ls_report_free(&r);
    end();
}

Test(doctor, unknown_device)
{
    ls_doctor_report r;
    ls_error err;
    begin();
    const ls_doctor_request request = {.root = root, .device = "nonesuch"};
    cr_assert_eq(ls_doctor(&request, &r, &err), LS_OK);
    expect(&r, "devices", LS_FINDING_BROKEN, "no device has that", "lockstep devices");
    expect_verdict(&r, 2);
    ls_report_free(&r);
    end();
}

/* What the exit status is made of. */
Test(doctor, verdict)
{
    ls_doctor_report r = {0};
    ls_doctor_device devices[2] = {{.usable = true, .info.kind = "cpu"}, {.info.kind = "gpu"}};
    ls_report_add(&r, "a", LS_FINDING_OK);
    ls_report_add(&r, "b", LS_FINDING_MISSING);
    r.device = devices, r.devices = 2;
    cr_expect_eq(ls_report_verdict(&r), 1);
    devices[1].usable = true;
    cr_expect_eq(ls_report_verdict(&r), 0);
    ls_report_add(&r, "c", LS_FINDING_NOTE);
    cr_expect_eq(ls_report_verdict(&r), 0);
    ls_report_add(&r, "d", LS_FINDING_BROKEN);
    cr_expect_eq(ls_report_verdict(&r), 2);
    r.device = NULL;
    ls_report_free(&r);
}
#else
Test(doctor, needs_opencl) { cr_skip_test("this build has no OpenCL, no helper or no program"); }
#endif
