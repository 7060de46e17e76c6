/* SPDX-License-Identifier: MIT */
/* The layered operations on images: convolution, pooling, and elementwise ones. */
#ifndef LS_CL_IMAGES_H
#define LS_CL_IMAGES_H

#include "host/opencl/cl_launch.h"

ls_status ls_cl_op_conv(const job *j);
ls_status ls_cl_op_conv_x(const job *j);
ls_status ls_cl_op_conv_w(const job *j);
ls_status ls_cl_op_max_pool(const job *j);
ls_status ls_cl_op_max_pool_x(const job *j);
ls_status ls_cl_op_avg_pool(const job *j);
ls_status ls_cl_op_avg_pool_x(const job *j);
ls_status ls_cl_op_act(const job *j);
ls_status ls_cl_op_slope(const job *j);

#endif
