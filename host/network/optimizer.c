/* SPDX-License-Identifier: MIT */
#include "host/network/optimizer.h"
#include "host/network/settings.h"

#define DECAY_NONE LS_NO_DECAY
#define DECAY_momentum offsetof(ls_settings, momentum)
#define DECAY_rho offsetof(ls_settings, rho)
#define DECAY_beta1 offsetof(ls_settings, beta1)
#define DECAY_beta2 offsetof(ls_settings, beta2)
#define BIAS_PLAIN false
#define BIAS_CORRECTED true
#define WEIGHTS_COUPLED false
#define WEIGHTS_DECOUPLED true
#define BATCH_FULL true
#define BATCH_MINI false
#define FACTS(rate, first, second, bias, weights, batch)                                           \
    rate, DECAY_##first, DECAY_##second, BIAS_##bias, WEIGHTS_##weights, BATCH_##batch
#define ROW(name, states, facts) {#name, states, FACTS facts},

const ls_opt_info ls_optimizers[LS_OPT_COUNT] = {LS_OPTIMIZERS(ROW)};

#define AT_MOST_TWO(name, states, facts)                                                           \
    _Static_assert((states) >= 0 && (states) <= 2, #name ": ls_updated has room for two states");
LS_OPTIMIZERS(AT_MOST_TWO)
