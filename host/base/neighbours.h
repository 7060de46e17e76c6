/* SPDX-License-Identifier: MIT */
/* What scikit-learn, Keras, PyTorch, XGBoost and command lines of others call options, values and
 * commands that have another name here: hints for messages. */
#ifndef LS_NEIGHBOURS_H
#define LS_NEIGHBOURS_H

#include <stddef.h>

/* Our words for an option or a command. `name` is among the names that were given; `about` is NULL
 * or says what it is. */
typedef struct {
    const char *name, *about;
} ls_hint;

/* The option for which others write `text` (without "--"; "_" is "-", case does not matter), among
 * names[0..count), which have no "--" either; "o" and other letters are short options. The nearest
 * name if others have no such word; name NULL if there is none. */
ls_hint ls_option_hint(const char *text, const char *const *names, size_t count);

/* The same for a command. */
ls_hint ls_command_hint(const char *text, const char *const *names, size_t count);

/* The same for a value of an option, or of "net" for the names of layers. NULL if there is none. */
const char *ls_value_hint(const char *option, const char *text, const char *const *names,
                          size_t count);

#endif
