/* SPDX-License-Identifier: MIT */
/* The subcommands, one source file each. main.c has the table of their names. */
#ifndef LS_CLI_CMD_COMMANDS_H
#define LS_CLI_CMD_COMMANDS_H

/* Each parses argv[1..], does its work and returns an exit status. argv[0] is the subcommand's
 * name. */
int cmd_auto(int argc, const char **argv);
int cmd_compare(int argc, const char **argv);
int cmd_describe(int argc, const char **argv);
int cmd_devices(int argc, const char **argv);
int cmd_doctor(int argc, const char **argv);
int cmd_evaluate(int argc, const char **argv);
int cmd_experiment(int argc, const char **argv);
int cmd_make(int argc, const char **argv);
int cmd_plot(int argc, const char **argv);
int cmd_predict(int argc, const char **argv);
int cmd_report(int argc, const char **argv);
int cmd_resume(int argc, const char **argv);
int cmd_search(int argc, const char **argv);
int cmd_show(int argc, const char **argv);
int cmd_train(int argc, const char **argv);
int cmd_tune(int argc, const char **argv);
int cmd_verify(int argc, const char **argv);

#endif
