/* SPDX-License-Identifier: MIT */
#ifndef LS_CORES_H
#define LS_CORES_H

/* Number of processors that this process may use, at least 1. */
unsigned ls_usable_cores(void);

#endif
