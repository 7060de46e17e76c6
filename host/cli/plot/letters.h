/* SPDX-License-Identifier: MIT */
/* Names whose letters a viewer may have no font for. Pages and SVG plots name no font but the
 * generic family, so that the viewer's machine looks for each letter in all of its fonts. */
#ifndef LS_CLI_PLOT_LETTERS_H
#define LS_CLI_PLOT_LETTERS_H

#include "host/base/text.h"
#include "host/include/lockstep.h"

/* Adds the names of the scripts that the text has letters of and that common fonts may lack, as
 * "Arabic, Han"; those that are in it already are left out. Latin, Greek and Cyrillic are in all
 * common fonts. */
void letters_add_scripts(ls_text *list, const char *text);

/* Prints a note on standard error if the names of the model's classes and targets have such
 * letters. */
void letters_note(const ls_model *model);

#endif
