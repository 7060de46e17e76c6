/* SPDX-License-Identifier: MIT */
#include "host/doctor/report.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LS_X(NAME, name) #name,
static const char *const names[] = {LS_FINDINGS(LS_X)};
#undef LS_X

const char *ls_finding_name(ls_finding_status status) { return names[status]; }

ls_finding *ls_report_add(ls_doctor_report *r, const char *check, ls_finding_status status)
{
    ls_finding *f = &r->spare;
    if (ls_grow(&r->finding, &r->finding_room, r->findings + 1, sizeof *r->finding, "the report",
                NULL) == LS_OK)
        f = &r->finding[r->findings++];
    else r->failed = true;
    *f = (ls_finding){.check = check, .device = -1, .status = status};
    return f;
}

/* Names from files may be no UTF-8, or have been cut within a character. */
static void make_utf8(char *text)
{
    if (ls_is_utf8(text)) return;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
}

#define PRINT(to)                                                                                  \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(to, sizeof to, format, arguments);                                               \
        va_end(arguments);                                                                         \
        make_utf8(to);                                                                             \
    } while (0)

void ls_finding_tried(ls_finding *f, const char *format, ...) { PRINT(f->tried); }
void ls_finding_found(ls_finding *f, const char *format, ...) { PRINT(f->found); }
void ls_finding_fix(ls_finding *f, const char *format, ...) { PRINT(f->fix); }

ls_finding_status ls_report_worst(const ls_doctor_report *r)
{
    ls_finding_status worst = LS_FINDING_OK;
    for (size_t i = 0; i < r->findings; i++)
        if (r->finding[i].status > worst) worst = r->finding[i].status;
    return worst;
}

int ls_report_verdict(const ls_doctor_report *r)
{
    if (ls_report_worst(r) == LS_FINDING_BROKEN) return 2;
    for (size_t i = 0; i < r->devices; i++)
        if (r->device[i].usable && !strcmp(r->device[i].info.kind, "gpu")) return 0;
    return 1;
}

void ls_report_free(ls_doctor_report *r)
{
    free(r->finding);
    free(r->device);
    *r = (ls_doctor_report){0};
}
