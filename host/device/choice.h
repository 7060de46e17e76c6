/* SPDX-License-Identifier: MIT */
/* What `--device auto` and `--threads 0` choose from, and how. All candidates give the same bits,
 * so they are measured on the run itself: members begin on the CPU path. If the run is long enough
 * to pay for it, they spend some tens of milliseconds on each other candidate, continuing their
 * training, and then stay on the fastest. OpenCL devices are found, opened and warmed up beside the
 * training (opener.h): a measurement begins when what it runs is built.
 *
 * A pass takes up each candidate when its time has come: a GPU as soon as it is expected to save
 * more than trying it costs (candidate.h), any candidate if the run is long enough (patience).
 * These are its states and the events that change them; members work on the best candidate except
 * where CANDIDATE is noted:
 *
 *   WATCHING              looking for devices pays             -> FINDING
 *                         a candidate's time has come; it is
 *                           not open, or not warm            -> OPENING
 *                           open and warm                    -> MEASURING
 *                         no candidate is left                 -> DECIDED
 *   FINDING               the list of devices is there         -> WATCHING
 *   OPENING               the candidate is open and warm, or
 *                           has failed                         -> WATCHING
 *   MEASURING             CANDIDATE is much faster, or slower  -> WATCHING, its turn is over
 *                         CANDIDATE is slower, and builds
 *                           beside its steps                   -> BUILDING
 *                         CANDIDATE is a little faster         -> CONFIRMING_BEST
 *   BUILDING              the candidate has built              -> MEASURING
 *   CONFIRMING_BEST       the best is as fast after all        -> WATCHING, its turn is over
 *                         the best is still slower             -> CONFIRMING_CANDIDATE
 *   CONFIRMING_CANDIDATE  CANDIDATE was measured once more     -> WATCHING, its turn is over
 *   DECIDED               the workload has changed             -> WATCHING, all have their turns
 *                         a GPU that disappointed may be
 *                           tried again                        -> WATCHING, its turn
 *
 * A candidate that fails, and the end of a run, lead from the four states of a measurement back to
 * WATCHING. Nothing begins in WATCHING until the best was sampled twice and the run is known to be
 * long enough.
 *
 * What is no sample of a candidate: a round during which a build ended, and its first round unless
 * that is long. It is not found slower before it has settled (some seconds without becoming
 * faster), unless that costs more than a share of the run. A GPU that was far ahead while it was
 * warmed up and is found slower is tried again after sixty times the seconds that trying it cost.
 */
#ifndef LS_CHOICE_H
#define LS_CHOICE_H

#include "host/device/candidate.h"
#include "host/device/pace.h"
#include "host/device/trial.h"

/* Seconds of training that must remain before candidates are measured, whatever is expected of
 * them. */
typedef struct {
    double threads;   /* for other numbers of threads of the CPU path, and devices that are open */
    double find;      /* for looking for devices on a machine where that was never done */
    double devices;   /* for devices that are known to be exact, and */
    double gpu;       /* for a GPU, if it is less, so many times the delay until it can be tried */
    double unchecked; /* for devices that need the self-check first */
    double left;      /* for anything: seconds that must remain of the present call */
} ls_choice_patience;

typedef enum {
    LS_CHOICE_WATCHING,
    LS_CHOICE_FINDING,
    LS_CHOICE_OPENING,
    LS_CHOICE_MEASURING,
    LS_CHOICE_BUILDING,
    LS_CHOICE_CONFIRMING_BEST,
    LS_CHOICE_CONFIRMING_CANDIDATE,
    LS_CHOICE_DECIDED
} ls_choice_state;

enum { LS_CHOICE_MOST = 80 };

typedef struct ls_choice {
    ls_device *device; /* its info and backend are those of the best candidate */
    ls_opener *opener; /* NULL if OpenCL devices are not wanted */
    ls_candidate list[LS_CHOICE_MOST];
    size_t count;
    unsigned threads;  /* most that the CPU path uses */
    unsigned cores;    /* of the machine */
    bool discovered;   /* no further candidates will be found */
    bool fixed;        /* the device was named: others are for the case that it fails */
    bool no_fallback;  /* if the best one fails, so does the work */
    char failure[360]; /* what became of a device in use that has failed, or "" */
    char note[700];    /* of ls_device_note */
    ls_choice_patience patience;

    /* What is remembered of this machine before devices are found. */
    bool asked, known;
    ls_known_device *known_device;
    size_t known_devices;
    double find_seconds;

    ls_choice_state state;
    size_t best;            /* the fastest candidate known */
    size_t next;            /* the candidate that is opened or measured */
    ls_workload decided_on; /* what the pass was begun for; without examples */
    double example_cost;    /* of the network with which `next` is warmed up */
    double spent;           /* seconds of work since the last pass ended */
    double lost; /* seconds that choosing cost: on other candidates, beyond what the best would have
                    needed, and for moving members between devices */

    ls_paces paces; /* those noted are the best's */

    ls_trial trial; /* of candidate `next`; see MEASURING, BUILDING and CONFIRMING_... */
} ls_choice;

/* threads: of the CPU path; 0 chooses among up to all cores. opencl: chooses among devices, too.
 * *out is NULL if there is nothing to choose. The first candidate is the device's backend: the CPU
 * path, with all its threads. */
ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
                           ls_error *err);
/* For an OpenCL device that was named: the first candidate is the CPU path, for the case that the
 * device fails, the second one is the device, which works until then. */
ls_status ls_choice_create_fixed(ls_device *device, unsigned threads, ls_choice **out,
                                 ls_error *err);
/* Closes all backends; waits for one that is being opened. */
void ls_choice_free(ls_choice *choice);

/* The candidate that works now. */
size_t ls_choice_at(const ls_choice *choice);
/* Before rounds with a new workload. Returns the candidate that begins: the best. */
size_t ls_choice_begin(ls_choice *choice, const ls_workload *work);
/* After a round that did `cost` units of work in `seconds`. Returns the candidate that goes on; if
 * that is not the best, it is being measured. */
size_t ls_choice_round(ls_choice *choice, const ls_workload *work, double seconds, double cost);
/* A candidate failed. The first one can fail only while another one is the best. If it was the
 * best, `failure` says so. A failure of the device (LS_ERR_DEVICE) is remembered for later runs.
 * Returns the candidate that goes on. */
size_t ls_choice_failed(ls_choice *choice, size_t candidate, const ls_error *why);
/* The rounds are over: a measurement under way has no result. */
void ls_choice_end(ls_choice *choice);
/* Whether work of that size should be passed with examples to the next ls_choice_round. */
bool ls_choice_wants_examples(const ls_choice *choice, const ls_workload *work);
/* Whether rounds should be short at present. */
bool ls_choice_is_measuring(const ls_choice *choice);

/* Whether the device in use, which has failed outside of rounds, is replaced by another one that
 * gives the same bits. */
bool ls_choice_replace(ls_device *device, const ls_error *why);

/* Adds a candidate that is open; false if there is no room for it. */
bool ls_choice_add(ls_choice *choice, const ls_device_info *info, ls_backend *backend,
                   unsigned threads);

#endif
