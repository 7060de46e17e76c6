/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_CACHE_H
#define LS_CL_CACHE_H

#include "host/include/lockstep.h"
#include "host/opencl/cl_way.h"
#include <stdbool.h>

/* Bytes of a path in the cache folder; ls_device_tune documents this size. */
enum { LS_CL_PATH = 700 };

/* Path of the file `what` about a device in the user's cache folder; the name ends with a hash of
 * the device, its driver, the versions that both report, this version and the kernels. Empty if
 * there is no such folder. make: creates the folder. */
void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[LS_CL_PATH],
                      bool make);

/* A hash of this version and all kernel sources, in hexadecimal: two programs with the same hash
 * share their files. */
void ls_cl_build_id(char id[65]);

/* A small text file about a device, with a hash of its name and contents. *text is freed by the
 * caller; a file that is missing, damaged, or another device's gives false. */
bool ls_cl_recall_file(const ls_device_info *info, const char *what, char **text);
void ls_cl_remember_file(const ls_device_info *info, const char *what, const char *text);

/* ---- The self-check's verdict ---------------------------------------------------------------- */

typedef enum {
    LS_CL_EXACT,
    LS_CL_APPROXIMATE,
    LS_CL_BROKEN, /* the driver crashes or hangs: the device must not be opened */
    LS_CL_JUDGEMENTS
} ls_cl_judgement;

typedef struct {
    ls_cl_judgement judgement;
    char reason[256];                   /* why the device is not exact, or "" */
    char way_out[LS_CL_WAY_COUNT][160]; /* why a way is not used, or "" */
    bool async_copies;                  /* the device's products were compared with these */
} ls_cl_verdict;

/* The stored verdict; false if there is none. */
bool ls_cl_recall_verdict(const ls_device_info *info, ls_cl_verdict *out);
void ls_cl_remember_verdict(const ls_device_info *info, const ls_cl_verdict *verdict);

#endif
