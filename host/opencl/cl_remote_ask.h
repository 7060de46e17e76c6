/* SPDX-License-Identifier: MIT */
/* Requests to the helper about the device in use there (cl_remote.h). */
#ifndef LS_CL_REMOTE_ASK_H
#define LS_CL_REMOTE_ASK_H

#include "host/opencl/cl_helper.h"

/* An inference of a member. */
typedef struct {
    size_t member, first, rows;
    int which; /* LS_USE_OUTPUTS, LS_USE_LOSSES */
} ls_cl_inference;

/* Results of an inference that was not asked for yet: in the window until anything else is put
 * there or done. */
typedef struct {
    const void *workspace; /* NULL: there are none */
    ls_cl_inference of;
    size_t at; /* floats from the beginning of the window */
} ls_cl_foretold;

typedef struct {
    ls_backend base;
    ls_cl_helper helper;
    ls_cl_foretold foretold;
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
    size_t room, members;  /* one more than the largest number so far */
    ls_cl_pace run, infer;
    double largest; /* the weights of a step of the largest network so far, times its rows */
    unsigned char *changes; /* of ls_use_change, that are not sent yet */
    size_t changes_bytes, changes_room;
    ls_cl_inference usual; /* that came at once after the last runs of its member: */
    unsigned turns;        /* so many of them in a row */
    bool has_run;          /* the last call was a run, of one member: */
    size_t ran;
} ls_cl_remote_workspace;

/* Whether the device can be used at all; LS_ERR_DEVICE with the reason. */
ls_status ls_cl_remote_check(ls_cl_remote *remote, ls_error *err);
/* The device has failed, for good. Returns LS_ERR_DEVICE. */
ls_status ls_cl_remote_fail(ls_cl_remote *remote, const ls_helper_failure *failure, ls_error *err);
/* Sends a request of `size` bytes and waits for the answer. All that is sent makes what is foretold
 * invalid. */
ls_status ls_cl_remote_request(ls_cl_remote *remote, ls_message_kind kind, const void *request,
                               size_t size, ls_use_answer *answer, ls_error *err);
/* The same with the usual request; *number (may be NULL): that of the answer. */
ls_status ls_cl_remote_ask(ls_cl_remote *remote, ls_message_kind kind,
                           const ls_use_request *request, size_t *number, ls_error *err);
/* The same about members of the workspace, with the changes that are not sent yet. If these fail,
 * the device has failed: they may be others' members. */
ls_status ls_cl_remote_work(ls_cl_remote_workspace *workspace, ls_message_kind kind,
                            ls_use_request *request, ls_use_answer *answer, ls_error *err);
/* The window, if it can hold so many bytes; otherwise an error. What is foretold is invalid then.
 */
ls_status ls_cl_remote_window(ls_cl_remote *remote, size_t bytes, unsigned char **out,
                              ls_error *err);

#endif
