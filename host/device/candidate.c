/* SPDX-License-Identifier: MIT */
#include "host/device/candidate.h"
#include "host/network/device_kind.h"

/* Share of the best device's time that a device may be expected to take to be tried early: an
 * estimate may be wrong by some factor; what was measured beside the training is nearer. */
static const double clear_estimate = 1.0 / 3, clear_trial = 2.0 / 3;
/* Seconds assumed for opening: the first time with the self-check, or if it is not remembered. */
static const double check_seconds = 10, open_seconds = 2;
/* The expected time must be this many times the delay, as the end of a run waits for a device that
 * is being opened. */
static const double margin_open = 1.25, margin_check = 1.5;
/* What moving takes: bytes per second if the device's own are not known, and seconds of a member.
 */
static const double usual_upload = 2e9, member_seconds = 2e-5;
/* It is hopeless if it took this many times the best's time while it was warmed up. The steps of
 * CPU devices competed with the training then. */
static const double hopeless = 4, hopeless_cpu = 8;

static bool within(double a, double b, double factor) { return a <= factor * b && b <= factor * a; }

bool ls_workloads_similar(const ls_workload *a, const ls_workload *b, double factor)
{
    if (!a->members || !b->members) return false;
    return within((double)a->members, (double)b->members, factor) &&
           within(a->step / (double)a->members, b->step / (double)b->members, factor);
}

ls_candidate ls_candidate_of(const ls_known_device *d)
{
    ls_candidate c = {.state = d->checked ? LS_CANDIDATE_FOUND : LS_CANDIDATE_UNCHECKED,
                      .info = d->info,
                      .speed = d->speed,
                      .opening = d->opening};
    snprintf(c.timing.name, sizeof c.timing.name, "%s", d->info.name);
    if (*d->failed) {
        c.state = LS_CANDIDATE_OUT;
        snprintf(c.timing.note, sizeof c.timing.note, "failed in an earlier run: %.220s",
                 d->failed);
    }
    return c;
}

int ls_known_rank(const ls_known_device *d)
{
    ls_device_kind kind = ls_device_kind_of(&d->info);
    int rank = kind == LS_KIND_GPU ? 0 : kind == LS_KIND_CPU ? 2 : 1;
    return d->checked ? rank : rank + LS_KNOWN_RANKS / 2;
}

bool ls_candidate_is_gpu(const ls_candidate *c)
{
    return ls_device_kind_of(&c->info) == LS_KIND_GPU;
}

ls_builds ls_candidate_builds(const ls_candidate *c)
{
    return c->backend ? c->backend->slots->builds(c->backend) : (ls_builds){0};
}

void ls_candidate_estimate(ls_candidate *c, const ls_workload *work)
{
    double seconds = 0, cost = 0;
    c->estimate = c->timing.estimated = 0;
    if (c->threads) return;
    for (size_t i = 0; i < work->examples; i++) {
        const ls_example *e = &work->example[i];
        double step = ls_estimate_step(&c->speed, &e->need, e->members);
        if (step <= 0) return;
        seconds += step;
        cost += e->cost * (double)e->members;
    }
    if (cost <= 0) return;
    c->estimate = seconds / cost;
    c->timing.estimated = (double)work->members / (work->step * c->estimate);
}

/* The least pace that follows from the trial while it was warmed up: with fewer copies than there
 * are members, these might still run side by side in the same time. */
static double least_tried(const ls_candidate *c, size_t members)
{
    return c->copies < members ? c->tried * (double)c->copies / (double)members : c->tried;
}

double ls_candidate_expected_pace(const ls_candidate *c, size_t members)
{
    if (c->tried <= 0) return c->estimate;
    double least = least_tried(c, members);
    if (c->estimate <= 0 || c->estimate > c->tried) return c->tried;
    return c->estimate > least ? c->estimate : least;
}

double ls_candidate_delay(const ls_candidate *c, double find)
{
    if (c->state == LS_CANDIDATE_OPEN) return c->warm ? 0 : 0.5 * open_seconds;
    if (c->state == LS_CANDIDATE_UNCHECKED) return find + check_seconds;
    return find + (c->opening > 0 ? c->opening : open_seconds);
}

bool ls_candidate_pays(const ls_candidate *c, const ls_workload *work, double expected, double best,
                       double find, unsigned cores)
{
    double pace = ls_candidate_expected_pace(c, work->members);
    if (!ls_candidate_is_gpu(c) || pace <= 0 || best <= 0) return false;
    double upload = c->speed.upload > 0 ? c->speed.upload : usual_upload;
    const ls_look look = {.expected = expected,
                          .ratio = pace / best,
                          .clear = c->tried > 0 ? clear_trial : clear_estimate,
                          .delay = ls_candidate_delay(c, find),
                          .margin = c->state == LS_CANDIDATE_UNCHECKED ? margin_check : margin_open,
                          .share = 1 / (double)cores,
                          .move = work->bytes / upload + member_seconds * (double)work->members};
    return ls_look_pays(&look);
}

bool ls_candidate_is_hopeless(const ls_candidate *c, size_t members, double best)
{
    double limit = ls_device_kind_of(&c->info) == LS_KIND_CPU ? hopeless_cpu : hopeless;
    return c->tried > 0 && least_tried(c, members) > limit * best;
}

bool ls_candidate_is_promising(const ls_candidate *c, double best)
{
    return ls_candidate_is_gpu(c) && c->tried > 0 && c->tried <= LS_FAR_AHEAD * best;
}
