/* SPDX-License-Identifier: MIT */
/* A device whose n-th call goes wrong: the CPU path behind slots that fail, are dead from then on,
 * or give wrong numbers. */
#ifndef LS_TEST_FAULTY_H
#define LS_TEST_FAULTY_H

#include "host/network/backend.h"

typedef enum {
    FAULT_NONE,
    FAULT_DIES,   /* the call fails with LS_ERR_DEVICE, and all later ones */
    FAULT_MEMORY, /* the call fails with LS_ERR_MEMORY */
    FAULT_READ,   /* a read gives one bit wrong */
    FAULT_MATH,   /* all losses from that call on have one bit wrong */
    FAULT_STATE   /* a run leaves one bit of the state wrong */
} fault_kind;

typedef struct {
    fault_kind kind;
    uint64_t at;    /* the call that goes wrong, from 1 */
    uint64_t calls; /* so far */
    uint64_t reads, runs;
    bool dead;
    bool in_place;           /* its arenas are host memory */
    int workspaces, members; /* open at present */
} fault;

/* On the simulated clock a run takes 0.05 s, and nothing else takes time. Opens such a device,
 * which is used until it fails and has the CPU path with one thread to go over to. *f must outlive
 * it. */
ls_status faulty_open(fault *f, ls_device **out, ls_error *err);
/* Its backend alone, closed by its slot. */
ls_status faulty_backend_open(fault *f, ls_backend **out, ls_error *err);

#endif
