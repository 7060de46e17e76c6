/* SPDX-License-Identifier: MIT */
/* Which members of a fleet are on the device, and which device that is. Neither changes a bit of
 * them. */
#ifndef LS_FLEET_DEVICE_H
#define LS_FLEET_DEVICE_H

#include "host/training/fleet_state.h"

/* Bytes that a fleet may take on a device. memory: what the caller allows on any device, or 0. */
uint64_t ls_fleet_limit(uint64_t memory, const ls_device_info *info);
/* Bytes that a member takes on a device, without its rows. */
uint64_t ls_arena_bytes(const ls_trainer *trainer);

/* Takes a member off the device; its state there is lost. */
void ls_fleet_leave(ls_fleet *fleet, ls_trainer *trainer);
/* Puts members that have steps to run on the device, as far as there is room. */
ls_status ls_fleet_admit(ls_fleet *fleet, ls_error *err);

/* Moves to another candidate: parks the members; the next ls_fleet_admit puts them there. */
ls_status ls_fleet_move(ls_fleet *fleet, size_t to, ls_error *err);
/* Notes whether members have to keep copies on the device in use, and frees them if not. */
void ls_fleet_note_keeping(ls_fleet *fleet);
/* Moves to candidate `to` after the one in use has failed: members continue from their copies. */
ls_status ls_fleet_rescue(ls_fleet *fleet, size_t to, ls_error *err);

/* Renews the copies of members whose copies are older than they are, if the device may fail. */
ls_status ls_fleet_copy_members(ls_fleet *fleet, ls_error *err);

#endif
