/* SPDX-License-Identifier: MIT */
/* Turns a row of outputs into a class. */
#ifndef LS_DECISION_H
#define LS_DECISION_H

#include "host/base/error.h"

/* Score of class k in one row of outputs: its column. A single column holds the score x of class
 * 1; class 0 then has 1 - x, in float32 as `lockstep predict` prints it. */
float ls_class_score(const float *outputs, size_t columns, size_t k);

/* The decision of a model for which none was set: class 1 is positive, no threshold. */
ls_decision ls_decision_default(void);

/* Whether the decision differs from the default in its threshold or positive class. */
bool ls_decision_is_set(const ls_decision *decision);

/* The rule as applied: a single column without a threshold decides for class 1 from 0.5 on. */
ls_decision ls_decision_resolve(ls_decision decision, size_t columns);

/* Class of one row of outputs. With a threshold: the positive class if its score reaches the
 * threshold, otherwise the other class. Without: the first largest of several columns; for a single
 * column, class 1 if it reaches 0.5. No other function turns outputs into classes. */
size_t ls_decide(const float *outputs, size_t columns, const ls_decision *decision);

#endif
