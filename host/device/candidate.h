/* SPDX-License-Identifier: MIT */
/* One of the devices and numbers of threads that a choice (choice.h) measures, and what can be said
 * of its speed before it is measured. */
#ifndef LS_CANDIDATE_H
#define LS_CANDIDATE_H

#include "host/device/opener.h"

typedef enum {
    LS_CANDIDATE_FOUND,     /* known to be exact */
    LS_CANDIDATE_UNCHECKED, /* never used before: opening includes the self-check (seconds) */
    LS_CANDIDATE_OPEN,
    LS_CANDIDATE_OUT /* failed, or approximate */
} ls_candidate_state;

/* Paces are seconds per unit of cost, 0 if they are not known. */
typedef struct {
    ls_candidate_state state;
    ls_device_info info;
    ls_backend *backend;   /* NULL until it is open */
    unsigned threads;      /* number of threads if this is the CPU path; 0 for other devices */
    ls_device_speed speed; /* measured earlier, or guessed; zeros if neither */
    double opening;        /* seconds that opening took last; 0 if unknown */

    /* In the pass under way. */
    bool taken;      /* its turn is over */
    bool warm;       /* it was warmed up for the networks in training */
    double tried;    /* pace while it was warmed up, beside the training, */
    size_t copies;   /* with so many copies of the costliest network */
    double estimate; /* pace that follows from its speed */
    double lost;     /* seconds that its last measurement cost */
    double pace;     /* measured */

    ls_device_timing timing; /* what ls_device_timings reports */
} ls_candidate;

/* Remaining work, in units of estimated cost; candidates differ in the seconds that a unit takes
 * them. */
typedef struct {
    size_t members;            /* at work */
    double step;               /* cost of one step of each of them */
    double left;               /* cost of all that this call is to do */
    double bytes;              /* that move when members change the device: states and rows */
    const ls_example *example; /* the costliest networks in training, that first; valid during the
                                  call that they are passed to */
    size_t examples;           /* their number; 0 if they were not asked for */
} ls_workload;

/* Whether two workloads are so alike, within this factor, that the same candidate should be the
 * fastest on both. */
bool ls_workloads_similar(const ls_workload *a, const ls_workload *b, double factor);

/* The order in which devices are taken up: GPUs before others; those that have to be checked first
 * come last. */
enum { LS_KNOWN_RANKS = 6 };
int ls_known_rank(const ls_known_device *device);

/* A candidate of a device that is known but not open. */
ls_candidate ls_candidate_of(const ls_known_device *device);

bool ls_candidate_is_gpu(const ls_candidate *candidate);
/* How far its backend is with building programs; zeros for one that is not open. */
ls_builds ls_candidate_builds(const ls_candidate *candidate);

/* Sets `estimate` for the work, if its speed is known. */
void ls_candidate_estimate(ls_candidate *candidate, const ls_workload *work);
/* The pace to be expected for `members` members: while it was warmed up, otherwise the estimate; 0
 * if neither is known. */
double ls_candidate_expected_pace(const ls_candidate *candidate, size_t members);

/* Seconds until a candidate can be tried that is found in `find` seconds, as remembered or assumed.
 */
double ls_candidate_delay(const ls_candidate *candidate, double find);
/* A GPU is tried early if it is expected to save more than finding, opening and trying it cost.
 * expected: seconds of training that remain, on the best device; its pace is `best`. cores: of the
 * machine, one of which is busy meanwhile. */
bool ls_candidate_pays(const ls_candidate *candidate, const ls_workload *work, double expected,
                       double best, double find, unsigned cores);
/* A GPU took less than this share of the best's time while it was warmed up. */
#define LS_FAR_AHEAD 0.5
bool ls_candidate_is_promising(const ls_candidate *candidate, double best);
/* It was so slow while it was warmed up that it need not be tried. */
bool ls_candidate_is_hopeless(const ls_candidate *candidate, size_t members, double best);

#endif
