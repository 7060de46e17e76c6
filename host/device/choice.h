/* SPDX-License-Identifier: MIT */
/* What `--device auto` and `--threads 0` choose from, and how. All candidates give the same bits,
 * so they are measured on the run itself: members begin on the CPU path. If the run is long enough
 * to pay for it, they spend some tens of milliseconds on each other candidate, continuing their
 * training, and then stay on the fastest. OpenCL devices are found and opened beside the training
 * (opener.h).
 *
 * A pass takes up the candidates one after the other. These are its states and the events that
 * change them; members work on the best candidate except where CANDIDATE is noted:
 *
 *   WATCHING              devices are not known yet            -> FINDING
 *                         the next candidate is not open yet   -> OPENING
 *                         the next candidate is open           -> MEASURING
 *                         no candidate is left                 -> DECIDED
 *   FINDING               the list of devices is there         -> WATCHING
 *   OPENING               the candidate is open, or has failed -> WATCHING
 *   MEASURING             CANDIDATE is much faster, or slower  -> WATCHING, next candidate
 *                         CANDIDATE is a little faster         -> CONFIRMING_BEST
 *   CONFIRMING_BEST       the best is as fast after all        -> WATCHING, next candidate
 *                         the best is still slower             -> CONFIRMING_CANDIDATE
 *   CONFIRMING_CANDIDATE  CANDIDATE was measured once more     -> WATCHING, next candidate
 *   DECIDED               the workload has changed             -> WATCHING, first candidate
 *
 * A candidate that fails, and the end of a run, lead from the three states of a measurement back to
 * WATCHING. Nothing begins in WATCHING until the best was sampled twice and the run is known to be
 * long enough. */
#ifndef LS_CHOICE_H
#define LS_CHOICE_H

#include "host/device/opener.h"

typedef enum {
    LS_CANDIDATE_FOUND,     /* known to be exact */
    LS_CANDIDATE_UNCHECKED, /* never used before: opening includes the self-check (seconds) */
    LS_CANDIDATE_OPEN,
    LS_CANDIDATE_OUT /* failed, or approximate */
} ls_candidate_state;

typedef struct {
    ls_candidate_state state;
    ls_device_info info;
    ls_backend *backend; /* NULL until it is open */
    unsigned threads;    /* number of threads if this is the CPU path; 0 for other devices */
    double pace;         /* seconds per unit of cost, measured in this pass; 0 if not measured */
    ls_device_timing timing; /* what ls_device_timings reports */
} ls_candidate;

/* Remaining work, in units of estimated cost; candidates differ in the seconds that a unit takes
 * them. */
typedef struct {
    size_t members;     /* at work */
    double step;        /* cost of one step of each of them */
    double left;        /* cost of all that this call is to do */
    ls_example example; /* the costliest network */
} ls_workload;

/* Seconds of training that must remain before candidates are measured. */
typedef struct {
    double threads;   /* for other numbers of threads of the CPU path */
    double devices;   /* for devices that are known to be exact */
    double unchecked; /* for devices that need the self-check first */
    double left;      /* for anything: seconds that must remain of the present call */
} ls_choice_patience;

typedef enum {
    LS_CHOICE_WATCHING,
    LS_CHOICE_FINDING,
    LS_CHOICE_OPENING,
    LS_CHOICE_MEASURING,
    LS_CHOICE_CONFIRMING_BEST,
    LS_CHOICE_CONFIRMING_CANDIDATE,
    LS_CHOICE_DECIDED
} ls_choice_state;

enum { LS_CHOICE_SAMPLES = 64, LS_CHOICE_MOST = 80 };

typedef struct ls_choice {
    ls_device *device; /* its info and backend are those of the best candidate */
    ls_opener *opener; /* NULL if OpenCL devices are not wanted */
    ls_candidate list[LS_CHOICE_MOST];
    size_t count;
    unsigned threads; /* most that the CPU path uses */
    bool discovered;  /* no further candidates will be found */
    ls_choice_patience patience;

    ls_choice_state state;
    size_t best;            /* the fastest candidate known */
    size_t next;            /* the candidate that the pass has come to */
    ls_workload decided_on; /* what the pass was begun for */
    double spent;           /* seconds of work since the last pass ended */
    double lost; /* seconds that choosing cost: on other candidates, beyond what the best would have
                    needed, and for moving members between devices */

    /* Rounds are gathered until they make a sample. */
    double sample_seconds, sample_cost;
    /* Paces of the latest samples of the best, a ring. */
    double best_pace[LS_CHOICE_SAMPLES];
    size_t best_samples; /* ever taken */

    /* The measurement of candidate `next`; see MEASURING and CONFIRMING_... */
    unsigned rounds;       /* begun on it */
    size_t measured;       /* samples taken, of the candidate or of the best that is confirmed */
    double least_pace;     /* of the candidate's samples */
    double longest_sample; /* seconds */
} ls_choice;

/* threads: of the CPU path; 0 chooses among up to all cores. opencl: chooses among devices, too.
 * *out is NULL if there is nothing to choose. The first candidate is the device's backend: the CPU
 * path, with all its threads. */
ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
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
/* A candidate failed. The first one can fail only while another one is the best. Returns the
 * candidate that goes on. */
size_t ls_choice_failed(ls_choice *choice, size_t candidate, const char *why);
/* The rounds are over: a measurement under way has no result. */
void ls_choice_end(ls_choice *choice);
/* Whether rounds should be short at present. */
bool ls_choice_is_measuring(const ls_choice *choice);

/* Adds a candidate that is open; false if there is no room for it. */
bool ls_choice_add(ls_choice *choice, const ls_device_info *info, ls_backend *backend,
                   unsigned threads);

#endif
