/* SPDX-License-Identifier: MIT */
/* jansson (2.14) drops a character where a buffer of its parser cannot grow, and asserts that no
 * such text exists. Its memory therefore comes from a reserve where the system has none: the
 * program then ends with the error of the next allocation of its own, or finishes. */
#ifndef LS_CLI_JSON_MEMORY_H
#define LS_CLI_JSON_MEMORY_H

/* To be called before any other function of jansson. */
void json_memory_reserve(void);

#endif
