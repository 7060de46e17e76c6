/* SPDX-License-Identifier: MIT */
/* How ranks exchange bytes: MPI, in a module of its own (host/mpi) that is loaded at run time, so
 * that nothing else needs MPI. Ranks are processes of one build, numbered from 0. All of them call
 * `broadcast` and `gather` in the same order. Functions fail with LS_ERR_DEVICE. */
#ifndef LS_TRANSPORT_H
#define LS_TRANSPORT_H

#include "host/include/lockstep.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int rank; /* to or from which */
    bool out; /* whether the bytes are sent; otherwise they are received */
    void *at;
    size_t bytes;
} ls_transfer;

typedef struct ls_transport ls_transport;
struct ls_transport {
    int rank, size;
    int node_rank, node_size; /* the same among the ranks on this machine */
    uint64_t sent;            /* bytes that this rank has passed to other ranks */
    int (*stopped)(void);     /* whether the user wants to stop; NULL: never */
    double limit;             /* seconds after which another rank is taken for dead */
    bool lost;                /* set by its user: this rank takes part in nothing any more */

    /* Does all transfers at the same time. Those between two ranks are matched in their order. */
    ls_status (*transfer)(ls_transport *t, const ls_transfer *list, size_t count, ls_error *err);
    /* Bytes of rank `from` to all others. idle: it may take any time until that rank begins. */
    ls_status (*broadcast)(ls_transport *t, int from, void *at, size_t bytes, bool idle,
                           ls_error *err);
    /* Bytes [offset[r], offset[r + 1]) of rank r to all others, in place; offset: size + 1. */
    ls_status (*gather)(ls_transport *t, void *at, const size_t *offset, ls_error *err);
    /* Waits for the others, unless an exchange has failed or this rank is lost: then the process is
     * to end with an error, and what has started the ranks ends the others. */
    void (*end)(ls_transport *t);
};

/* The function of the module, and its name. It joins the other processes that were started with
 * this one. version: LS_TRANSPORT_VERSION; *out stays NULL if the module is of another. */
enum { LS_TRANSPORT_VERSION = 2 };
typedef ls_status ls_transport_begin(int version, ls_transport **out, ls_error *err);
#define LS_TRANSPORT_SYMBOL "ls_mpi_begin"

#endif
