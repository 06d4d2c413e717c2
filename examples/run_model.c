/*===- run_model.c - The C interface in one page --------------------------===*\
|*
|* Licensed under the Apache License v2.0 with LLVM Exceptions.
|* See LICENSE for license information.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|*===----------------------------------------------------------------------===*|
|*
|* Opens a model, fills its inputs with small numbers, runs all samples and
|* then, where the model allows it, the first one alone, and prints the
|* beginning of each output.
|*
|*   cc run_model.c -lQuantOptRuntime -o run_model
|*   ./run_model model.qopt [cuda|cpu|emulator]
|*
\*===----------------------------------------------------------------------===*/
#include "QuantOpt/Runtime/quant_opt_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program if a call of the runtime failed. */
static void check(qopt_status status, const char *what) {
  if (status == QOPT_OK)
    return;
  fprintf(stderr, "%s: %s: %s\n", what, qopt_status_name(status),
          qopt_last_error());
  exit(1);
}

/* One buffer in host memory. */
typedef struct tensor {
  qopt_tensor_info info;
  size_t bytes;
  void *data;
} tensor;

static tensor make_tensor(const qopt_tensor_info *info) {
  tensor made;
  made.info = *info;
  check(qopt_tensor_num_bytes(info, &made.bytes), info->name);
  made.data = calloc(made.bytes + 1, 1);
  if (!made.data) {
    fprintf(stderr, "%s: out of memory\n", info->name);
    exit(1);
  }
  return made;
}

/* 0 1 2 3 4 0 1 ...; what is no f32 stays zero. */
static void fill(const tensor *input) {
  size_t i;
  float value;
  if (input->info.dtype != QOPT_F32)
    return;
  for (i = 0; i < input->bytes / sizeof(float); ++i) {
    value = (float)(i % 5);
    memcpy((char *)input->data + i * sizeof(float), &value, sizeof(value));
  }
}

static void print(const char *title, const tensor *output) {
  size_t i, count = output->bytes / qopt_dtype_size(output->info.dtype);
  float value;
  printf("%s %s:", title, output->info.name);
  for (i = 0; i < count && i < 5 && output->info.dtype == QOPT_F32; ++i) {
    memcpy(&value, (char *)output->data + i * sizeof(float), sizeof(value));
    printf(" %g", value);
  }
  printf(" (%s, %lu bytes)\n", qopt_dtype_name(output->info.dtype),
         (unsigned long)output->bytes);
}

int main(int argc, char **argv) {
  qopt_session_options options;
  qopt_session *session;
  qopt_tensor_info info;
  size_t i, num_inputs, num_outputs;
  tensor *tensors;
  const void **inputs;
  void **outputs;
  double milliseconds;

  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s MODEL [DEVICE]\n", argv[0]);
    return 2;
  }
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.device = argc > 2 ? argv[2] : NULL;
  check(qopt_session_open(argv[1], &options, &session), argv[1]);
  printf("%s on %s\n", argv[1], qopt_session_description(session));

  num_inputs = qopt_session_num_inputs(session);
  num_outputs = qopt_session_num_outputs(session);
  tensors = malloc((num_inputs + num_outputs + 1) * sizeof(*tensors));
  inputs = malloc((num_inputs + 1) * sizeof(*inputs));
  outputs = malloc((num_outputs + 1) * sizeof(*outputs));
  if (!tensors || !inputs || !outputs)
    return 1;
  for (i = 0; i < num_inputs; ++i) {
    check(qopt_session_input_info(session, i, &info), "input");
    tensors[i] = make_tensor(&info);
    fill(&tensors[i]);
    inputs[i] = tensors[i].data;
  }
  for (i = 0; i < num_outputs; ++i) {
    check(qopt_session_output_info(session, i, &info), "output");
    tensors[num_inputs + i] = make_tensor(&info);
    outputs[i] = tensors[num_inputs + i].data;
  }

  check(qopt_session_run(session, inputs, outputs), "run");
  for (i = 0; i < num_outputs; ++i)
    print("all samples:", &tensors[num_inputs + i]);
  if (qopt_session_any_batch(session)) {
    check(qopt_session_run_batch(session, 1, inputs, outputs), "run one");
    for (i = 0; i < num_outputs; ++i)
      print("one sample:", &tensors[num_inputs + i]);
  }
  check(qopt_session_elapsed_ms(session, &milliseconds), "time");
  printf("the last run took %.3f ms\n", milliseconds);

  qopt_session_close(session);
  for (i = 0; i < num_inputs + num_outputs; ++i)
    free(tensors[i].data);
  free(tensors);
  free(inputs);
  free(outputs);
  return 0;
}
