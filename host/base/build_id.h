/* SPDX-License-Identifier: MIT */
/* Which build of the library this is. */
#ifndef LS_BUILD_ID_H
#define LS_BUILD_ID_H

enum { LS_BUILD_ID_BYTES = 20 };

/* What the linker has computed from all of the program, or of the library if that is a file of its
 * own; zeros if it has put nothing there. */
void ls_build_id(unsigned char id[LS_BUILD_ID_BYTES]);

#endif
