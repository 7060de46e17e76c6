/* SPDX-License-Identifier: MIT */
#include "host/device/trial.h"

/* Samples that are enough: of a clear result, and of a close one, within this factor. */
enum { CLEAR = 2, CLOSE = 5 };
static const double close_factor = 1.25;
/* One sample that takes so many seconds is enough. */
static const double long_sample = 0.03, long_gpu_sample = 0.2;
/* A sample is faster than those before if it takes less than this share. */
static const double improved = 0.95;
/* Share of the remaining seconds, and the least and most seconds, for a device to become faster. */
static const double settle_share = 0.002, least_settle = 0.02, most_settle = 1;
/* Share of the remaining seconds, and the least seconds, that measuring a slow device may cost. */
static const double allowed_share = 0.007, least_allowed = 0.02;

void ls_trial_begin(ls_trial *t, uint64_t builds)
{
    t->rounds = 0;
    t->longest_sample = t->settled = 0;
    t->builds = builds;
}

bool ls_trial_is_no_sample(ls_trial *t, uint64_t builds, double seconds)
{
    bool built = builds != t->builds;
    t->builds = builds;
    if (built) { /* what was measured before may be slower than it is now */
        t->build_rounds++;
        t->measured = 0;
        t->settled = t->longest_sample = 0;
    }
    return built || (t->rounds++ == 0 && seconds < long_gpu_sample);
}

void ls_trial_note(ls_trial *t, double seconds, double pace)
{
    bool faster = !t->measured || pace < improved * t->least_pace;
    if (!t->measured++ || pace < t->least_pace) t->least_pace = pace;
    t->settled = faster ? 0 : t->settled + seconds;
    if (seconds > t->longest_sample) t->longest_sample = seconds;
}

bool ls_trial_is_enough(const ls_trial *t, const ls_trial_rule *rule)
{
    bool close = t->least_pace <= close_factor * rule->best &&
                 rule->best <= close_factor * t->least_pace;
    return t->measured >= (close ? CLOSE : CLEAR) ||
           t->longest_sample >= (rule->gpu ? long_gpu_sample : long_sample);
}

bool ls_trial_has_settled(const ls_trial *t, const ls_trial_rule *rule)
{
    if (rule->at_once) return true;
    double allowed = allowed_share * rule->left, settle = settle_share * rule->left;
    if (allowed < least_allowed) allowed = least_allowed;
    if (settle < least_settle) settle = least_settle;
    if (settle > most_settle) settle = most_settle;
    return t->lost >= allowed || (!rule->promising && t->settled >= settle);
}
