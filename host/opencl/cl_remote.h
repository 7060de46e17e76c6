/* SPDX-License-Identifier: MIT */
/* A device in use in a helper process (cl_helper.h), as a backend. Requests are messages; arrays
 * lie in memory that both processes have. Long calls are divided into pieces, so that the helper
 * shows progress; no bit depends on that. If the helper crashes, is ended or hangs, the call and
 * all later ones fail with LS_ERR_DEVICE, and closing still works. */
#ifndef LS_CL_REMOTE_H
#define LS_CL_REMOTE_H

#include "host/opencl/cl_helper.h"

extern const ls_backend_slots ls_cl_remote_slots;

/* Opens a device that was checked. Takes the helper, which has no device yet; it is stopped if this
 * fails. *info: completed; exact is cleared if the device gives other values than it did when it
 * was checked. */
ls_status ls_cl_remote_open(ls_cl_helper *helper, size_t number, ls_device_info *info,
                            const ls_cl_verdict *verdict, ls_backend **out, ls_error *err);

/* See ls_backend_type. */
void ls_cl_remote_heed(ls_backend *backend, const atomic_bool *stop);
ls_status ls_cl_remote_tune(ls_backend *backend, ls_tune_callback callback, void *user, char *path,
                            ls_error *err);

/* The slots that move rows and run members (cl_remote_work.c), and what they need. */
typedef struct {
    ls_backend base;
    ls_cl_helper helper;
    ls_device_info info;
    char failed[256]; /* how it has failed, or "" */
    unsigned ended;   /* builds, once it has */
    char note[1024];
} ls_cl_remote;

/* How large the next piece of a long call should be. */
typedef struct {
    double each;   /* seconds of a unit */
    uint64_t most; /* units of the largest piece so far */
    size_t width;  /* members at once in it */
} ls_cl_pace;

typedef struct {
    ls_workspace base;
    ls_cl_remote *remote;
    size_t number;
    const ls_plan **plans; /* by member; NULL if the number is free */
    size_t room;
    ls_cl_pace run, infer;
    double largest; /* the weights of a step of the largest network so far, times its rows */
} ls_cl_remote_workspace;

/* Sends a request and waits for the answer. */
ls_status ls_cl_remote_ask(ls_cl_remote *remote, ls_message_kind kind,
                           const ls_use_request *request, size_t *number, ls_error *err);
/* The window, if it can hold so many bytes; otherwise an error. */
ls_status ls_cl_remote_window(ls_cl_remote *remote, size_t bytes, unsigned char **out,
                              ls_error *err);

ls_status ls_cl_remote_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                      ls_error *err);
ls_status ls_cl_remote_workspace_load(ls_workspace *workspace, const ls_rows *data, ls_error *err);
ls_status ls_cl_remote_read(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            float *to, ls_error *err);
ls_status ls_cl_remote_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                             const float *from, ls_error *err);
ls_status ls_cl_remote_run(ls_workspace *workspace, const ls_run *runs, size_t count,
                           ls_error *err);
ls_status ls_cl_remote_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                             float *outputs, float *losses, ls_error *err);

#endif
