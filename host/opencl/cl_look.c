/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_look.h"
#include "host/opencl/cl_api.h"
#include "host/opencl/cl_helper.h"
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static const double look_seconds = 20;

/* The functions with which every driver's platforms begin (cl_khr_icd). */
typedef struct {
    __typeof__(&clGetPlatformIDs) get_platforms;
    __typeof__(&clGetPlatformInfo) get_info;
    __typeof__(&clGetDeviceIDs) get_devices;
} dispatch;

static void *function(void *library, const char *name)
{
    void *(*extension)(const char *);
    void *found = dlsym(library, name);
    *(void **)&extension = dlsym(library, "clGetExtensionFunctionAddress");
    return found || !extension ? found : extension(name);
}

static unsigned devices_of(const dispatch *table, cl_platform_id platform, cl_device_type type)
{
    cl_uint n = 0;
    return table->get_devices(platform, type, 0, NULL, &n) == CL_SUCCESS ? n : 0;
}

static void look_at_platforms(__typeof__(&clGetPlatformIDs) list, ls_driver_look *out)
{
    cl_platform_id platform[LS_LOOK_PLATFORMS];
    cl_uint count = 0;
    out->code = list(LS_LOOK_PLATFORMS, platform, &count);
    if (out->code != CL_SUCCESS) return;
    if (count > LS_LOOK_PLATFORMS) count = LS_LOOK_PLATFORMS;
    for (cl_uint i = 0; i < count; i++) {
        const dispatch *table = *(dispatch **)platform[i];
        char *name = out->platform[i].name;
        if (!table || table->get_info(platform[i], CL_PLATFORM_NAME,
                                      sizeof out->platform[i].name - 1, name, NULL) != CL_SUCCESS)
            strcpy(name, "a platform without a name");
        if (table) out->platform[i].devices = devices_of(table, platform[i], CL_DEVICE_TYPE_ALL);
        if (table) out->platform[i].gpus = devices_of(table, platform[i], CL_DEVICE_TYPE_GPU);
    }
    out->platforms = count;
}

void ls_cl_look(const char *name, ls_driver_look *out)
{
    struct link_map *map = NULL;
    __typeof__(&clGetPlatformIDs) list;
    memset(out, 0, sizeof *out); /* padding, too: its bytes are sent */
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *message = dlerror();
        snprintf(out->message, sizeof out->message, "%s", message ? message : "unknown");
        return;
    }
    out->opened = true;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map)
        snprintf(out->file, sizeof out->file, "%s", map->l_name);
    *(void **)&list = function(library, "clIcdGetPlatformIDsKHR");
    out->loader = dlsym(library, "clGetPlatformIDs") != NULL;
    out->driver = list != NULL;
    if (list) look_at_platforms(list, out);
}

/* ---- In a helper ----------------------------------------------------------------------------- */

static bool ask(ls_cl_helper *h, const char *library, ls_driver_look *out, ls_helper_failure *f)
{
    const double limit = ls_cl_helper_limit();
    ls_message_kind kind;
    char *bytes;
    size_t size;
    if (!ls_cl_helper_tell(h, LS_MESSAGE_LOOK, library, strlen(library) + 1, f) ||
        !ls_cl_helper_hear(h, limit < look_seconds ? limit : look_seconds, &kind, &bytes, &size, f))
        return false;
    bool good = kind == LS_MESSAGE_LOOK && size == sizeof *out;
    if (good) memcpy(out, bytes, sizeof *out);
    free(bytes);
    if (good && out->platforms <= LS_LOOK_PLATFORMS) return true;
    ls_cl_helper_distrust(h, f);
    return false;
}

bool ls_opencl_look(const char *library, ls_driver_look *out)
{
    ls_cl_helper h;
    ls_helper_failure f = {.crashed = false};
    memset(out, 0, sizeof *out);
    if (!ls_cl_helper_start(&h)) return false;
    if (ask(&h, library, out, &f)) ls_cl_helper_stop(&h);
    else {
        memset(out, 0, sizeof *out);
        snprintf(out->failed, sizeof out->failed, "%s", f.how);
    }
    out->message[sizeof out->message - 1] = out->file[sizeof out->file - 1] = 0;
    for (unsigned i = 0; i < out->platforms; i++)
        out->platform[i].name[sizeof out->platform[i].name - 1] = 0;
    return true;
}
