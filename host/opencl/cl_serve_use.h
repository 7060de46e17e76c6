/* SPDX-License-Identifier: MIT */
/* The helper's side of cl_remote.h: requests about the device in use. */
#ifndef LS_CL_SERVE_USE_H
#define LS_CL_SERVE_USE_H

#include "host/opencl/cl_device.h"
#include "host/opencl/cl_message.h"

/* A workspace, and copies of the plans of its members, by number. */
typedef struct {
    ls_workspace *workspace; /* NULL if the number is free */
    ls_plan **plan;
    size_t room;
} ls_used_workspace;

typedef struct {
    int socket;
    ls_shared *shared;
    ls_cl_device *device;
    ls_used_workspace *list;
    size_t count, room;
    ls_run *runs;
    size_t runs_room;
} ls_cl_use;

/* Opens the device for use; *answer is the helper's. */
void ls_cl_use_open(ls_cl_use *use, const ls_cl_api *cl, const ls_cl_found *found,
                    const ls_cl_verdict *verdict, ls_use_answer *answer);
/* Serves a request after its changes, request->changes bytes of them; false if it makes no sense.
 */
bool ls_cl_use_serve(ls_cl_use *use, ls_message_kind kind, const ls_use_request *request,
                     const char *changes, ls_use_answer *answer);
/* Releases the device and all that is on it. */
void ls_cl_use_close(ls_cl_use *use);

#endif
