/* SPDX-License-Identifier: MIT */
/* What a device can do, measured once and remembered (host/opencl/). The choice of a device
 * (host/device/choice.h) estimates from it how long a step would take there. */
#ifndef LS_DEVICE_SPEED_H
#define LS_DEVICE_SPEED_H

/* Size classes of matrix products, by the number of results (ls_cl_size_class). */
enum { LS_SPEED_CLASSES = 4 };

/* Each 0 if it was not measured. */
typedef struct {
    double launch;  /* seconds that one more launch in a full queue takes */
    double finish;  /* seconds from a launch into an empty queue until the host knows its end */
    double barrier; /* seconds of a barrier over all work-groups of a launch */
    double copy;    /* bytes per second, read and written, of a copy within the device's memory */
    double upload;  /* bytes per second from host memory to the device's */
    double product[LS_SPEED_CLASSES]; /* fma per second of a product, by size class */
    double alone; /* fma per second of one small network that trains alone, in its best way */
    double fleet; /* fma per second of all members of a large fleet of small networks */
} ls_device_speed;

#endif
