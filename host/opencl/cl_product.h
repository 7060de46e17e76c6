/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_PRODUCT_H
#define LS_CL_PRODUCT_H

#include "host/opencl/cl_launch.h"

ls_status ls_cl_op_dense(const job *j);
ls_status ls_cl_op_grad_x(const job *j);
ls_status ls_cl_op_grad_w(const job *j);

#endif
