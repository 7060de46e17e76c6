/* SPDX-License-Identifier: MIT */
/* What `--device auto` and `--threads 0` choose from, and how. All candidates give the same bits,
 * so they are measured on the run itself: members begin on the CPU path, and where the run is long
 * enough to pay for it they spend some tens of milliseconds on each other candidate, going on with
 * their training, and then stay on the fastest. OpenCL devices are opened by a thread beside the
 * training. */
#ifndef LS_CHOICE_H
#define LS_CHOICE_H

#include "host/device/catalogue.h"
#include "host/model/model.h"
#include <pthread.h>
#include <stdatomic.h>

typedef enum {
    LS_CANDIDATE_FOUND,     /* its verdict is known: exact */
    LS_CANDIDATE_UNCHECKED, /* never met before: the self-check comes first, and takes seconds */
    LS_CANDIDATE_OPEN,
    LS_CANDIDATE_OUT /* it failed */
} ls_candidate_state;

typedef struct {
    ls_candidate_state state;
    ls_device_info info;
    ls_backend *backend;   /* NULL until it is open */
    unsigned threads;      /* of the CPU path, how many it uses; 0: another device */
    double pace;           /* seconds a unit of cost took, measured in this pass; 0: not measured */
    ls_device_trial trial; /* what is told of it */
} ls_candidate;

/* What there is to do, in units of estimated cost; candidates differ in how long a unit takes them.
 */
typedef struct {
    size_t members;          /* at work */
    double step;             /* a step of each of them */
    double left;             /* all that this call is to do */
    const ls_model *example; /* the costliest network of them, and rows enough to try it on */
    size_t rows;
} ls_workload;

/* Seconds of training to come from which on trying pays. */
typedef struct {
    double threads, devices, unchecked;
    double left; /* of the call at hand at least */
} ls_choice_patience;

enum { LS_CHOICE_SAMPLES = 64, LS_CHOICE_MOST = 80 };

typedef struct ls_choice {
    ls_device *device; /* whose info and backend are those of the best */
    ls_candidate list[LS_CHOICE_MOST];
    size_t count;
    unsigned threads; /* most of the CPU path */
    ls_choice_patience patience;

    size_t best, at;  /* the fastest known, and who works now: another one is on trial */
    size_t next;      /* to be tried in this pass */
    bool decided;     /* the pass is over */
    ls_workload when; /* what it was made for */
    double spent;     /* seconds of work since the last pass ended */
    double lost; /* seconds that choosing took: on trials, what the best would not have needed; and
                    moving members */

    double sample_seconds, sample_cost; /* the sample at hand */
    double sample[LS_CHOICE_SAMPLES];   /* paces of the best, the latest ones */
    size_t samples;
    unsigned rounds; /* of the trial */
    size_t tried;    /* samples of it, their least pace, and the longest */
    double least, longest;
    bool again; /* it seemed to win, and both are measured once more */

    bool discovered; /* no further candidates will be found */
    bool opening;    /* the thread below is at work on candidate `next`, or on finding them all */
    bool finding;
    pthread_t thread;
    atomic_bool opened; /* it has ended */
    ls_status open_status;
    ls_error open_error;
    ls_catalogue catalogue;
    ls_options *
        example; /* what the thread warms the device up with: a network like those that will come */
    size_t example_features, example_classes, example_rows;
} ls_choice;

/* threads: of the CPU path, 0: chosen among up to all cores. opencl: chosen among devices too.
 * Without a choice, *out is NULL. The first candidate is the device's backend: the CPU path, with
 * all its threads. */
ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
                           ls_error *err);
/* Closes all backends; waits for one that is being opened. */
void ls_choice_free(ls_choice *choice);

/* Before rounds with a new workload: who begins. */
size_t ls_choice_begin(ls_choice *choice, const ls_workload *work);
/* After a round that did so much in so many seconds: who goes on. Where it is not the best, it is
 * on trial. */
size_t ls_choice_round(ls_choice *choice, const ls_workload *work, double seconds, double cost);
/* A candidate, but not the first one, failed or could not be begun: who goes on. */
size_t ls_choice_failed(ls_choice *choice, size_t candidate, const char *why);
/* The rounds are over: a trial that is not has no result. */
void ls_choice_end(ls_choice *choice);
/* Whether rounds should be short at present. */
bool ls_choice_is_measuring(const ls_choice *choice);

/* Adds a candidate that is open; false where there is no room. */
bool ls_choice_add(ls_choice *choice, const ls_device_info *info, ls_backend *backend,
                   unsigned threads);

#endif
