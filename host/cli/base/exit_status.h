/* SPDX-License-Identifier: MIT */
/* Exit statuses of the program; stable. */
#ifndef LS_CLI_EXIT_STATUS_H
#define LS_CLI_EXIT_STATUS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

#endif
