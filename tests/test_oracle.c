/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <math.h>
#include "support_rig.h"
static const rig_case cases[] = {
#include "/tmp/cases.inc"
};
Test(oracle, steps)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig *r = rig_open(&cases[i]);
        rig_errors a, b, c;
        rig_run(r, 1, &a);
        rig_run(r, 1, &b);
        rig_run(r, 8, &c);
        fprintf(stderr, "%-34s p %.1e %.1e %.1e s %.1e %.1e %.1e r %.1e %.1e %.1e l %.1e %.1e %.1e\n", cases[i].name, a.parameters, b.parameters, c.parameters, a.states, b.states, c.states, a.running,b.running,c.running, a.losses,b.losses,c.losses);
        rig_close(r);
    }
}
