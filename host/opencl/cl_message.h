/* SPDX-License-Identifier: MIT */
/* Messages between this process and the helper (cl_helper.h), both of one build: a header and one
 * of the structs below, as bytes. */
#ifndef LS_CL_MESSAGE_H
#define LS_CL_MESSAGE_H

#include "host/base/error.h"
#include "host/network/backend.h"
#include "host/network/device_speed.h"
#include "host/network/examination.h"
#include "host/opencl/check_part.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_counts.h"

/* Those about the device in use have a ls_use_request and a ls_use_answer. */
typedef enum {
    LS_MESSAGE_HELLO, /* from the helper, once; ls_hello */
    LS_MESSAGE_FIND,  /* nothing; ls_find_answer, then `count` of ls_found_device */
    LS_MESSAGE_OPEN,  /* ls_open_request; ls_open_answer */
    LS_MESSAGE_CHECK, /* ls_check_part; ls_check_answer */
    LS_MESSAGE_BUILD, /* ls_build_request, options with their NUL, source; ls_check_answer */
    LS_MESSAGE_SPEED, /* ls_speed_request; ls_speed_answer */

    LS_MESSAGE_USE,  /* ls_use_open; ls_use_answer */
    LS_MESSAGE_ROWS, /* opens or loads a workspace, whose rows follow with FILL */
    LS_MESSAGE_FILL,
    LS_MESSAGE_LEAVE, /* closes a workspace */
    LS_MESSAGE_ADD,   /* a member */
    LS_MESSAGE_RUN,
    LS_MESSAGE_PART,
    LS_MESSAGE_INFER,
    LS_MESSAGE_READ,
    LS_MESSAGE_WRITE,
    LS_MESSAGE_CHANGES, /* those that come with it, and nothing else */
    LS_MESSAGE_NOTE,
    LS_MESSAGE_TUNE,   /* answered by TRIED while it goes on */
    LS_MESSAGE_TRIED,  /* ls_tried; int: other than 0 to stop */
    LS_MESSAGE_CLOSE,  /* the helper ends without an answer */
    LS_MESSAGE_LOOK,   /* the path of a library with its NUL; ls_driver_look */
    LS_MESSAGE_MEMORY, /* nothing, once a device is open; ls_memory_report */
    LS_MESSAGE_KINDS
} ls_message_kind;

typedef struct {
    char build[65]; /* ls_cl_build_id */
    size_t sizes;   /* of the structs below */
} ls_hello;

typedef struct {
    ls_status status;
    char message[512];
    char note[256]; /* why there is no device, or "" */
    size_t count;
} ls_find_answer;
typedef struct {
    ls_device_info info;
    ls_device_speed guess;
} ls_found_device;

/* Opens a device; its kernels are not built yet. */
typedef struct {
    size_t number;           /* in the list of ls_cl_find */
    ls_cl_copies_use copies; /* how its products are to copy */
    bool thorough;           /* with the parts of awkward shapes (check_shapes.h) */
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

/* ---- A device in use --------------------------------------------------------------------------
 */

/* Opens a device that was checked, and builds its kernels. */
typedef struct {
    size_t number;
    ls_device_info info;
    ls_cl_verdict verdict;
} ls_use_open;

/* What the fields mean is that of the slot's arguments (host/network/backend.h); arrays are in the
 * shared memory, in the order in which they are named here:
 *   ROWS    rows, features, outputs, flag (there are weights); workspace: the number of one that
 *           is open, or LS_USE_NEW
 *   FILL    which (ls_cl_column), at, count; floats
 *   ADD     origin in `at`; the plan, then its operations (step, infer)
 *   RUN     count; ls_use_run for each, then the rates of all steps, then space for their losses;
 *           with `which`, INFER of `rows` rows of a member follows, with space after those
 *   PART    member; ls_use_part
 *   INFER   member, first in `at`, rows in `count`, which (1: outputs, 2: losses, 3: both); space
 *           for the outputs, then the losses
 *   READ, WRITE  member, at, count; floats; READ with flag: the device's memory is read twice
 *   CHANGES nothing
 * Changes of members follow a request about a workspace in its message, `changes` bytes of them,
 * and are done before it, in their order: a member that comes or goes then costs one message, not
 * three. */
typedef struct {
    size_t workspace, member, at, count;
    size_t rows, features, outputs, changes;
    int which;
    bool flag;
    bool careful;    /* show progress after each operation */
    uint16_t unused; /* no padding: all bytes are sent */
} ls_use_request;
enum { LS_USE_OUTPUTS = 1, LS_USE_LOSSES = 2 };
static const size_t LS_USE_NEW = SIZE_MAX;

typedef struct {
    size_t member;
    uint64_t first, count;
    uint64_t keep; /* no padding */
} ls_use_run;

typedef struct {
    uint64_t step;
    size_t first, rows, from, to;
    ls_rates rates;
} ls_use_part;

/* A change of a member, as `copy`, `write` and `member_remove` of the seam. A WRITE is followed by
 * its floats, an even number of them. */
enum { LS_CHANGE_COPY, LS_CHANGE_WRITE, LS_CHANGE_REMOVE };
typedef struct {
    size_t kind, member, from, to, count;
} ls_use_change;
static inline size_t ls_use_change_bytes(const ls_use_change *c)
{
    size_t floats = c->kind == LS_CHANGE_WRITE ? c->count + c->count % 2 : 0;
    return sizeof *c + floats * sizeof(float);
}

typedef struct {
    ls_status status;
    bool changes_failed; /* these, and not the request itself */
    size_t number;       /* of a workspace or a member */
    double seconds;      /* RUN: those of the inference after it */
    char message[1024];  /* of a failure; NOTE: the note; TUNE: the path */
    char reason[256];    /* USE: why the device is not exact, though it was before, or "" */
} ls_use_answer;

typedef struct {
    char product[128], tile[128];
    double flops, best;
    unsigned done, total;
} ls_tried;

/* Memory that both processes have: it begins with this, and arrays follow. */
typedef struct {
    ls_cl_counts counts;
    _Alignas(64) unsigned char window[];
} ls_shared;
/* Bytes of address space for it; as much as is needed of that is memory. */
enum { LS_SHARED_MOST = 64 << 20 };

/* ---- Sending and receiving ------------------------------------------------------------------- */

/* What a helper of this build says. */
void ls_hello_fill(ls_hello *hello);

enum { LS_MESSAGE_MOST = 1 << 24 }; /* bytes of a message after its header */

/* Sends one message, whose contents may be in two pieces (b may be NULL). False if the other side
 * has gone. */
bool ls_message_send(int socket, ls_message_kind kind, const void *a, size_t a_size, const void *b,
                     size_t b_size);

/* Waits up to that many seconds until something can be received or the other side has gone. */
bool ls_message_wait(int socket, double seconds);

typedef enum {
    LS_RECEIVED,
    LS_RECEIVED_END,
    LS_RECEIVED_LATE,
    LS_RECEIVED_NONSENSE,
    LS_RECEIVED_STOPPED /* the caller has given up waiting */
} ls_received;

/* Waits up to that many seconds (negative: without a limit) for a message. *bytes has a NUL behind
 * its end and is freed by the caller. */
ls_received ls_message_receive(int socket, double seconds, ls_message_kind *kind, char **bytes,
                               size_t *size);

/* Not ls_clock, which tests replace: limits are there for processes that hang. */
double ls_message_clock(void);

#endif
