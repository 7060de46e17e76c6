/* SPDX-License-Identifier: MIT */
/* Ctrl-C and SIGTERM. */
#ifndef LS_CLI_INTERRUPT_H
#define LS_CLI_INTERRUPT_H

/* From this call on, the first SIGINT or SIGTERM only sets interrupted(); the second one ends the
 * process as usual. */
void interrupt_catch(void);
int interrupted(void);

#endif
