/* SPDX-License-Identifier: MIT */
/* A request of the leader. */
#ifndef LS_ASK_H
#define LS_ASK_H

#include <stddef.h>
#include <stdint.h>

/* Requests, with what follows them. Numbers of workspaces and members are the leader's, and the
 * same on all ranks. */
typedef enum {
    LS_ASK_OPEN,   /* count: threads; flag: approximate ones, too; bytes of the spec with its NUL */
    LS_ASK_ROWS,   /* workspace: opened, or loaded if flag; rows, features, outputs, weighted; then
                      the arrays. at > 0: of the first `at` rows each rank gets only its own, of
                      batches of `count` rows in the order of the rows, with `to` chunks a rank in
                      a turn; at = 0: all of them.
                      which: the rows are made one after the other, none is sent to all. With at = 0
                      they are the leader's; validation rows are divided as an inference of blocks
                      of `member` rows is (host/ranks/deal.h) */
    LS_ASK_KEEP,   /* bytes that say how a file is read, of which each rank reads its part */
    LS_ASK_SERVE,  /* until the leader ends it, ranks send it the rows that they have read */
    LS_ASK_LEAVE,  /* workspace */
    LS_ASK_ADD,    /* member; at: origin; which: its owner; bytes of the plan */
    LS_ASK_REMOVE, /* member */
    LS_ASK_RUN,    /* count of ls_asked_run, then the rates of all steps: bytes */
    LS_ASK_INFER,  /* member, at, count: rows; which */
    LS_ASK_READ,   /* member, at, count */
    LS_ASK_WRITE,  /* member, at, count */
    LS_ASK_COPY,   /* member, at, to, count */
    LS_ASK_CLOSE,  /* the device */
    LS_ASK_END     /* followers end */
} ls_ask_kind;

enum { LS_ASK_OUTPUTS = 1, LS_ASK_LOSSES = 2 };

typedef struct {
    ls_ask_kind kind;
    int owner, which, flag, weighted, unused;
    size_t workspace, member, at, to, count, rows, features, outputs, bytes;
} ls_ask;

typedef struct {
    size_t member;
    uint64_t first, count, keep;
} ls_asked_run;

#endif
