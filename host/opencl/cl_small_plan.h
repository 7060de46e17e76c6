/* SPDX-License-Identifier: MIT */
/* How the work-groups of a GPU run small networks (kernels/small_group.cl): a function of the
 * device's and the members' numbers. No bit depends on it. */
#ifndef LS_CL_SMALL_PLAN_H
#define LS_CL_SMALL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

/* What a device has. */
typedef struct {
    size_t local_memory; /* bytes per work-group */
    size_t group_limit;  /* work-items per work-group */
    size_t units;        /* multiprocessors */
} ls_small_device;

/* What the members of a launch need, each number that of the member that needs most. */
typedef struct {
    size_t members;
    size_t rows;   /* per step */
    size_t width;  /* columns of the widest operation */
    size_t common; /* floats of scratch that the parts of a group share */
    size_t part;   /* floats of scratch per part */
} ls_small_need;

/* Work-items of a group at least; a device that has no such groups runs small networks otherwise.
 */
enum { LS_SMALL_GROUP = 32 };

/* A group has parts · items of its work-items at work on chunks, each part on its own; all numbers
 * are powers of two. */
typedef struct {
    size_t group; /* work-items */
    size_t parts;
    size_t items;  /* work-items per part */
    bool local;    /* scratch lies in local memory */
    size_t floats; /* scratch of a group */
} ls_small_split;

/* Divides groups for a launch; keep_global: scratch stays in global memory, as it does if that of
 * one part does not fit into local memory. group_limit >= LS_SMALL_GROUP; other numbers >= 1. */
ls_small_split ls_small_divide(const ls_small_device *device, const ls_small_need *need,
                               bool keep_global);

#endif
