/* SPDX-License-Identifier: MIT */
/* Messages between this process and the helper (cl_helper.h), both of one build: a header and one
 * of the structs below, as bytes. */
#ifndef LS_CL_MESSAGE_H
#define LS_CL_MESSAGE_H

#include "host/base/error.h"
#include "host/network/device_speed.h"
#include "host/opencl/check_part.h"

typedef enum {
    LS_MESSAGE_HELLO, /* from the helper, once; ls_hello */
    LS_MESSAGE_OPEN,  /* ls_open_request; ls_open_answer */
    LS_MESSAGE_CHECK, /* ls_check_part; ls_check_answer */
    LS_MESSAGE_BUILD, /* ls_build_request, options with their NUL, source; ls_check_answer */
    LS_MESSAGE_SPEED, /* ls_speed_request; ls_speed_answer */
    LS_MESSAGE_KINDS
} ls_message_kind;

typedef struct {
    char build[65]; /* ls_cl_build_id */
    size_t sizes;   /* of the structs below */
} ls_hello;

/* Opens a device; its kernels are not built yet. */
typedef struct {
    size_t number;           /* in the list of ls_cl_find */
    ls_cl_copies_use copies; /* how its products are to copy */
    ls_device_info info;
} ls_open_request;
typedef struct {
    ls_status status;
    char message[512];
    bool async_copies;
    size_t count;
    ls_check_part parts[LS_CHECK_PARTS_MOST];
} ls_open_answer;

typedef struct {
    ls_status status;
    char message[1024];
    char reason[256]; /* the difference that a part found, or "" */
} ls_check_answer;

typedef struct {
    size_t options, source; /* bytes of each, which follow */
    bool binaries;          /* ask for the program's binary, too: PoCL compiles only then */
} ls_build_request;

typedef struct {
    bool out[LS_CL_WAY_COUNT]; /* ways that are not to be used: they may have crashed elsewhere */
} ls_speed_request;
typedef struct {
    ls_status status;
    ls_device_speed speed;
} ls_speed_answer;

/* What a helper of this build says. */
void ls_hello_fill(ls_hello *hello);

enum { LS_MESSAGE_MOST = 1 << 24 }; /* bytes of a message after its header */

/* Sends one message, whose contents may be in two pieces (b may be NULL). False if the other side
 * has gone. */
bool ls_message_send(int socket, ls_message_kind kind, const void *a, size_t a_size, const void *b,
                     size_t b_size);

/* Waits up to that many seconds until something can be received or the other side has gone. */
bool ls_message_wait(int socket, double seconds);

typedef enum { LS_RECEIVED, LS_RECEIVED_END, LS_RECEIVED_LATE, LS_RECEIVED_NONSENSE } ls_received;

/* Waits up to that many seconds (negative: without a limit) for a message. *bytes has a NUL behind
 * its end and is freed by the caller. */
ls_received ls_message_receive(int socket, double seconds, ls_message_kind *kind, char **bytes,
                               size_t *size);

#endif
