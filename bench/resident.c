/* SPDX-License-Identifier: MIT */
#include "bench/resident.h"
#include <stdio.h>
#include <string.h>

/* An entry of /proc/self/status in bytes. */
static double status_bytes(const char *name)
{
    char line[256];
    double kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), ": %lf kB", &kb) == 1)
            break;
    if (status) fclose(status);
    return kb * 1024;
}

double bench_resident(void) { return status_bytes("VmRSS"); }
double bench_peak_resident(void) { return status_bytes("VmHWM"); }

void bench_reset_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    if (refs) fputs("5", refs);
    if (refs) fclose(refs);
}
