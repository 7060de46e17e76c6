/* SPDX-License-Identifier: MIT */
/* Finds and opens the devices that a choice (choice.h) measures, while the training goes on. A task
 * is begun, the caller asks periodically whether it has ended, and then takes its result. One task
 * runs at a time. Tests put an opener of their own in place of this one. */
#ifndef LS_OPENER_H
#define LS_OPENER_H

#include "host/network/backend.h"
#include "host/network/network.h"

/* A device that was found but is not open yet. */
typedef struct {
    ls_device_info info;
    bool checked; /* the self-check's verdict is known, so that opening takes milliseconds */
} ls_found_device;

/* A network like those in training. A device that is opened compiles its kernels for it. */
typedef struct {
    const ls_settings *settings; /* NULL if there is no example */
    size_t inputs;
    ls_shape shape;
    size_t rows; /* enough to fill a batch twice, if the data has them */
} ls_example;

typedef struct ls_opener ls_opener;

/* All slots are mandatory. */
typedef struct {
    /* Begins to find all devices. idle_threads: threads of this process, besides the calling one,
     * that hold no locks. */
    void (*find)(ls_opener *opener, unsigned idle_threads);
    /* Begins to open a device that was found. The example is not used after this has returned. */
    void (*open)(ls_opener *opener, const ls_device_info *device, const ls_example *example);
    /* Whether the task has ended. */
    bool (*ended)(ls_opener *opener);
    /* Result of `find`; waits for it. *list belongs to the opener, and lives until it is closed. */
    ls_status (*found)(ls_opener *opener, const ls_found_device **list, size_t *count,
                       ls_error *err);
    /* Result of `open`; waits for it. The backend belongs to the caller. *info is complete and says
     * whether the device is exact. */
    ls_status (*opened)(ls_opener *opener, ls_backend **out, ls_device_info *info, ls_error *err);
    /* No task may be running. */
    void (*close)(ls_opener *opener);
} ls_opener_slots;

/* Openers begin with this. */
struct ls_opener {
    const ls_opener_slots *slots;
};

/* An opener of the catalogue's OpenCL devices, which works on a thread of its own. */
ls_status ls_opener_create(ls_opener **out, ls_error *err);

#endif
