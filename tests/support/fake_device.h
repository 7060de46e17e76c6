/* SPDX-License-Identifier: MIT */
/* Devices whose speed and failures are given: the CPU path computes, a simulated clock (clock.h)
 * says how long that took. A choice (host/device/choice.h) among them is a function of its inputs.
 */
#ifndef SUPPORT_FAKE_DEVICE_H
#define SUPPORT_FAKE_DEVICE_H

#include "host/network/backend.h"
#include "host/network/device_speed.h"

typedef struct {
    /* Given by the test; simulated seconds. */
    double step_seconds;    /* per step of a member */
    double launch_seconds;  /* per call, in addition */
    double compile_seconds; /* of its first call, in addition: a build that warming up did not do */
    double beside_seconds;  /* from its first call until a build beside the steps has ended, */
    double beside_factor;   /* until which steps take so many times as long */
    uint64_t slow_steps;    /* its first steps, */
    double slow_factor;     /* which take so many times as long */
    double find_seconds;    /* from the beginning of the search until it is found */
    double open_seconds;
    double warm_seconds;    /* from then until it is warm */
    double warm_factor;     /* steps take so many times as long while it is warmed up; 0: as long */
    bool cold;              /* warming it up tells nothing of its speed */
    bool unchecked;         /* never used before */
    bool remembered;        /* the machine's devices are known before they are looked for */
    ls_device_speed speed;  /* as remembered, or guessed */
    double opening;         /* seconds that opening took last */
    const char *open_error; /* why it cannot be opened, or NULL */
    const char *approximate; /* in which way it is not exact, or NULL */
    const char *kind;        /* NULL: a GPU */
    long fails_at; /* number (from 1) of the first call that fails, as all after it; 0 if none */
    double disturbed_until; /* until then its steps take twice as long */

    /* Kept by the device. */
    long calls;
    uint64_t steps;
    size_t members;
    ls_builds builds;
    double beside_until;
    ls_backend_slots slots;
    const ls_backend_slots *real;
} fake_device;

/* Starts the simulated clock and opens a device that chooses between `cpu`, which is the CPU path
 * on one thread, and `other`, a GPU. That is found and opened beside the training, in the simulated
 * time that it gives. */
ls_device *fake_choice_open(fake_device *cpu, fake_device *other);

/* The seconds that a call of so many steps takes it; counts the steps and builds. */
double fake_call(fake_device *device, uint64_t steps);

/* Whether the choice has looked for devices. */
bool fake_choice_searched(void);

/* What the choice reports of the other device; NULL if it did not come to it. */
const ls_device_timing *fake_timing(const ls_device *device);

#endif
