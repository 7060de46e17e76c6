/* SPDX-License-Identifier: MIT */
/* What comes of trying drivers and devices anew (host/doctor/). */
#ifndef LS_EXAMINATION_H
#define LS_EXAMINATION_H

#include "host/network/device_speed.h"
#include <stdbool.h>
#include <stdint.h>

enum { LS_LOOK_PLATFORMS = 8 };

/* A shared library, opened in a process of its own. The struct is sent between processes of one
 * build. */
typedef struct {
    char failed[120];  /* how the process has failed: "crashes (Aborted)"; or "" */
    bool opened;       /* by the dynamic linker */
    char message[512]; /* the dynamic linker's, if it was not opened */
    char file[512];    /* the file that was opened */
    bool loader;       /* it has the functions of a program's OpenCL library */
    bool driver;       /* it has the entry points by which a loader knows a driver */
    int code;          /* the driver's answer when it is asked for its platforms: an OpenCL error */
    unsigned platforms; /* of those below */
    struct {
        char name[128];
        unsigned devices, gpus;
    } platform[LS_LOOK_PLATFORMS];
} ls_driver_look;

/* A device's memory. Sizes are in bytes, rates in bytes per second. The struct is sent between
 * processes of one build. */
typedef struct {
    char failed[256]; /* what could not be done, or "" */
    char log[1024];   /* the compiler's last words if the small program did not build, or "" */
    uint64_t claimed; /* what the device reports */
    uint64_t tried;   /* what was filled with patterns and read again */
    uint64_t wrong;   /* words of 4 bytes that differed, */
    uint64_t first;   /* the place of the first in what was tried */
    double upload, download; /* between host memory and the device's */
    double copy;             /* within the device's memory, read and written */
} ls_memory_report;

/* A device. */
typedef struct {
    ls_memory_report memory;
    char failed[256];   /* how its process has failed before the comparison, or "" */
    char unjudged[256]; /* why it was not compared with the CPU path, or "" */
    bool exact;
    char reason[256];      /* why it is not exact, or "" */
    unsigned parts;        /* that were compared */
    char aside[800];       /* what gives wrong bits or fails and is not used any more, or "" */
    char earlier[256];     /* how it has failed in use before, or "" */
    bool forgotten;        /* that failure: it is chosen again */
    ls_device_speed speed; /* zeros if it was not measured */
} ls_examination;

#endif
