/* SPDX-License-Identifier: MIT */
#include "host/device/backends.h"
#include "host/device/cpu_path.h"
#ifdef LS_OPENCL
#include "host/opencl/opencl.h"
#else
static ls_status no_opencl(void *search, unsigned threads, ls_device_info **list, size_t *count,
                           char note[256], ls_error *err)
{
    (void)search, (void)threads, (void)list, (void)count, (void)err;
    snprintf(note, 256, "this build has no OpenCL (disabled, or its headers were missing)");
    return LS_OK;
}
#endif

const ls_backend_type ls_backend_types[] = {
    {.name = "CPU path", .finish = ls_cpu_path_finish, .open = ls_cpu_path_open},
#ifdef LS_OPENCL
    {.name = "OpenCL",
     .begin = ls_opencl_begin,
     .finish = ls_opencl_finish,
     .recall = ls_opencl_recall,
     .known = ls_opencl_known,
     .speed = ls_opencl_speed,
     .guess = ls_opencl_guess,
     .opening = ls_opencl_opening,
     .note_opening = ls_opencl_note_opening,
     .judge = ls_opencl_judge,
     .open = ls_opencl_open,
     .examine = ls_opencl_examine,
     .end = ls_opencl_end,
     .tune = ls_opencl_tune,
     .owns = ls_opencl_owns,
     .heed = ls_opencl_heed,
     .note_failure = ls_opencl_note_failure,
     .failure = ls_opencl_failure,
     .forget_failures = ls_opencl_forget_failures},
#else
    {.name = "OpenCL", .finish = no_opencl},
#endif
};
const size_t ls_backend_type_count = sizeof ls_backend_types / sizeof *ls_backend_types;
_Static_assert(sizeof ls_backend_types / sizeof *ls_backend_types <= LS_BACKEND_TYPES_MOST,
               "a catalogue has room for the searches of all backends");

void ls_backend_heed(ls_backend *backend, const atomic_bool *stop)
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].heed && ls_backend_types[i].owns(backend))
            ls_backend_types[i].heed(backend, stop);
}

const ls_backend_type *ls_backend_tuner(const ls_backend *backend)
{
    for (size_t i = 0; i < ls_backend_type_count; i++)
        if (ls_backend_types[i].tune && ls_backend_types[i].owns(backend))
            return &ls_backend_types[i];
    return NULL;
}
