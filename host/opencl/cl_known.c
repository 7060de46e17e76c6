/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_known.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/opencl/cl_cache.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What the list depends on ---------------------------------------------------------------- */

/* The sum of the hashes of a folder's file names that begin with `prefix`: readdir has no order. */
static uint64_t names_in(const char *folder, const char *prefix)
{
    uint64_t sum = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char hex[65];
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
        ls_sha256_of(entry->d_name, strlen(entry->d_name), hex);
        hex[16] = 0;
        sum += strtoull(hex, NULL, 16);
    }
    closedir(dir);
    return sum;
}

/* Names in hex the state of the machine that the list of devices depends on, as far as it can be
 * seen without asking a driver. */
static void machine(char hex[65])
{
    static const char *const variables[] = {
        "OCL_ICD_VENDORS",      "OCL_ICD_FILENAMES",     "OPENCL_VENDOR_PATH",
        "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",   "ROCR_VISIBLE_DEVICES",
        "GPU_DEVICE_ORDINAL",   "ZE_AFFINITY_MASK",      "RUSTICL_ENABLE",
        "POCL_DEVICES",         "NVIDIA_VISIBLE_DEVICES"};
    const char *vendors = getenv("OCL_ICD_VENDORS");
    const uint64_t names[] = {names_in("/etc/OpenCL/vendors", ""),
                              names_in(vendors ? vendors : "", ""),
                              names_in("/dev/dri", "render"),
                              names_in("/dev", "nvidia"),
                              names_in("/dev", "kfd"),
                              names_in("/dev", "mali")};
    ls_sha256 hash;
    ls_sha256_init(&hash);
    ls_sha256_update(&hash, names, sizeof names);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        ls_sha256_update(&hash, value ? value : "", value ? strlen(value) + 1 : 0);
        ls_sha256_update(&hash, "\n", 1);
    }
    ls_sha256_final(&hash, hex);
}

static void list_path(char path[LS_CL_PATH], bool make)
{
    ls_device_info key = {0};
    char hex[65];
    machine(hex);
    snprintf(key.name, sizeof key.name, "%.64s", hex);
    ls_cl_cache_path(&key, "devices", path, make);
}

/* ---- The list -------------------------------------------------------------------------------- */

typedef struct {
    ls_device_info info;
    ls_device_speed guess;
} known_device;

/* The file: this, then `count` devices. It is read by the program that wrote it, or by one with the
 * same sizes; anything else counts as no file. */
typedef struct {
    uint64_t device_size, count;
    double seconds;
} known_head;

void ls_cl_remember_found(const ls_cl_found *list, size_t count, double seconds)
{
    char path[LS_CL_PATH], *bytes;
    known_head head = {sizeof(known_device), count, seconds};
    list_path(path, true);
    if (!*path ||
        ls_alloc(&bytes, 1, sizeof head + count * sizeof(known_device), "", NULL) != LS_OK)
        return;
    memcpy(bytes, &head, sizeof head);
    for (size_t i = 0; i < count; i++) {
        char *at = bytes + sizeof head + i * sizeof(known_device);
        memcpy(at + offsetof(known_device, info), &list[i].info, sizeof list[i].info);
        memcpy(at + offsetof(known_device, guess), &list[i].guess, sizeof list[i].guess);
    }
    (void)ls_write_file(path, bytes, sizeof head + count * sizeof(known_device), NULL);
    free(bytes);
}

static bool ends(const char *text, size_t size) { return memchr(text, 0, size) != NULL; }

static bool has_texts(const ls_device_info *i)
{
    return ends(i->name, sizeof i->name) && ends(i->vendor, sizeof i->vendor) &&
           ends(i->driver, sizeof i->driver) && ends(i->platform, sizeof i->platform) &&
           ends(i->kind, sizeof i->kind) && ends(i->reason, sizeof i->reason) &&
           ends(i->version, sizeof i->version);
}

/* Takes the list out of the file's bytes. */
static bool read_list(const char *bytes, ls_device_info *list, ls_device_speed *guess, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        known_device device;
        memcpy(&device, bytes + sizeof(known_head) + i * sizeof device, sizeof device);
        if (!has_texts(&device.info)) return false;
        list[i] = device.info;
        guess[i] = device.guess;
    }
    return true;
}

static bool right_size(const char *bytes, size_t size, known_head *head)
{
    if (size < sizeof *head) return false;
    memcpy(head, bytes, sizeof *head);
    size_t rest = size - sizeof *head;
    return head->device_size == sizeof(known_device) && head->count <= rest &&
           rest == head->count * sizeof(known_device);
}

bool ls_cl_recall_found(ls_device_info **list, ls_device_speed **guess, size_t *count,
                        double *seconds)
{
    char path[LS_CL_PATH], *bytes;
    size_t size;
    known_head head;
    *list = NULL;
    *guess = NULL;
    list_path(path, false);
    if (!*path || ls_read_file(path, &bytes, &size, NULL) != LS_OK) return false;
    bool good = right_size(bytes, size, &head) &&
                ls_alloc(list, head.count, sizeof **list, "", NULL) == LS_OK &&
                ls_alloc(guess, head.count, sizeof **guess, "", NULL) == LS_OK &&
                read_list(bytes, *list, *guess, head.count);
    free(bytes);
    if (good) {
        *count = head.count;
        *seconds = head.seconds;
        return true;
    }
    free(*list);
    free(*guess);
    return false;
}

/* ---- Failures -------------------------------------------------------------------------------- */

void ls_cl_remember_failure(const ls_device_info *info, const char *why)
{
    char line[257];
    int n = snprintf(line, sizeof line, "%.254s", why);
    for (int i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ') line[i] = ' ';
    ls_cl_remember_file(info, "failed", line);
}

bool ls_cl_recall_failure(const ls_device_info *info, char why[256])
{
    char *text;
    if (!ls_cl_recall_file(info, "failed", &text)) return false;
    snprintf(why, 256, "%.255s", text);
    free(text);
    return true;
}

void ls_cl_forget_failure(const ls_device_info *info)
{
    char path[LS_CL_PATH];
    ls_cl_cache_path(info, "failed", path, false);
    if (*path) unlink(path);
}

/* ---- Opening --------------------------------------------------------------------------------- */

void ls_cl_remember_opening(const ls_device_info *info, double seconds)
{
    char path[LS_CL_PATH], text[32];
    ls_cl_cache_path(info, "opening", path, true);
    int n = snprintf(text, sizeof text, "%.0f ms\n", 1e3 * seconds);
    if (*path && n > 0) (void)ls_write_file(path, text, (size_t)n, NULL);
}

double ls_cl_recall_opening(const ls_device_info *info)
{
    char path[LS_CL_PATH], *text;
    size_t size;
    uint64_t milliseconds = 0;
    ls_cl_cache_path(info, "opening", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return 0;
    text[strcspn(text, " \n")] = 0;
    if (!ls_parse_u64(text, &milliseconds)) milliseconds = 0;
    free(text);
    return 1e-3 * (double)milliseconds;
}
