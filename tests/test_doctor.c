/* SPDX-License-Identifier: MIT */
/* lockstep doctor: machines with every fault that it knows, made of files under a folder, and the
 * devices of this one. */
#include <criterion/criterion.h>
#if defined(LS_OPENCL) && defined(LS_PROGRAM) && defined(LS_HELPER)
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core_cpu/cpu.h"
#include "host/device/catalogue.h"
#include "host/doctor/doctor.h"
#include "host/doctor/machine.h"
#include "host/opencl/check_shapes.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_memory.h"
#include "host/opencl/cl_program.h"
#include "tests/support/program.h"

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
            cr_expect_str_not_empty(f->tried);
            return;
        }
    }
    cr_expect_fail("no %s finding on %s has '%s' and '%s':%s", ls_finding_name(status), check,
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
        setenv("LOCKSTEP_HELPER_SECONDS", "0.4", 1);
        examine(&r);
        expect(&r, "drivers", LS_FINDING_BROKEN, drivers[i].found, "dpkg -S");
        expect_verdict(&r, 2);
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

/* ---- The devices of this machine ------------------------------------------------------------- */

/* The first OpenCL device, or the test is skipped. */
static ls_device_info first_device(void)
{
    ls_catalogue c;
    ls_error err;
    cr_assert_eq(ls_catalogue_open(&c, true, 0, &err), LS_OK, "%s", err.message);
    bool any = c.count > 1;
    ls_device_info info = c.info[any];
    ls_catalogue_close(&c);
    if (!any && getenv("LOCKSTEP_REQUIRE_OPENCL")) cr_assert_fail("no OpenCL device");
    if (!any) cr_skip_test("no OpenCL device");
    return info;
}

static json_t *find(json_t *list, const char *tried, const char *found)
{
    size_t i;
    json_t *f;
    json_array_foreach(list, i,
                       f) if (strstr(json_string_value(json_object_get(f, "tried")), tried) &&
                              strstr(json_string_value(json_object_get(f, "found")),
                                     found)) return f;
    return NULL;
}

static void expect_status(json_t *list, const char *tried, const char *found, const char *status)
{
    json_t *f = find(list, tried, found);
    cr_assert(f, "no finding on '%s' with '%s'", tried, found);
    cr_expect_str_eq(json_string_value(json_object_get(f, "status")), status);
    bool good = !strcmp(status, "ok") || !strcmp(status, "note");
    cr_expect_eq(json_is_true(json_object_get(f, "ok")), good);
}

/* On a machine whose devices are PoCL's: all kernels right, no GPU. A failure that is remembered is
 * forgotten. */
Test(doctor, devices_of_this_machine, .timeout = 900)
{
    char why[256];
    begin();
    const ls_device_info info = first_device();
    ls_catalogue_note_failure(&info, "the test says that it has failed");
    cr_assert(ls_catalogue_failure(&info, why));
    char *text = runs_program_expect("doctor --json --device 1", strcmp(info.kind, "gpu") ? 1 : 0);
    json_t *report = program_parse(text, "doctor --json");
    json_t *checks = json_object_get(report, "checks"),
           *devices = json_object_get(report, "devices"), *device = json_array_get(devices, 1);
    expect_status(checks, "small program", "it runs", "ok");
    expect_status(checks, "patterns", "MiB are right", "ok");
    expect_status(checks, "bit by bit", "the same in all", "ok");
    expect_status(checks, "timing", "a launch", "ok");
    expect_status(checks, "in earlier runs", "chosen again", "note");
    cr_expect(!ls_catalogue_failure(&info, why), "%s", why);
    cr_expect(json_is_true(json_object_get(device, "usable")));
    cr_expect(json_number_value(json_object_get(device, "download_bytes_per_second")) > 0);
    cr_expect_eq(json_integer_value(json_object_get(device, "memory_wrong_words")), 0);
    cr_expect(json_integer_value(json_object_get(device, "parts")) > 15);
    json_decref(report);
    free(text);
    end();
}

/* A driver that crashes on memory, and gives wrong bits in one way of running steps and with stored
 * tiles. */
Test(doctor, faulty_device, .timeout = 900)
{
    ls_cl_verdict v;
    char why[256], tiles[LS_CL_PATH];
    begin();
    const ls_device_info info = first_device();
    ls_catalogue_note_failure(&info, "the test says that it has failed");
    setenv("LOCKSTEP_HELPER", LS_FAULTY_HELPER, 1);
    setenv("HELPER_FAULT", "abort memory", 1);
    setenv("HELPER_WRONG", "awkward shapes, small", 1);
    ls_cl_cache_path(&info, "tiles", tiles, true);
    runs_file_write(tiles, "no tile\n", 8);
    setenv("HELPER_TILES", tiles, 1);
    char *text = runs_program_expect("doctor --json --device 1", 2);
    json_t *report = program_parse(text, "doctor --json");
    json_t *checks = json_object_get(report, "checks");
    expect_status(checks, "small program", "the driver crashes (Aborted)", "broken");
    expect_status(checks, "bit by bit", "the same in all", "ok");
    expect_status(checks, "putting aside", "'small' of running steps: the test", "note");
    expect_status(checks, "putting aside", "tune has stored: the test", "note");
    cr_expect_neq(access(tiles, F_OK), 0);
    expect_status(checks, "in earlier runs", "not chosen until", "broken");
    json_t *device = json_array_get(json_object_get(report, "devices"), 1);
    cr_expect(json_is_false(json_object_get(device, "usable")));
    cr_expect(ls_catalogue_failure(&info, why), "it has not worked, and stays put aside");
    cr_assert(ls_cl_recall_verdict(&info, &v));
    cr_expect_eq(v.judgement, LS_CL_EXACT);
    cr_expect(strstr(v.way_out[LS_CL_WAY_SMALL], "the test"), "%s", v.way_out[LS_CL_WAY_SMALL]);
    json_decref(report);
    free(text);
    end();
}

/* ---- Awkward shapes -------------------------------------------------------------------------- */

static const ls_backend_slots *good;

static ls_status read_wrong(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            float *to, ls_error *err)
{
    ls_status status = good->read(workspace, member, at, count, to, err);
    if (count) to[count - 1] = nextafterf(to[count - 1], 1.0f);
    return status;
}

static ls_cl_found *found;

static ls_cl_device *open_here(ls_cl_api *cl)
{
    ls_cl_device *d;
    ls_error err;
    size_t count = 0;
    char note[256];
    first_device();
    cr_assert_eq(ls_cl_api_open(cl, &err), LS_OK);
    cr_assert_eq(ls_cl_find(cl, &found, &count, note, &err), LS_OK);
    cr_assert_eq(ls_cl_backend_create(cl, &found[0], LS_CL_COPIES_PLAIN, &d, &err), LS_OK);
    return d;
}

static void close_here(ls_cl_device *d)
{
    ls_cl_backend_close(&d->base);
    free(found);
}

/* One float off by one unit in the last place is noticed in each shape and each form. */
Test(doctor, shapes_find_a_fault, .timeout = 900)
{
    ls_cl_api cl;
    ls_error err;
    ls_backend *cpu;
    begin();
    ls_cl_device *d = open_here(&cl);
    cr_assert_eq(ls_cl_build_kernels(d, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK);
    good = d->base.slots;
    ls_backend_slots faulty = *good;
    faulty.read = read_wrong;
    d->base.slots = &faulty;
    for (size_t i = 0; i < ls_check_shape_count() + ls_check_image_shape_count(); i++) {
        char reason[256] = "";
        cr_expect_eq(ls_check_shapes(d, cpu, LS_CL_WAY_LAYERED, i, 1, reason, &err), LS_OK, "%s",
                     err.message);
        cr_expect(strstr(reason, "other weights") && strchr(reason, '('), "%zu: '%s'", i, reason);
    }
    for (int form = 0; form < LS_FORM_COUNT; form++) {
        char reason[256] = "";
        cr_expect_eq(ls_check_products(d, cpu, (ls_form)form, reason, &err), LS_OK);
        cr_expect(strstr(reason, "1 x 1 over 1"), "%s", reason);
    }
    d->base.slots = good;
    cpu->slots->close(cpu);
    close_here(d);
    end();
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static ls_cl_api real;
static size_t reads, bad_read; /* the read-back in which a bit is flipped; from 1 */

static cl_int read_with_fault(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t at,
                              size_t size, void *to, cl_uint n, const cl_event *list,
                              cl_event *event)
{
    cl_int code = real.clEnqueueReadBuffer(queue, buffer, blocking, at, size, to, n, list, event);
    if (++reads == bad_read) ((unsigned char *)to)[size / 2] ^= 16;
    return code;
}

static cl_int fail_to_build(cl_program program, cl_uint count, const cl_device_id *list,
                            const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                            void *user)
{
    (void)program, (void)count, (void)list, (void)options, (void)notify, (void)user;
    return CL_BUILD_PROGRAM_FAILURE;
}

static void expect_build_failure(ls_cl_device *d)
{
    ls_memory_report m;
    d->cl.clBuildProgram = fail_to_build;
    ls_cl_memory_check(d, &m);
    cr_expect(strstr(m.failed, "does not build"), "%s", m.failed);
    cr_expect(strstr(m.log, "CL_BUILD_PROGRAM_FAILURE") && !strchr(m.log, '\n'), "%s", m.log);
}

/* A bit that is flipped in any of the read-backs is noticed. */
Test(doctor, memory_faults, .timeout = 300)
{
    begin();
    ls_cl_device *d = open_here(&real);
    d->info.memory = 64 << 20; /* to take a moment only */
    d->cl.clEnqueueReadBuffer = read_with_fault;
    size_t all = 1;
    for (bad_read = 0; bad_read <= all; bad_read++) {
        ls_memory_report m;
        reads = 0;
        ls_cl_memory_check(d, &m);
        cr_assert_str_empty(m.failed, "%s", m.failed);
        cr_expect_eq(m.wrong > 0, bad_read > 0, "read %zu of %zu", bad_read, all);
        cr_expect_eq(m.tried, 4 << 20);
        if (!bad_read) all = reads;
    }
    cr_expect(all >= 8, "%zu", all); /* four turns there and back, and two patterns */
    expect_build_failure(d);
    close_here(d);
    end();
}
#else
Test(doctor, needs_opencl) { cr_skip_test("this build has no OpenCL, no helper or no program"); }
#endif
