/* SPDX-License-Identifier: MIT */
/* Tests of every public function: none is forgotten. */
#ifndef LS_SUPPORT_EXPORTED_H
#define LS_SUPPORT_EXPORTED_H

/* Notes a call that a test makes, as its source text: "ls_data_rows(data)". */
void exported_call(const char *text);

/* Fails the test if a name of lockstep.map was in no call. */
void exported_check(void);

#endif
