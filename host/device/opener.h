/* SPDX-License-Identifier: MIT */
/* Finds and opens the devices that a choice (choice.h) measures, while the training goes on. A task
 * is begun, the caller asks periodically whether it has ended, and then takes its result. One task
 * runs at a time. Tests put an opener of their own in place of this one. */
#ifndef LS_OPENER_H
#define LS_OPENER_H

#include "host/device/catalogue.h"
#include "host/device/estimate.h"
#include "host/device/warm_up.h"
#include "host/network/network.h"

/* Networks in training that are alike: a device that is opened builds and warms up what they need.
 */
typedef struct {
    const ls_settings *settings;
    size_t inputs;
    ls_shape shape;
    size_t rows;       /* enough for two batches and the smaller last one, if the data has them */
    bool weighted;     /* rows have weights */
    size_t members;    /* that are alike */
    double cost;       /* of one step of one of them, in the caller's units */
    ls_step_need need; /* of one step of one of them */
} ls_example;

enum { LS_EXAMPLES = 8 };

typedef struct ls_opener ls_opener;

/* All slots are mandatory. */
typedef struct {
    /* The devices as the last search on this machine has found them, from a small file. *list
     * belongs to the caller. False if that is not known. */
    bool (*known)(ls_opener *opener, ls_known_device **list, size_t *count, double *seconds);
    /* Begins to find all devices. idle_threads: threads of this process, besides the calling one,
     * that hold no locks. */
    void (*find)(ls_opener *opener, unsigned idle_threads);
    /* Begins to open a device that was found, and to warm it up with steps of networks like the
     * examples, costliest first, until nothing is built any more and steps become no faster.
     * backend: NULL, or the device's backend if it is open and is only to be warmed up; nobody else
     * may use that meanwhile. The examples are not used after this has returned. */
    void (*open)(ls_opener *opener, const ls_device_info *device, ls_backend *backend,
                 const ls_example *examples, size_t count);
    /* Whether the task has ended. */
    bool (*ended)(ls_opener *opener);
    /* Asks the task to end early; its result must still be taken. */
    void (*stop)(ls_opener *opener);
    /* Result of `find`; waits for it. *list belongs to the opener, and lives until it is closed. */
    ls_status (*found)(ls_opener *opener, const ls_known_device **list, size_t *count,
                       ls_error *err);
    /* Result of `open`; waits for it. The backend belongs to the caller. *info is complete and says
     * whether the device is exact. *tried: how fast it was while it was warmed up. */
    ls_status (*opened)(ls_opener *opener, ls_backend **out, ls_device_info *info,
                        ls_warm_speed *tried, ls_error *err);
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
