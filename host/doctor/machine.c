/* SPDX-License-Identifier: MIT */
#include "host/doctor/machine.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *const ls_vendor_names[LS_VENDOR_COUNT] = {"NVIDIA", "AMD", "Intel"};

/* ---- Files ----------------------------------------------------------------------------------- */

bool ls_machine_path(const ls_machine *m, const char *path, char out[512])
{
    size_t root = strlen(m->root);
    bool under = root && !strncmp(path, m->root, root) && path[root] == '/';
    int n = snprintf(out, 512, "%s%s", under ? "" : m->root, path);
    return n > 0 && n < 512;
}

bool ls_machine_read(const ls_machine *m, const char *path, char *text, size_t size)
{
    char full[512];
    errno = ENAMETOOLONG;
    /* not blocking: a pipe could be in a file's place */
    int file = ls_machine_path(m, path, full) ? open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (file < 0) return false;
    ssize_t n = read(file, text, size - 1);
    int code = errno;
    close(file);
    errno = code;
    if (n < 0) return false;
    text[n] = 0;
    return true;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static bool fits(const char *name, const char *begin, const char *end)
{
    size_t n = strlen(name), tail = strlen(end);
    return *name != '.' && !strncmp(name, begin, strlen(begin)) && n >= tail && n < 256 &&
           !strcmp(name + n - tail, end);
}

size_t ls_machine_list(const ls_machine *m, const char *folder, const char *begin, const char *end,
                       ls_seen_names *out)
{
    char path[512];
    size_t count = 0;
    DIR *dir = ls_machine_path(m, folder, path) ? opendir(path) : NULL;
    if (!dir) return 0;
    for (struct dirent *entry; (entry = readdir(dir)) && count < LS_SEEN_MOST;)
        if (fits(entry->d_name, begin, end))
            snprintf(out->name[count++], sizeof *out->name, "%s", entry->d_name);
    closedir(dir);
    qsort(out->name, count, sizeof *out->name, by_name);
    return count;
}

bool ls_machine_library(const ls_machine *m, const char *name, char out[512])
{
    static const char *const folders[] = {"/usr/local/lib",
                                          "/usr/lib/x86_64-linux-gnu",
                                          "/usr/lib/aarch64-linux-gnu",
                                          "/usr/lib64",
                                          "/lib/x86_64-linux-gnu",
                                          "/lib64",
                                          "/usr/lib/nvidia",
                                          "/usr/lib",
                                          "/lib"};
    char path[300];
    for (size_t i = 0; i < COUNT(folders); i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folders[i], name);
        if (n < (int)sizeof path && ls_machine_path(m, path, out) && access(out, F_OK) == 0)
            return true;
    }
    return false;
}

/* ---- The system ------------------------------------------------------------------------------ */

static const struct {
    const char *id;
    ls_family family;
} families[] = {
    {"ubuntu", LS_FAMILY_UBUNTU}, {"linuxmint", LS_FAMILY_UBUNTU}, {"pop", LS_FAMILY_UBUNTU},
    {"debian", LS_FAMILY_DEBIAN}, {"arch", LS_FAMILY_ARCH},        {"manjaro", LS_FAMILY_ARCH},
    {"fedora", LS_FAMILY_FEDORA}, {"rhel", LS_FAMILY_FEDORA},      {"centos", LS_FAMILY_FEDORA},
    {"suse", LS_FAMILY_SUSE},     {"opensuse", LS_FAMILY_SUSE},
};

/* The family of the first word of a list that is known: ID_LIKE names the nearest relation first.
 */
static ls_family family_of(char *words)
{
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        for (size_t i = 0; i < COUNT(families); i++)
            if (!strncmp(word, families[i].id, strlen(families[i].id))) return families[i].family;
    return LS_FAMILY_OTHER;
}

/* The value of a line NAME=value, without quotes, or NULL. */
static char *value_of(char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(line, name, n) != 0 || line[n] != '=') return NULL;
    char *value = line + n + 1, *end = value + strlen(value);
    if (end - value >= 2 && strchr("\"'", *value) && end[-1] == *value) {
        end[-1] = 0;
        value++;
    }
    return value;
}

static void see_distribution(ls_machine *m)
{
    char text[4096], *rest = NULL, *value;
    ls_family like = LS_FAMILY_OTHER;
    if (!ls_machine_read(m, "/etc/os-release", text, sizeof text) &&
        !ls_machine_read(m, "/usr/lib/os-release", text, sizeof text))
        return;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if ((value = value_of(line, "PRETTY_NAME")))
            snprintf(m->distribution, sizeof m->distribution, "%.63s", value);
        else if ((value = value_of(line, "ID"))) m->family = family_of(value);
        else if ((value = value_of(line, "ID_LIKE"))) like = family_of(value);
    }
    if (m->family == LS_FAMILY_OTHER) m->family = like;
}

static bool is_there(const ls_machine *m, const char *path)
{
    char full[512];
    return ls_machine_path(m, path, full) && access(full, F_OK) == 0;
}

static void see_surroundings(ls_machine *m)
{
    char version[512];
    if (ls_machine_read(m, "/proc/version", version, sizeof version))
        m->wsl = strcasestr(version, "microsoft") || strstr(version, "WSL");
    m->container = is_there(m, "/.dockerenv") || is_there(m, "/run/.containerenv") ||
                   is_there(m, "/run/systemd/container");
    m->service = getenv("INVOCATION_ID") != NULL;
}

/* ---- GPUs ------------------------------------------------------------------------------------ */

static bool read_number(const ls_machine *m, const char *slot, const char *what, unsigned long *out)
{
    char path[400], text[32];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", slot, what);
    if (!ls_machine_read(m, path, text, sizeof text)) return false;
    *out = strtoul(text, NULL, 16);
    return true;
}

static void see_driver(const ls_machine *m, ls_seen_gpu *gpu)
{
    char path[128], full[512], target[512];
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/driver", gpu->slot);
    ssize_t n = ls_machine_path(m, path, full) ? readlink(full, target, sizeof target - 1) : -1;
    if (n <= 0) return;
    target[n] = 0;
    const char *name = strrchr(target, '/');
    snprintf(gpu->driver, sizeof gpu->driver, "%.31s", name ? name + 1 : target);
}

/* Display controllers and accelerators of those who make GPUs; graphics of virtual machines and of
 * servers' management compute nothing. */
static void see_gpus(ls_machine *m)
{
    static const unsigned long makers[LS_VENDOR_COUNT] = {0x10de, 0x1002, 0x8086};
    ls_seen_names *all = malloc(sizeof *all);
    size_t count = all ? ls_machine_list(m, "/sys/bus/pci/devices", "", "", all) : 0;
    for (size_t i = 0; i < count; i++) {
        unsigned long class, vendor;
        if (!read_number(m, all->name[i], "class", &class) ||
            !read_number(m, all->name[i], "vendor", &vendor) ||
            (class >> 16 != 0x03 && class >> 8 != 0x1200))
            continue;
        for (int v = 0; v < LS_VENDOR_COUNT; v++) {
            if (makers[v] != vendor || m->gpus == LS_SEEN_MOST) continue;
            ls_seen_gpu *gpu = &m->gpu[m->gpus++];
            gpu->vendor = (ls_vendor)v;
            snprintf(gpu->slot, sizeof gpu->slot, "%.31s", all->name[i]);
            see_driver(m, gpu);
        }
    }
    free(all);
}

/* ---- Device files ---------------------------------------------------------------------------- */

/* The name of a group in the root's own list. */
static void name_group(const ls_machine *m, gid_t id, char out[64])
{
    char *text = malloc(65536), *rest = NULL;
    snprintf(out, 64, "%u", (unsigned)id);
    if (text && ls_machine_read(m, "/etc/group", text, 65536))
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            char *colon = strchr(line, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
            if (!second || strtoul(second + 1, NULL, 10) != id) continue;
            snprintf(out, 64, "%.*s", (int)(colon - line < 63 ? colon - line : 63), line);
            break;
        }
    free(text);
}

static void see_node(ls_machine *m, const char *folder, const char *name)
{
    char full[512];
    struct stat state;
    if (m->nodes == LS_SEEN_MOST) return;
    ls_seen_node *node = &m->node[m->nodes];
    snprintf(node->path, sizeof node->path, "%.20s/%.40s", folder, name);
    if (!ls_machine_path(m, node->path, full) || stat(full, &state) != 0) return;
    node->allowed = faccessat(AT_FDCWD, full, R_OK | W_OK, AT_EACCESS) == 0;
    name_group(m, state.st_gid, node->group);
    m->nodes++;
}

/* Of NVIDIA's files, those that computing opens. */
static bool is_for_programs(const char *name)
{
    const char *number = name + strlen("nvidia");
    if (strncmp(name, "nvidia", strlen("nvidia")) != 0) return true;
    return !strcmp(number, "ctl") || !strcmp(number, "-uvm") ||
           (*number && strspn(number, "0123456789") == strlen(number));
}

static void see_nodes(ls_machine *m)
{
    static const char *const places[][2] = {
        {"/dev/dri", "renderD"}, {"/dev", "kfd"}, {"/dev", "nvidia"}, {"/dev", "dxg"}};
    ls_seen_names *all = malloc(sizeof *all);
    for (size_t i = 0; all && i < COUNT(places); i++) {
        size_t count = ls_machine_list(m, places[i][0], places[i][1], "", all);
        for (size_t k = 0; k < count; k++)
            if (is_for_programs(all->name[k])) see_node(m, places[i][0], all->name[k]);
    }
    free(all);
}

void ls_machine_see(ls_machine *m, const char *root)
{
    *m = (ls_machine){.family = LS_FAMILY_OTHER};
    snprintf(m->root, sizeof m->root, "%s", root);
    see_distribution(m);
    see_surroundings(m);
    see_gpus(m);
    see_nodes(m);
}

bool ls_machine_has_node(const ls_machine *m, const char *prefix)
{
    for (size_t i = 0; i < m->nodes; i++)
        if (!strncmp(m->node[i].path, prefix, strlen(prefix))) return true;
    return false;
}

bool ls_machine_has_gpu(const ls_machine *m, ls_vendor vendor)
{
    for (size_t i = 0; i < m->gpus; i++)
        if (m->gpu[i].vendor == vendor) return true;
    return false;
}
