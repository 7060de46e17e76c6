/* SPDX-License-Identifier: MIT */
/* The table of backends: a new one (a remote device, another GPU interface) is a row here. */
#ifndef LS_BACKENDS_H
#define LS_BACKENDS_H

#include "host/network/backend.h"
#include "host/network/device_speed.h"
#include "host/network/examination.h"
#include <stdatomic.h>

/* How the devices of a backend are found, opened and tuned. */
typedef struct {
    const char *name;
    /* Starts looking for devices without waiting for drivers; NULL if there is nothing to start.
     * *search is the backend's own and passed to the functions below; it may stay NULL if memory
     * runs out. stop: NULL, or a flag that outlives the search: once it is true, finding, checking
     * and opening devices fails within a second, and so do calls of the devices that were opened
     * (until `heed` says otherwise). */
    void (*begin)(const atomic_bool *stop, void **search);
    /* Lists the devices found, on any thread; the caller frees *list. `threads` is the number of
     * CPU threads asked for, 0: one per usable core. note: why there is no device, "" before the
     * call. */
    ls_status (*finish)(void *search, unsigned threads, ls_device_info **list, size_t *count,
                        char note[256], ls_error *err);
    /* Completes info->exact and info->reason without opening the device; false if the verdict is
     * not known yet. NULL if finish knows all verdicts. */
    bool (*recall)(ls_device_info *info);
    /* What is remembered of this machine without asking drivers: the devices found last, guesses of
     * their speed (zeros if there is none), and the seconds that the search took. False if nothing
     * is. The caller frees both arrays. NULL if there is nothing to remember. */
    bool (*known)(ls_device_info **list, ls_device_speed **guess, size_t *count, double *seconds);
    /* The measured speed of a device; false if it was not measured. NULL with `known`, as are: */
    bool (*speed)(const ls_device_info *info, ls_device_speed *out);
    /* a guess of the speed of the device of that number, zeros if there is none; */
    void (*guess)(const void *search, size_t number, ls_device_speed *out);
    /* and the seconds from opening a device until it had built and warmed up what a run needed, as
     * remembered (0: never) and to be remembered. */
    double (*opening)(const ls_device_info *info);
    void (*note_opening)(const ls_device_info *info, double seconds);
    /* Completes the infos of all devices in the list, by self-checks where the verdict is not
     * known. callback may be NULL. NULL if finish knows all verdicts. */
    ls_status (*judge)(void *search, ls_device_info *list, size_t count, ls_check_callback callback,
                       void *user, ls_error *err);
    /* Opens the device of that number in the list and completes its info. */
    ls_status (*open)(void *search, size_t number, unsigned threads, ls_device_info *info,
                      ls_backend **out, ls_error *err);
    /* Tries the device of that number anew, whatever is remembered of it, and completes its info.
     * NULL if there is nothing to try. */
    ls_status (*examine)(void *search, size_t number, ls_device_info *info,
                         ls_check_callback callback, void *user, ls_examination *out,
                         ls_error *err);
    /* Releases *search; open devices stay open. NULL if there is nothing to release. */
    void (*end)(void *search);

    /* Measures what suits an open device best and stores it for later runs; path, if not NULL,
     * receives the file (see ls_device_tune). NULL if there is nothing to tune. */
    ls_status (*tune)(ls_backend *backend, const ls_device_info *info, ls_tune_callback callback,
                      void *user, char *path, ls_error *err);
    /* Whether an open device is of this row. NULL without the functions below and tune. */
    bool (*owns)(const ls_backend *backend);
    /* Calls of an open device, which may take as long as a driver builds programs or hangs, fail
     * within a second once *stop is true; NULL: never. */
    void (*heed)(ls_backend *backend, const atomic_bool *stop);

    /* Remembers that a device has failed in use, until its driver changes or it is forgotten; and
     * what is remembered: false if there is nothing. NULL if devices do not fail. */
    void (*note_failure)(const ls_device_info *info, const char *why);
    bool (*failure)(const ls_device_info *info, char why[256]);
    void (*forget_failures)(const ls_device_info *info);
} ls_backend_type;

enum { LS_BACKEND_TYPES_MOST = 8 };
/* The first row is the CPU path, which has one device. */
extern const ls_backend_type ls_backend_types[];
extern const size_t ls_backend_type_count;

/* See `heed`; nothing happens if the device's row has none. */
void ls_backend_heed(ls_backend *backend, const atomic_bool *stop);

/* The row that can tune an open device; NULL if there is none. */
const ls_backend_type *ls_backend_tuner(const ls_backend *backend);

#endif
