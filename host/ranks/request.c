/* SPDX-License-Identifier: MIT */
#include "host/ranks/request.h"
#include "host/base/memory.h"
#include <stdlib.h>

/* Whether a request can fail, so that its outcome is told. */
static bool can_fail(ls_ask_kind kind)
{
    return kind != LS_ASK_LEAVE && kind != LS_ASK_REMOVE && kind != LS_ASK_CLOSE &&
           kind != LS_ASK_END;
}

static ls_status send(ls_transport *t, ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    LS_TRY(t->broadcast(t, LS_LEADER, a, sizeof *a, false, err));
    if (!a->bytes) return LS_OK;
    return t->broadcast(t, LS_LEADER, (void *)with->payload, a->bytes, false, err);
}

ls_status ls_ask_all(ls_rank *r, ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    if (a->owner == LS_LEADER) return ls_rank_do(r, a, with, err);
    ls_status sent = send(r->transport, a, with, err);
    if (can_fail(a->kind)) {
        LS_TRY(sent);
        return ls_rank_settle(r, a, ls_rank_do(r, a, with, err), err);
    }
    /* The leader's plans and rows are the caller's, who frees them next: what it has of them here
     * goes, even if no rank can be reached any more. */
    (void)ls_rank_do(r, a, with, NULL);
    return sent;
}

ls_status ls_follow_one(ls_rank *r, bool *end, ls_error *err)
{
    ls_transport *t = r->transport;
    ls_ask a;
    void *payload = NULL;
    ls_error own = {0};
    LS_TRY(t->broadcast(t, LS_LEADER, &a, sizeof a, true, err));
    if (a.bytes) {
        LS_TRY(ls_alloc(&payload, a.bytes, 1, "a request", err));
        ls_status received = t->broadcast(t, LS_LEADER, payload, a.bytes, false, err);
        if (received != LS_OK) {
            free(payload);
            return received;
        }
    }
    *end = a.kind == LS_ASK_END;
    if (ls_rank_takes_part(r, &a)) {
        ls_status status = ls_rank_do(r, &a, &(ls_ask_with){.payload = payload}, &own);
        if (can_fail(a.kind)) (void)ls_rank_settle(r, &a, status, &own);
    }
    free(payload);
    return LS_OK;
}
