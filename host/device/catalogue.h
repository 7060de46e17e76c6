/* SPDX-License-Identifier: MIT */
/* All devices: entry 0 is the CPU path; those of the other backends follow, row by row of
 * ls_backend_types, each in its driver's order. */
#ifndef LS_CATALOGUE_H
#define LS_CATALOGUE_H

#include "host/device/backends.h"
#include "host/device/cpu_path.h"

/* Where an entry comes from: a row of ls_backend_types, and its number in that row's list. */
typedef struct {
    size_t type, number;
} ls_catalogue_origin;

typedef struct {
    ls_device_info *info;
    ls_catalogue_origin *origin;
    size_t count, info_room, origin_room;
    char note[256];   /* why other devices than the CPU path are missing, or "" */
    bool all;         /* look for other devices than the CPU path */
    unsigned threads; /* of the CPU path; 0: one per usable core */
    void *search[LS_BACKEND_TYPES_MOST]; /* by row of ls_backend_types */
} ls_catalogue;

/* Starts looking for devices, without waiting for drivers. stop: NULL, or a flag that outlives the
 * catalogue and ends it soon (see ls_backend_type.begin). Errors are reported by
 * ls_catalogue_finish. */
void ls_catalogue_begin(ls_catalogue *catalogue, const atomic_bool *stop);
/* Lists the devices found; may be called on another thread than ls_catalogue_begin. The catalogue
 * must be closed even if this fails. */
ls_status ls_catalogue_finish(ls_catalogue *catalogue, ls_error *err);
/* Both at once. all: other devices than the CPU path, too. On failure nothing is left to close. */
ls_status ls_catalogue_open(ls_catalogue *catalogue, bool all, unsigned threads, ls_error *err);
/* Devices that were opened stay open. */
void ls_catalogue_close(ls_catalogue *catalogue);

/* Whether the verdict on entry i is known without opening it; its info is then complete. */
bool ls_catalogue_recall(ls_catalogue *catalogue, size_t i);
/* The measured speed of entry i; false if there is none. */
bool ls_catalogue_speed(const ls_catalogue *catalogue, size_t i, ls_device_speed *out);
/* A guess of it; zeros if there is none. */
void ls_catalogue_guess(const ls_catalogue *catalogue, size_t i, ls_device_speed *out);
/* Seconds from opening entry i until it was ready for a run, as remembered (0: never). */
double ls_catalogue_opening(const ls_catalogue *catalogue, size_t i);
void ls_catalogue_note_opening(const ls_catalogue *catalogue, size_t i, double seconds);
/* Completes the infos of all entries, by self-checks where the verdict is not known. callback may
 * be NULL. */
ls_status ls_catalogue_judge(ls_catalogue *catalogue, ls_check_callback callback, void *user,
                             ls_error *err);
/* Tries entry i anew, whatever is remembered of it. Fails with LS_ERR_UNSUPPORTED for one that has
 * nothing to try. callback may be NULL. */
ls_status ls_catalogue_examine(ls_catalogue *catalogue, size_t i, ls_check_callback callback,
                               void *user, ls_examination *out, ls_error *err);
/* The entry with that number, or the only one but the CPU path whose name, platform or vendor
 * contains `spec`. */
ls_status ls_catalogue_choose(const ls_catalogue *catalogue, const char *spec, size_t *out,
                              ls_error *err);
/* Opens entry i and completes its info, by a self-check if the verdict is not known. */
ls_status ls_catalogue_start(ls_catalogue *catalogue, size_t i, ls_backend **out, ls_error *err);

/* Devices that have failed in use; see ls_backend_type. */
void ls_catalogue_note_failure(const ls_device_info *info, const char *why);
bool ls_catalogue_failure(const ls_device_info *info, char why[256]);
void ls_catalogue_forget_failures(const ls_device_info *info);

/* A device, and what is remembered of it. */
typedef struct {
    ls_device_info info;
    bool checked;          /* the self-check's verdict is known, so that opening takes no seconds */
    bool measured;         /* the speed was measured; otherwise it is a guess, or all zeros */
    ls_device_speed speed; /* */
    double opening;        /* seconds that opening took last; 0 if unknown */
    char failed[256];      /* how it has failed in use, or "": not to be chosen then */
} ls_known_device;

/* The devices besides the CPU path that the last search on this machine has found, and the seconds
 * that it took, without asking any driver. False if that is not known. *list is freed with free().
 */
bool ls_catalogue_known(ls_known_device **list, size_t *count, double *seconds);

#endif
