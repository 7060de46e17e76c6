/* SPDX-License-Identifier: MIT */
/* A member's program of kernels/whole.cl: the phases of its step as words (kernels/whole.h). */
#ifndef LS_WHOLE_WORDS_H
#define LS_WHOLE_WORDS_H

#include "host/opencl/whole_phases.h"

typedef struct {
    uint32_t *word;
    size_t count;
    size_t scratch; /* floats of scratch memory */
} ls_whole_words;

/* *out is NULL if the plan cannot run in this way (ls_whole_phases_build). Errors: LS_ERR_MEMORY.
 */
ls_status ls_whole_words_build(const ls_plan *plan, const ls_whole_limits *limits,
                               ls_whole_words **out, ls_error *err);
void ls_whole_words_free(ls_whole_words *words);

#endif
