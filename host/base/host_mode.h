/* SPDX-License-Identifier: MIT */
/* What a host program may have set for the calling thread and the library does without: its
 * floating-point mode (float_mode.h) and its locale, whose decimal point printf, strtod and jansson
 * would use, and whose letters ls_ascii_casecmp. A public function begins with
 *     LS_HOST_MODE(mode);
 * and ls_host_mode_give and ls_host_mode_take stand around callbacks. */
#ifndef LS_HOST_MODE_H
#define LS_HOST_MODE_H

#include "host/base/float_mode.h"
#include <locale.h>

#define LS_HOST_MODE(name)                                                                         \
    __attribute__((cleanup(ls_host_mode_give))) ls_host_mode name;                                 \
    ls_host_mode_take(&name)

typedef struct {
    ls_float_mode floats;
    locale_t plain, before;
} ls_host_mode;

static inline void ls_host_mode_take(ls_host_mode *caller)
{
    ls_float_mode_take(&caller->floats);
    /* an object of the system's own, for which it needs no memory; where it does and has none, the
     * caller's locale stays */
    caller->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    caller->before = caller->plain ? uselocale(caller->plain) : (locale_t)0;
}

static inline void ls_host_mode_give(const ls_host_mode *caller)
{
    if (caller->plain) {
        uselocale(caller->before);
        freelocale(caller->plain);
    }
    ls_float_mode_give(&caller->floats);
}

#endif
