/* SPDX-License-Identifier: MIT */
/* The helper's side of cl_helper.h. */
#ifndef LS_CL_SERVE_H
#define LS_CL_SERVE_H

#include "host/opencl/cl_message.h"

/* Called before each request is served; `what` is the part's name or the program's options. For
 * tests, whose helper crashes or hangs in the hook. */
typedef void (*ls_serve_hook)(ls_message_kind kind, const char *what);

/* Serves requests from standard input, a socket, until it is closed; returns the exit status. The
 * process must be the helper's own. hook: may be NULL. */
int ls_cl_serve(ls_serve_hook hook);

#endif
