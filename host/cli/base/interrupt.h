/* SPDX-License-Identifier: MIT */
/* Ctrl-C (SIGINT), SIGTERM and SIGHUP. Those that are ignored when the program starts stay ignored.
 */
#ifndef LS_CLI_INTERRUPT_H
#define LS_CLI_INTERRUPT_H

/* From this call on, the first of these signals only sets interrupted(); the second one ends the
 * process as usual. */
void interrupt_catch(void);
int interrupted(void);

/* From this call on, they remove this file and end the process with EXIT_INTERRUPTED, also while it
 * waits for input. path: NULL if there is no file to remove. It must stay valid until the next
 * call. */
void interrupt_removes(const char *path);

#endif
