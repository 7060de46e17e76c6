/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_images.h"

static ls_status not_yet(const job *j)
{
    return ls_fail(j->err, LS_ERR_UNSUPPORTED, "images are not supported on OpenCL devices");
}

ls_status ls_cl_op_conv(const job *j) { return not_yet(j); }
ls_status ls_cl_op_conv_x(const job *j) { return not_yet(j); }
ls_status ls_cl_op_conv_w(const job *j) { return not_yet(j); }
ls_status ls_cl_op_max_pool(const job *j) { return not_yet(j); }
ls_status ls_cl_op_max_pool_x(const job *j) { return not_yet(j); }
ls_status ls_cl_op_avg_pool(const job *j) { return not_yet(j); }
ls_status ls_cl_op_avg_pool_x(const job *j) { return not_yet(j); }
ls_status ls_cl_op_act(const job *j) { return not_yet(j); }
ls_status ls_cl_op_slope(const job *j) { return not_yet(j); }
